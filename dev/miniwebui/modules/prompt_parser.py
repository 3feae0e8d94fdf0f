"""Prompt editing ([a:b:0.5], [a|b]), composition (AND) and attention, and the conds that come of them."""

from __future__ import annotations

import re
from collections import namedtuple

import torch

_TOKEN = re.compile(r"\\.|[\[\]():|]|[^\\\[\]():|]+|\\", re.S)
_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*$")


class _Scheduled:
    """[before:after:when]; `when` is the last step that shows `before`."""

    def __init__(self, before, after, when):
        self.before, self.after, self.when = before, after, when

    def at(self, step):
        return _text(self.before if step <= self.when else self.after, step)


class _Alternate:
    """[a|b]: another option at each step."""

    def __init__(self, options):
        self.options = options

    def at(self, step):
        return _text(self.options[(step - 1) % len(self.options)], step)


def _text(parts, step):
    return "".join(x if isinstance(x, str) else x.at(step) for x in parts)


class _Editor:
    """Parses one prompt. Brackets that say nothing of a schedule stay text (they may be attention)."""

    def __init__(self, prompt, steps, int_offset, float_offset, old):
        self.tokens, self.position = _TOKEN.findall(prompt), 0
        self.steps, self.int_offset, self.float_offset, self.old = steps, int_offset, float_offset, old
        self.changes: set[int] = {steps}

    def parse(self):
        parts = []
        while self.position < len(self.tokens):
            parts += self._until("")
            if self.position < len(self.tokens):  # a closing bracket that nobody opened
                parts.append(self.tokens[self.position])
                self.position += 1
        return parts

    def _until(self, stops):
        parts = []
        while self.position < len(self.tokens):
            token = self.tokens[self.position]
            if stops and token in stops:
                break
            if not stops and token in ")]":
                break
            self.position += 1
            if token == "[":
                parts += self._bracket()
            elif token == "(":
                inner = self._until(")]")
                parts += ["(", *inner]
                if self.position < len(self.tokens) and self.tokens[self.position] == ")":
                    parts.append(")")
                    self.position += 1
            else:
                parts.append(token)
        return parts

    def _bracket(self):
        fields, separators = [self._until(":|])")], []
        while self.position < len(self.tokens) and self.tokens[self.position] in ":|":
            separators.append(self.tokens[self.position])
            self.position += 1
            fields.append(self._until(":|])"))
        closed = self.position < len(self.tokens) and self.tokens[self.position] == "]"
        if closed:
            self.position += 1
            made = self._make(fields, separators)
            if made is not None:
                return [made]
        parts = ["[", *fields[0]]
        for separator, field in zip(separators, fields[1:], strict=True):
            parts += [separator, *field]
        return [*parts, "]"] if closed else parts

    def _make(self, fields, separators):
        if separators and set(separators) == {"|"}:
            self.changes.update(range(1, self.steps + 1))
            return _Alternate(fields)
        if set(separators) == {":"} and len(fields) in (2, 3) and all(isinstance(x, str) for x in fields[-1]):
            number = _NUMBER.match("".join(fields[-1]))
            if number:
                when = self._step(number.group(1))
                if when >= 1:
                    self.changes.add(when)
                return _Scheduled(fields[0] if len(fields) == 3 else [], fields[-2], when)
        return None

    def _step(self, number):
        value = float(number)
        if self.old:
            value = value * self.steps if value < 1 else value
        elif "." in number:
            value = (value - self.float_offset) * self.steps
        else:
            value -= self.int_offset
        return min(self.steps, int(value))


def get_learned_conditioning_prompt_schedules(prompts, base_steps, hires_steps=None, use_old_scheduling=False):
    """For each prompt a list of [last step, text]: "a [b:c:0.5]" in 10 steps -> [[5, "a b"], [10, "a c"]].

    In the hires pass fractions count from 1.0 and whole numbers from the first pass's steps.
    """
    first = hires_steps is None or use_old_scheduling
    steps = base_steps if first else hires_steps

    def schedule(prompt):
        editor = _Editor(prompt, steps, 0 if first else base_steps, 0.0 if first else 1.0, use_old_scheduling)
        parts = editor.parse()
        return [[step, _text(parts, step)] for step in sorted(editor.changes)]

    known = {prompt: schedule(prompt) for prompt in set(prompts)}
    return [known[prompt] for prompt in prompts]


ScheduledPromptConditioning = namedtuple("ScheduledPromptConditioning", ["end_at_step", "cond"])


class SdConditioning(list):
    """Prompts with what the text encoders of some families want to know beside."""

    def __init__(
        self,
        prompts,
        is_negative_prompt=False,
        width=None,
        height=None,
        copy_from=None,
        distilled_cfg_scale=None,
    ):
        super().__init__(prompts)
        source = prompts if copy_from is None else copy_from
        self.is_negative_prompt = is_negative_prompt or getattr(source, "is_negative_prompt", False)
        self.width = width or getattr(source, "width", None)
        self.height = height or getattr(source, "height", None)
        self.distilled_cfg_scale = distilled_cfg_scale or getattr(source, "distilled_cfg_scale", None)


