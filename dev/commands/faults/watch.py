"""The host's objects as the extension alone sees them: what it reads of them, and faults in just that.

A watched object is the same one under a class of its own, so the host itself sees no difference.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from .sites import is_ours

_NO_FAULT = object()


class Odd:
    """A value of a type that nobody expects."""

    def __repr__(self) -> str:
        return "something odd"


@dataclass(frozen=True)
class Read:
    """A field that the extension reads of a host's object."""

    owner: str
    field: str


class Watch:
    """What was read, and the one fault that is in force: a value in a field's place, or an exception by reading it."""

    def __init__(self) -> None:
        self.reads: dict[Read, None] = {}
        self._field: Read | None = None
        self._value: Any = None

    @contextmanager
    def fault(self, field: Read, value: Any) -> Iterator[None]:
        """While it lasts, reading `field` gives `value`, or raises it where it is an exception."""
        self._field, self._value = field, value
        try:
            yield
        finally:
            self._field = None

    def look(self, owner: str, field: str, frame: FrameType) -> Any:
        if field.startswith(("__", "_hypersd")) or not is_ours(frame):
            return _NO_FAULT
        read = Read(owner, field)
        self.reads[read] = None
        if read != self._field:
            return _NO_FAULT
        if isinstance(self._value, BaseException):
            raise self._value
        return self._value

    def over(self, thing: Any, owner: str) -> None:
        """Watch an object, be it a module."""
        thing.__class__ = self.class_of(type(thing), owner)

    def class_of(self, kind: type, owner: str) -> type:
        """A class like `kind`, of its name too, whose objects are watched."""
        if hasattr(kind, "_watched"):
            return kind
        watch, by_default = self, getattr(kind, "__getattr__", None)

        def getattribute(thing: Any, name: str) -> Any:
            found = watch.look(owner, name, sys._getframe(1))
            return kind.__getattribute__(thing, name) if found is _NO_FAULT else found

        def missing(thing: Any, name: str) -> Any:
            watch.look(owner, name, sys._getframe(1))
            if by_default is None:
                raise AttributeError(f"{kind.__name__} object has no attribute {name!r}")
            return by_default(thing, name)

        def set_attribute(thing: Any, name: str, value: Any) -> None:
            kind.__setattr__(thing, name, value)

        members = {"__getattribute__": getattribute, "__getattr__": missing, "__setattr__": set_attribute}
        return type(kind.__name__, (kind,), {**members, "__module__": kind.__module__, "_watched": True})
