"""JSON of unknown origin, read within a bound on time and memory."""

import json
from typing import Any

BYTES_A_VALUE = 16
"""What a value may take outside of strings, with the marks and the white space around it."""
MOST_DIGITS = 400
"""Of a whole number; the largest float has 309. Its time grows with the square of them: a million take 18 s on Python
3.10.0 to 3.10.6, which has no bound of its own and is what Forge and A1111 bring along."""


class TooMuchError(ValueError):
    """More values than the reader may read."""


class LongNumberError(ValueError):
    """A whole number of more than MOST_DIGITS digits."""


def read(source: bytes | str, most_values: int) -> Any:
    """The JSON value that `source` is, in UTF-8: of at most `most_values` values, those in containers counted.

    It is those that cost: a byte of "[],[],…" takes 30 bytes of memory and 50 ns, a byte within a string next to
    nothing. Raises ValueError; TooMuchError before anything is built, LongNumberError before the number is read.
    """
    raw = source if isinstance(source, bytes) else source.encode("utf8", "surrogatepass")
    text = source if isinstance(source, str) else raw.decode("utf-8-sig")  # some write a mark before it
    if _weight(raw, most_values) > most_values:
        raise TooMuchError(f"more than {most_values} values")
    try:
        return json.loads(text, parse_int=_whole)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise LongNumberError(f"a number of {len(digits):,} digits")
    return int(digits)


def _weight(raw: bytes, most: int) -> int:
    """How many values there are, or would be by the bytes that they take. Not exact above `most`."""
    unescaped = raw.replace(rb"\\", b"").replace(rb"\"", b"")
    strings = unescaped.count(b'"') // 2
    if strings > 2 * (most + 1):  # each is a value or the name of one
        return strings // 2
    outside = b"".join(unescaped.split(b'"')[::2])
    marks = sum(map(outside.count, (b"{", b"[", b",")))  # behind each is a value
    return max(marks, len(outside) // BYTES_A_VALUE)