def get_learned_conditioning(model, prompts, steps, hires_steps=None, use_old_scheduling=False):
    """For each prompt its schedule of conds."""
    schedules = get_learned_conditioning_prompt_schedules(prompts, steps, hires_steps, use_old_scheduling)
    known = {}
    for prompt, schedule in zip(prompts, schedules, strict=True):
        if prompt not in known:
            conds = model.get_learned_conditioning(SdConditioning([text for _, text in schedule], copy_from=prompts))
            known[prompt] = [ScheduledPromptConditioning(end, conds[i]) for i, (end, _) in enumerate(schedule)]
    return [known[prompt] for prompt in prompts]


re_AND = re.compile(r"\bAND\b")  # noqa: N816
re_weight = re.compile(r"^((?:\s|.)*?)(?:\s*:\s*([-+]?(?:\d+\.?|\d*\.\d+)))?\s*$")


def get_multicond_prompt_list(prompts):
    """Prompts split at AND: ([[(index, weight)]], flat list, {text: index})."""
    flat, indexes_of = SdConditioning(prompts), {}
    flat.clear()
    result = []
    for prompt in prompts:
        indexes = []
        for part in re_AND.split(prompt):
            match = re_weight.search(part)
            text, weight = match.groups() if match else (part, None)
            if text not in indexes_of:
                indexes_of[text] = len(flat)
                flat.append(text)
            indexes.append((indexes_of[text], 1.0 if weight is None else float(weight)))
        result.append(indexes)
    return result, flat, indexes_of


class ComposableScheduledPromptConditioning:
    def __init__(self, schedules, weight=1.0):
        self.schedules, self.weight = schedules, weight


class MulticondLearnedConditioning:
    def __init__(self, shape, batch):
        self.shape, self.batch = shape, batch


def get_multicond_learned_conditioning(model, prompts, steps, hires_steps=None, use_old_scheduling=False):
    """As get_learned_conditioning, with the parts of an AND and their weights."""
    indexes, flat, _ = get_multicond_prompt_list(prompts)
    learned = get_learned_conditioning(model, flat, steps, hires_steps, use_old_scheduling)
    batch = [[ComposableScheduledPromptConditioning(learned[i], weight) for i, weight in x] for x in indexes]
    return MulticondLearnedConditioning(shape=(len(prompts),), batch=batch)


def _at_step(schedule, step):
    return next((x.cond for x in schedule if step <= x.end_at_step), schedule[0].cond)


def reconstruct_cond_batch(c, current_step):
    """The conds of this step, [n, L, width]."""
    return torch.stack([_at_step(schedule, current_step) for schedule in c])


def reconstruct_multicond_batch(c, current_step):
    """([[(index, weight)]], conds [m, L, width]) of this step; m counts the parts of ANDs one by one."""
    tensors, conds_list = [], []
    for parts in c.batch:
        conds_list.append([(len(tensors) + i, part.weight) for i, part in enumerate(parts)])
        tensors += [_at_step(part.schedules, current_step) for part in parts]
    return conds_list, torch.stack(tensors)


re_attention = re.compile(r"\\[()\[\]\\]|\\|\(|\[|:\s*([+-]?[.\d]+)\s*\)|\)|]|[^\\()\[\]:]+|:", re.X)
re_break = re.compile(r"\s*\bBREAK\b\s*", re.S)


def parse_prompt_attention(text):
    """[[text, weight]]: "a (b:1.3) [c]" -> [["a ", 1.0], ["b", 1.3], [" ", 1.0], ["c", 0.909…]]."""
    result, rounds, squares = [], [], []

    def multiply(start, factor):
        for entry in result[start:]:
            entry[1] *= factor

    for match in re_attention.finditer(text):
        token, weight = match.group(0), match.group(1)
        if token.startswith("\\"):
            result.append([token[1:], 1.0])
        elif token == "(":
            rounds.append(len(result))
        elif token == "[":
            squares.append(len(result))
        elif weight is not None and rounds:
            multiply(rounds.pop(), float(weight))
        elif token == ")" and rounds:
            multiply(rounds.pop(), 1.1)
        elif token == "]" and squares:
            multiply(squares.pop(), 1 / 1.1)
        else:
            for i, part in enumerate(re_break.split(token)):
                if i:
                    result.append(["BREAK", -1])
                result.append([part, 1.0])
    for start in rounds:
        multiply(start, 1.1)
    for start in squares:
        multiply(start, 1 / 1.1)
    merged = []
    for part, weight in result or [["", 1.0]]:
        if merged and merged[-1][1] == weight:
            merged[-1][0] += part
        else:
            merged.append([part, weight])
    return merged
