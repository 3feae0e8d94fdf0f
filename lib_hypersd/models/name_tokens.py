"""A name's tokens, and the words of `words.py` that they are."""

import re
from functools import lru_cache
from typing import NamedTuple

from .words import ALONE, NUMBERS, SEQUENCES, SHORT_FORMS, WORDS

MOST_STEPS = 16
USUAL_STEPS = (1, 2, 4, 6, 8, 10, 12, 16)
"""Step counts that few-step models are published for."""


class Item(NamedTuple):
    """A word or a sequence of words. `kind` is its row's in `words.py`, "number" or "unknown"."""

    text: str
    kind: str
    meaning: str


def items_of(name: str) -> list[Item]:
    """What a name is made of, in order: a token each, several where they are one of the `SEQUENCES`."""
    return _items(_tokens(name))


def number_of(token: str) -> int:
    """A token of digits as a number; of a long one only that it is large."""
    return int(token) if len(token) <= 4 else 9999


# Tokens ----------------------------------------------------------------------------------------------------------

_IN_SEQUENCES = {word for row in SEQUENCES for word in row.words.split() if word.isalpha()}
_VOCABULARY = {word for row in WORDS for word in row.words.split()} | _IN_SEQUENCES | SHORT_FORMS.keys() | set(NUMBERS)
_RUN = re.compile(r"[A-Za-z]+|[0-9]+")
# The last letter of an acronym before "v2" or before a word in lower case ("SDXLturbo") begins no word.
_ACRONYMS = "SDXL|FLUX|LCM|DMD|CFG|SD"
_CASE = re.compile(rf"Lo[Rr][Aa]|[A-Z]+(?=v(?![a-z]))|(?:{_ACRONYMS})(?=[a-z]{{3}})|[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_BY_LETTER: dict[str, list[str]] = {}
for _word in sorted((w for w in _VOCABULARY - set(ALONE) if len(w) > 1 or w == "v"), key=len, reverse=True):
    _BY_LETTER.setdefault(_word[0], []).append(_word)
_STEP_WORDS = ("step", "steps")
_IN_NEED_OF_SPELLING = {*SHORT_FORMS, *_STEP_WORDS}
_ENDINGS = ("lightning", "schnell", "hyper", "turbo", "sdxl", "flux", "lcm", "xl")
_BEGINNINGS = ("flux", "sdxl")
_SHORTEST_REST = 3


def _tokens(name: str) -> list[str]:
    """The words and numbers of a name, in lower case."""
    tokens: list[str] = []
    for run in _RUN.findall(name):
        if run[0] <= "9":
            tokens.append(run)
        else:
            tokens += _words_of_run(run)
    return tokens if _IN_NEED_OF_SPELLING.isdisjoint(tokens) else _spelled_out(tokens)


@lru_cache(maxsize=4096)
def _words_of_run(run: str) -> tuple[str, ...]:
    """The words of a run of letters, by its case changes; remembered, as most names are made of the same words."""
    if run.islower() or run.isupper():
        return tuple(_words_in(run.lower()))
    pieces = [piece.lower() for piece in _CASE.findall(run)]
    words: list[str] = []
    while pieces:
        piece = pieces.pop(0)
        if pieces and piece + pieces[0] in _VOCABULARY:  # a word with a capital inside: PixArt, HiDream
            words.append(piece + pieces.pop(0))
        else:
            words += _words_in(piece)
    return tuple(words)


def _words_in(run: str) -> list[str]:
    """A run of letters as known words that make it up ("hypersdxl"), or with one at its beginning or end."""
    if run in _VOCABULARY:
        return [run]
    words: list[str] = []
    at = 0
    while at < len(run) and (found := _word_at(run, at)):
        words.append(found)
        at += len(found)
    if at == len(run):
        return words
    if len(words) > 1 and words[1] != "v":  # TURBOPLUS…
        return [*words, run[at:]]
    if run.endswith(_ENDINGS):
        ending = next(filter(run.endswith, _ENDINGS))
        if len(run) - len(ending) >= _SHORTEST_REST:
            return [*_words_in(run[: -len(ending)]), ending]
    if run.startswith(_BEGINNINGS) and len(run) - 4 >= _SHORTEST_REST:
        return [run[:4], run[4:]]
    return [run]


def _word_at(run: str, at: int) -> str | None:
    """The longest known word that `run` has at a place."""
    for word in _BY_LETTER.get(run[at], ()):
        if run.startswith(word, at):
            return word
    return None


def _spelled_out(tokens: list[str]) -> list[str]:
    """With short forms written out, and numbers that two were written into ("V24Steps") taken apart."""
    result: list[str] = []
    for here, after in zip(tokens, [*tokens[1:], ""], strict=False):
        if here in SHORT_FORMS and after.isdigit():
            result += SHORT_FORMS[here]
        elif here in NUMBERS and after in _STEP_WORDS:
            result.append(str(NUMBERS[here]))
        elif after in _STEP_WORDS and here.isdigit() and result and result[-1] in ("v", "sd", "flux"):
            result += _apart(here)
        else:
            result.append(here)
    return result


def _apart(number: str) -> list[str]:
    """A version and a step count: "24" is 2 and 4, "158" is 15 and 8; one that is a step count stays."""
    if len(number) > 1 and number_of(number) > MOST_STEPS:
        for size in (2, 1):
            if len(number) > size and number_of(number[-size:]) in USUAL_STEPS and number[-size] != "0":
                return [number[:-size], number[-size:]]
    return [number]


# Items -----------------------------------------------------------------------------------------------------------


_BY_FIRST: dict[str, list[tuple[list[str], Item]]] = {}
for _row in sorted(SEQUENCES, key=lambda row: len(row.words), reverse=True):
    _BY_FIRST.setdefault(_row.words.split()[0], []).append(
        (_row.words.split(), Item(_row.words, _row.kind, _row.meaning))
    )
_KNOWN = {word: Item(word, row.kind, row.meaning or word) for row in WORDS for word in row.words.split()}


def _items(tokens: list[str]) -> list[Item]:
    items: list[Item] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        sequence = _sequence_at(tokens, at) if token in _BY_FIRST else None
        if sequence:
            items.append(sequence[0])
            at += sequence[1]
        else:
            items.append(_KNOWN.get(token) or Item(token, "number" if token[0] <= "9" else "unknown", token))
            at += 1
    return items


def _sequence_at(tokens: list[str], at: int) -> tuple[Item, int] | None:
    """The longest sequence of words that begins at a place, and its length."""
    for words, item in _BY_FIRST[tokens[at]]:
        end = at + len(words)
        # In "flux 2 steps" the number is the steps'.
        counts_steps = words[-1][0] <= "9" and end < len(tokens) and tokens[end] in _STEP_WORDS
        if tokens[at + 1 : end] == words[1:] and not counts_steps:
            return item, len(words)
    return None
