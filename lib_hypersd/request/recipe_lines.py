"""A person's own values for the recipes: one line a recipe or LoRA file, read leniently."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..models.catalog import BY_NAME
from ..models.recipes import RECIPES, Dial, Recipe
from ..text import echo

RECIPES_LABEL = "Recipes of your own"
"""The option's label, which notices name."""
RECIPES_PLACE = f"Settings > Hyper-SD > {RECIPES_LABEL}"

RECIPE_WORDS = ("weight", "cfg", "range", "distilled", "distilled range")
"""The words of a line."""
_LIMITS: dict[str, tuple[float, float]] = {"weight": (-2, 2), "cfg": (0, 30), "distilled": (0, 30)}
_DIALS = {"range": "cfg", "distilled range": "distilled"}
"""Words that give the range of another one."""
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_RANGE = re.compile(rf"({_NUMBER.pattern})\s*[-–]\s*({_NUMBER.pattern})")

Span = tuple[float, float]


@dataclass(frozen=True)
class Override:
    """What one line changes of a recipe, by its words; the rest is left as published."""

    given: Mapping[str, Any]

    def on(self, recipe: Recipe) -> Recipe:
        """`recipe` with these values. A distilled CFG is set only where the recipe has one."""
        cfg = self._turned(recipe.cfg, "cfg", "range")
        distilled = recipe.distilled_cfg and self._turned(recipe.distilled_cfg, "distilled", "distilled range")
        return replace(recipe, weight=self.given.get("weight", recipe.weight), cfg=cfg, distilled_cfg=distilled)

    def _turned(self, dial: Dial, word: str, span_word: str) -> Dial:
        """A dial with a value or a range of the person's; the one that was not given follows as far as it must."""
        value, span = self.given.get(word), self.given.get(span_word)
        if span is not None:
            low, high = span
            return Dial(min(max(dial.value, low), high) if value is None else value, low, high)
        return dial if value is None else Dial(value, min(dial.low, value), max(dial.high, value))


class LineError(ValueError):
    """A line that can't be used; the message says what is wrong and what is allowed."""


@dataclass(frozen=True)
class Overrides:
    """The lines that can be used, by recipe and by LoRA file; `notice` is about the others."""

    recipes: Mapping[str, Override] = field(default_factory=dict)
    files: Mapping[str, Override] = field(default_factory=dict)
    notice: str = ""


def read_overrides(text: str) -> Overrides:
    """One line a recipe or LoRA file: `sdxl: weight 0.8, cfg 1.2, range 1-2`. Empty lines and `# …` are passed over."""
    recipes: dict[str, Override] = {}
    files: dict[str, Override] = {}
    bad: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            name, override = parse_line(line)
            known = recipes if name in RECIPES else files
            if name in known:
                raise LineError(f"{echo(name)} has a line already, and one is allowed")
            known[name] = override
        except LineError as error:
            bad.append(f'line {number}, "{echo(line.strip())}": {error}')
    return Overrides(recipes, files, _notice(bad))


def parse_line(line: str) -> tuple[str, Override]:
    """The recipe or file that a line names, and what it changes. Raises LineError."""
    target, colon, rest = line.partition(":")
    name = " ".join(target.split())
    name = name.lower() if name.lower() in RECIPES else target.strip()
    if not colon or not name:
        raise LineError(f'a line is "sdxl: weight 0.8, cfg 1.2"; the recipes are {", ".join(RECIPES)}')
    given: dict[str, Any] = {}
    for entry in rest.split(","):
        word, value = _parse_entry(" ".join(entry.split()))
        if word in given:
            raise LineError(f"{word} stands there twice, and once is allowed")
        given[word] = value
    _check_together(name, given)
    return name, Override(given)


def _check_together(name: str, given: Mapping[str, Any]) -> None:
    """What no single value of a line shows. Raises LineError."""
    if (name in RECIPES or name in BY_NAME) and not _is_flux(name) and any(w.startswith("distilled") for w in given):
        raise LineError(f"{name} has no distilled CFG; that is for flux, flux nf4 and FLUX files")
    for span_word, word in _DIALS.items():
        if {span_word, word} <= given.keys() and not Dial(given[word], *given[span_word]).holds(given[word]):
            low, high = given[span_word]
            raise LineError(f"{word} is {given[word]:g}; the line's own {span_word} allows {low:g} to {high:g}")


def _is_flux(name: str) -> bool:
    return BY_NAME[name].family == "flux" if name in BY_NAME else name.startswith("flux")


def _parse_entry(entry: str) -> tuple[str, float | Span]:
    longest_first = sorted(RECIPE_WORDS, key=len, reverse=True)
    word = next((w for w in longest_first if f"{entry.lower()} ".startswith(f"{w} ")), None)
    if word is None:
        raise LineError(f'"{echo(entry)}" is no value of a recipe; those are {", ".join(RECIPE_WORDS)}')
    text = entry[len(word) :].strip()
    low, high = _LIMITS[_DIALS.get(word, word)]
    found = (_RANGE if word in _DIALS else _NUMBER).fullmatch(text)
    numbers = [float(n) for n in (found.groups() or (text,))] if found else []
    if not numbers or not all(low <= n <= high for n in numbers) or numbers != sorted(numbers):
        kind = "two numbers, the smaller one first, such as 1-2," if word in _DIALS else "a number"
        raise LineError(f'{word} is "{echo(text)}"; it takes {kind} from {low:g} to {high:g}')
    return word, (numbers[0], numbers[1]) if word in _DIALS else numbers[0]


def _notice(bad: Sequence[str]) -> str:
    """One sentence for all lines that can't be used."""
    if not bad:
        return ""
    others = f" Others that can't be read: {len(bad) - 1}." if len(bad) > 1 else ""
    return f"{RECIPES_PLACE}, {bad[0]}. The line was not used.{others}"
