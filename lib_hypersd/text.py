"""Values as text for people: settings, sizes, and somebody's input as an error may repeat it."""

import math
import reprlib
from typing import Any

ECHO_LIMIT = 80
"""The most characters of somebody's input that an error repeats."""


def readable(value: Any) -> str:
    """A setting's value for people: 8, 1, 0.125, on, SGM Uniform."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return format(value, "g")
    return "–" if value is None or value == "" else str(value)


def counted(number: int, noun: str) -> str:
    """A number of things for people: "1 step", "8 steps"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def amount(size: int) -> str:
    """A size in bytes for a person: 1.39 GB, 787 MB, 64 kB."""
    for unit, bytes_of_it, digits in (("GB", 10**9, 2), ("MB", 10**6, 0), ("kB", 10**3, 0)):
        if size >= bytes_of_it:
            return f"{size / bytes_of_it:.{digits}f} {unit}"
    return f"{size} bytes"


class _Short(reprlib.Repr):
    """A short repr of anything, be it nested deeply or of a class whose own repr fails."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = ECHO_LIMIT

    def repr_int(self, x: int, level: int) -> str:
        return "a huge number" if abs(x) > 10**ECHO_LIMIT else repr(x)


_SHORT = _Short()


def echo(value: object) -> str:
    """`value` as an error may repeat it: one line, at most ECHO_LIMIT characters."""
    if isinstance(value, float) and not math.isfinite(value):
        return "not finite"
    text = value if isinstance(value, str) else _SHORT.repr(value)
    text = text[: 2 * ECHO_LIMIT]
    text = text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
    return text if len(text) <= ECHO_LIMIT else text[: ECHO_LIMIT - 1] + "…"
