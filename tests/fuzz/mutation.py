"""Inputs made out of a corpus by mutation: cuts, splices, repeats, odd characters, words of the grammar.

A case is known by its seed, its target and its number alone, so that any of them can be made again.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from random import Random
from typing import Any

ODD = (
    *"\0\t\n\r\x0b\x1c\x7f\x85\xa0\u2028\ufeff",
    *"\u017f\u212a\u0130\u0131",  # what "s", "k" and "i" also match where case is ignored
    *"\u00b2\u0663\uff11\u0bf0",  # digits to some of str's questions, to int() only some of them
    *"\ud800\udfff\U0001f600\u202e\u0301",
    *"<>:=#/*\\'\"&[](){},;|!~^%+-.",
)
"""Characters that a parser may not expect."""

ATOMS: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 8, 16, 17, 150, 2**31, 2**53 + 1, 2**64, -(2**64), 10**30, 10**400),
    *(-0.0, 0.1, 0.5, 1.0, 1.5, 8.0, 8.5, 1e-320, 1e16, 1e308, math.inf, -math.inf, math.nan),
    *("", " ", "auto", "keep", "clamp", "recipe", "none", "tune", "always", "8", "8.0", "1e999", "nan", "Infinity"),
    *("true", "null", "x" * 300, "\ud800", "\U0001f600", "<b>", "</script>", "'\"&", "../../etc", "\0"),
)
"""Leaves of a JSON document, and more numbers than JSON knows."""


class Case(Random):
    """The source of chance of one case."""

    def __init__(self, seed: int, target: str, number: int) -> None:
        super().__init__(f"{seed} {target} {number}")

    def span(self, length: int) -> tuple[int, int]:
        """A part of something of this length, mostly a short one."""
        start = self.randint(0, length)
        return start, min(length, start + self.choice((0, 1, 2, 5, self.randint(0, length))))

    def text(self, corpus: Sequence[str], words: Sequence[str]) -> str:
        """An entry of the corpus, mutated up to six times."""
        text = self.choice(corpus)
        for _ in range(self.randint(0, 6)):
            text = self._mutated_text(text, corpus, words)
        return text

    def _mutated_text(self, text: str, corpus: Sequence[str], words: Sequence[str]) -> str:
        start, end = self.span(len(text))
        way = self.randrange(8)
        if way == 0:
            return text[:start] + text[end:]
        if way == 1:
            return text[:end] + text[start:]
        if way == 2:
            other = self.choice(corpus)
            return text[:start] + other[self.randint(0, len(other)) :]
        if way == 3:
            return text[:start] + self.choice(ODD) + text[end:]
        if way == 4:
            return text[:start] + self.choice(words) * self.choice((1, 2, 3, 40)) + text[start:]
        if way == 5:
            return text[:start] + text[start:end].swapcase() + text[end:]
        if way == 6:
            return text[:start] + self.choice(words) + text[end:]
        return text[:start] + self.choice(words) + text[start:end] + self.choice(words) + text[end:]

    def data(self, corpus: Sequence[bytes], words: Sequence[bytes]) -> bytes:
        """An entry of the corpus, mutated up to six times."""
        data = self.choice(corpus)
        for _ in range(self.randint(0, 6)):
            data = self._mutated_data(data, corpus, words)
        return data

    def _mutated_data(self, data: bytes, corpus: Sequence[bytes], words: Sequence[bytes]) -> bytes:
        start, end = self.span(len(data))
        way = self.randrange(7)
        if way == 0:
            return data[:start] + data[end:]
        if way == 1:
            return data[:end] + data[start:]
        if way == 2:
            other = self.choice(corpus)
            return data[:start] + other[self.randint(0, len(other)) :]
        if way == 3:
            return data[:start] + bytes(b ^ 1 << self.randrange(8) for b in data[start:end]) + data[end:]
        if way == 4:
            return data[:start] + self.randbytes(self.randint(1, 8)) + data[end:]
        if way == 5:
            return data[:start] + self.choice(words) * self.choice((1, 2, 3, 40)) + data[start:]
        return data[:start] + self.choice(words) + data[end:]

    def atom(self, words: Sequence[str] = ()) -> Any:
        """A leaf, or now and then a small branch."""
        way = self.randrange(12)
        if way == 0:
            return [self.atom(words) for _ in range(self.randint(0, 3))]
        if way == 1:
            return {str(self.atom(words)): self.atom(words) for _ in range(self.randint(0, 3))}
        return self.choice(words) if words and way < 6 else self.choice(ATOMS)

    def tree(self, value: Any, words: Sequence[str] = ()) -> Any:
        """A JSON document with up to four of its parts changed, taken out, doubled, wrapped or renamed."""
        root = [copy.deepcopy(value)]
        for _ in range(self.randint(0, 4)):
            self._change(root, words)
        return root[0]

    def _change(self, root: list[Any], words: Sequence[str]) -> None:
        place, key = self._place(root)
        way = self.randrange(6)
        if way == 0 and place is not root:
            del place[key]
        elif way == 1 and isinstance(place, dict):
            place[self.choice(words) if words and self.random() < 0.7 else str(self.atom())] = place[key]
        elif way == 2:
            place[key] = [place[key]] * self.randint(0, 3)
        elif way == 3 and isinstance(place[key], str):
            place[key] = self._mutated_text(place[key], [place[key]], [*words, *ODD])
        elif way == 4 and isinstance(place[key], int | float) and not isinstance(place[key], bool):
            place[key] = self.choice((-1, 2, 10**30)) * place[key]
        else:
            place[key] = self.atom(words)

    def _place(self, root: list[Any]) -> tuple[Any, Any]:
        """A container in the tree, and a key of it."""
        place, key = root, 0
        while self.random() < 0.8 and isinstance(place[key], dict | list) and place[key]:
            place = place[key]
            key = self.choice(list(place)) if isinstance(place, dict) else self.randrange(len(place))
        return place, key
