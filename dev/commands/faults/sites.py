"""Each call that leaves the extension, found by watching it run, and made to fail.

A call of anything that is not the extension's own is a site: of the host, of Python, of the file system. It is known
by the place in the code that makes it, so a call that is added tomorrow is a site tomorrow. Fields of the host's
objects become calls by `watch`.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from ..server import PROJECT

_OURS = (str(PROJECT / "lib_hypersd"), str(PROJECT / "scripts"))
_HOSTS_OWN = {
    ("sample_tcd", "callback_state"): "the host's account of its steps, which is how it interrupts them",
    ("_sampler", "KDiffusionSampler"): "what all samplers of the host are made of: without it there are none",
    ("_sampler", "__init__"): "the same",
    ("without_idle_uncond", "shared"): "a name in a module: to set it back does not fail",
    ("levels", "Tensor.to"): "onto the device that the host draws on",
}
"""(our function, what it calls): calls that reach the host through us, and why a fault in them is not ours to bear."""
_LOCKS = ("lock.", "RLock.")
"""Giving back a lock does not fail; made to, it hangs the next one who asks."""


@dataclass(frozen=True)
class Site:
    """One call out: where it stands, what it calls, whether it fails before or after, and at which of its turns."""

    code: CodeType
    offset: int
    callee: str
    after: bool = False
    turn: int = 1

    @property
    def module(self) -> str:
        return Path(self.code.co_filename).relative_to(PROJECT).as_posix()

    @property
    def in_a_schedule(self) -> bool:
        """Whether it stands in a schedule type's function, which is not told for which picture the host asks."""
        return "lib_hypersd/sampling/" in self.module or self.code.co_name in ("levels", "_levels")

    def __str__(self) -> str:
        lines = (line for start, end, line in self.code.co_lines() if start <= self.offset < end and line)
        when = "after" if self.after else "in"
        return f"{when} {self.callee} at {self.module}:{next(lines, '?')} ({self.code.co_name}), turn {self.turn}"


def _called(frame: FrameType) -> str:
    """What a frame does, for a person: a field's name where it is one that is watched."""
    name, local = frame.f_code.co_name, frame.f_locals
    return str(local["name"]) if name in ("getattribute", "set_attribute") else name


def is_ours(frame: FrameType | None) -> bool:
    return frame is not None and frame.f_code.co_filename.startswith(_OURS)


def sites_of(action: Callable[[], object]) -> list[Site]:
    """All sites that `action` comes by, in order, with the number of their turns."""
    turns: Counter[Site] = Counter()

    def count(site: Site) -> None:
        turns[site] += 1

    _watching(count, action)
    return [replace(site, turn=last) for site, last in turns.items()]


def failing(site: Site, error: BaseException, action: Callable[[], object]) -> bool:
    """Do `action` with `error` at the site's turn; whether it came by there. What `action` raises is raised."""
    wanted, turn = replace(site, turn=1), 0

    def fail(found: Site) -> None:
        nonlocal turn
        if found == wanted:
            turn += 1
            if turn == site.turn:
                raise error  # Python takes the profile function out by itself

    try:
        _watching(fail, action)
    except BaseException as raised:
        if raised is not error:
            raise
    return turn >= site.turn


def _watching(see: Callable[[Site], None], action: Callable[[], object]) -> None:
    """Do `action`, with each call out shown to `see` before and after."""
    inside: list[tuple[CodeType, int]] = []
    """The calls of C that are under way: what those call in turn is no call of ours."""

    def profile(frame: FrameType, event: str, arg: Any) -> None:
        if event.startswith("c_"):
            if is_ours(frame):
                _see_c(frame, event, arg)
        elif not is_ours(frame) and is_ours(frame.f_back):
            caller: Any = frame.f_back
            place = (caller.f_code, caller.f_lasti)
            name = _called(frame)
            if (not inside or inside[-1] != place) and name != "missing":
                _seen(Site(*place, name, after=event == "return"))

    def _seen(site: Site) -> None:
        if (site.code.co_name, site.callee) not in _HOSTS_OWN:
            see(site)

    def _see_c(frame: FrameType, event: str, arg: Any) -> None:
        place = (frame.f_code, frame.f_lasti)
        name = str(getattr(arg, "__qualname__", arg))
        if event != "c_call" and inside and inside[-1] == place:
            inside.pop()
        if event != "c_exception" and not name.startswith(_LOCKS):
            _seen(Site(*place, name, after=event == "c_return"))
        if event == "c_call":
            inside.append(place)

    threading.setprofile(profile)  # an endpoint's dependencies run in threads of their own
    sys.setprofile(profile)
    try:
        action()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
