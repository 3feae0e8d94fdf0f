"""Prompt styles, read from CSV files with the columns name, prompt, negative_prompt."""

from __future__ import annotations

import csv
import os
import typing
from pathlib import Path

from modules import errors, prompt_comments
from modules.profiles import PROFILE


class PromptStyle(typing.NamedTuple):
    name: str
    prompt: str | None
    negative_prompt: str | None
    path: str | None = None


def apply_styles_to_prompt(prompt, styles):
    """Append each style, or put the prompt where the style says {prompt}. Forge cuts comments here."""
    if PROFILE.comments == "styles":
        prompt = prompt_comments.strip_comments(prompt).strip()
        styles = [prompt_comments.strip_comments(style).strip() for style in styles]
    for style in styles:
        if "{prompt}" in style:
            prompt = style.replace("{prompt}", prompt)
        else:
            prompt = ", ".join(filter(None, (prompt.strip(), style.strip())))
    return prompt


def _without_style(style_text, prompt):
    """(whether the prompt has this style, the prompt without it)"""
    text, style = prompt.strip(), style_text.strip()
    if "{prompt}" in style:
        left, _, right = style.partition("{prompt}")
        if text.startswith(left) and text.endswith(right):
            return True, text[len(left) : len(text) - len(right)]
    elif text.endswith(style):
        return True, text[: len(text) - len(style)].removesuffix(", ")
    return False, prompt


class StyleDatabase:
    def __init__(self, paths):
        self.no_style = PromptStyle("None", "", "", None)
        self.styles: dict[str, PromptStyle] = {}
        self.paths = [Path(x) for x in paths]
        self.default_path = self.paths[0]
        self.reload()

    def reload(self):
        self.styles.clear()
        for path in self.paths:
            try:
                self._load(path)
            except Exception:
                errors.report(f"Error loading styles from {path}: ", exc_info=True)

    def _load(self, path):
        if not os.path.exists(path):
            return
        with open(path, encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file, skipinitialspace=True):
                name = row.get("name")
                if name and not name.startswith("#"):
                    prompt, negative = row.get("prompt", ""), row.get("negative_prompt", "")
                    self.styles[name] = PromptStyle(name, prompt, negative, str(path))

    def get_style_prompts(self, styles):
        return [self.styles.get(x, self.no_style).prompt for x in styles]

    def get_negative_style_prompts(self, styles):
        return [self.styles.get(x, self.no_style).negative_prompt for x in styles]

    def apply_styles_to_prompt(self, prompt, styles):
        return apply_styles_to_prompt(prompt, self.get_style_prompts(styles))

    def apply_negative_styles_to_prompt(self, prompt, styles):
        return apply_styles_to_prompt(prompt, self.get_negative_style_prompts(styles))

    def save_styles(self, path=None):
        with open(path or self.default_path, "w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["name", "prompt", "negative_prompt"])
            writer.writerows(style[:3] for style in self.styles.values())

    def extract_styles_from_prompt(self, prompt, negative_prompt):
        """(names, prompt, negative prompt) with every style found taken out."""
        found, candidates = [], list(self.styles.values())
        while True:
            for style in candidates:
                if not style.prompt and not style.negative_prompt:
                    continue
                has_positive, positive = _without_style(style.prompt, prompt)
                has_negative, negative = _without_style(style.negative_prompt, negative_prompt)
                if has_positive and has_negative:
                    break
            else:
                return list(reversed(found)), prompt, negative_prompt
            candidates.remove(style)
            found.append(style.name)
            prompt, negative_prompt = positive, negative
