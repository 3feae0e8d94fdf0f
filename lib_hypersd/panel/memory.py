"""The panel's values for each checkpoint, in a JSON file.

The file is replaced as a whole, never written in place; one that makes no sense is set aside, the last few of which are
kept. Nothing is raised, whatever becomes of the file: the panel must not go down with it.
"""

import glob
import json
import logging
import os
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import Any

from ..files import patiently, plain_file, remove, remove_abandoned
from ..models import bounded_json
from ..request.settings import is_taken

FORMAT_VERSION = 1
MOST_ASIDE = 5
"""So many files that made no sense are kept; the oldest goes for the next one."""
DRAFT_ABANDONED_S = 3600.0
"""A draft that was written so long before is of a process that died over it."""
MOST_CHECKPOINTS = 500
"""The one whose values were put the longest ago is removed for the next one."""

_MOST_VALUES = 65_536
"""Of the file: three times what that many checkpoints take."""

_Panels = dict[str, dict[str, dict[str, Any]]]
"""Checkpoint → tab → panel key → value, the oldest checkpoint first."""


class PanelMemory:
    """What the panel showed, by checkpoint and tab ("txt2img", "img2img"). Threads may share one.

    `log` gets one line for each fault of the file. Where it can't be written, values are kept until the process ends.
    """

    def __init__(self, path: str | os.PathLike[str], log: Callable[[str], None] | None = None) -> None:
        self._path = Path(os.path.realpath(path))  # a link stays one: what it leads to is replaced
        self._log = logging.getLogger(__name__).warning if log is None else log
        self._lock = RLock()
        self._panels: _Panels = {}
        self._seen: tuple[int, int] | None = None
        self._logged = ""
        self._may_write = True

    def get(self, checkpoint: str, tab: str) -> Mapping[str, Any] | None:
        """The values last put, without those that the panel no longer accepts; None where there are none."""
        with self._lock:
            self._read()
            values = self._panels.get(checkpoint, {}).get(tab)
        return None if values is None else _accepted(values)

    def put(self, checkpoint: str, tab: str, values: Mapping[str, Any]) -> None:
        """Keep the panel's values, without unknown and bad ones; the file is written only if they are new."""
        kept = _accepted(values)
        with self._lock:
            self._read()
            tabs = self._panels.get(checkpoint, {})
            if tabs.get(tab) == kept:
                return
            self._panels.pop(checkpoint, None)
            self._panels[checkpoint] = {**tabs, tab: kept}
            for oldest in list(self._panels)[:-MOST_CHECKPOINTS]:
                del self._panels[oldest]
            self._write()

    def _read(self) -> None:
        """Read the file if it has changed since it was last seen."""
        try:
            stamp = self._stamp()
            if stamp == self._seen:
                return
            self._panels = _checked(bounded_json.read(patiently(self._path.read_bytes), _MOST_VALUES))
            self._seen, self._may_write = stamp, True
        except FileNotFoundError:
            self._may_write = True
            if self._seen is not None:  # somebody removed it
                self._panels, self._seen = {}, None
        except OSError as error:  # not for this user, or another program holds it: what it says may be whole
            self._may_write = False
            self._warn(f"{self._path.name} can't be read ({_reason(error)}): {_UNTIL_THE_END}")
        except (ValueError, RecursionError) as error:
            self._set_aside(error)

    def _stamp(self) -> tuple[int, int]:
        stat = self._path.stat()
        return stat.st_mtime_ns, stat.st_size

    def _set_aside(self, error: Exception) -> None:
        aside = self._name_aside()
        try:
            patiently(lambda: self._path.rename(aside))
        except FileNotFoundError:  # another process has done so
            self._seen = None
            return
        except OSError:
            self._may_write = False
            self._warn(f"{self._path.name} makes no sense ({error}) and can't be set aside: {_UNTIL_THE_END}")
            return
        self._seen = None
        self._warn(f"{self._path.name} can't be read ({error}): it was set aside as {aside.name}.")

    def _name_aside(self) -> Path:
        """A free name to set the file aside; where all are taken, the oldest one's, which is removed."""
        names = [self._path.with_name(f"{self._path.name}.broken-{number}") for number in range(1, MOST_ASIDE + 1)]
        free = next((name for name in names if not os.path.lexists(name)), None)
        if free is None:
            free = min(names, key=_written)
            remove(free)
        return free

    def _write(self) -> None:
        if not self._may_write:
            return
        draft = f"{self._path}.{uuid.uuid4().hex[:8]}.tmp"
        try:
            text = json.dumps({"version": FORMAT_VERSION, "checkpoints": self._panels}, indent=1)
            with open(draft, "xb", opener=plain_file) as file:
                file.write(text.encode("ascii"))
                file.flush()
                os.fsync(file.fileno())
            drafts = glob.glob(f"{glob.escape(str(self._path))}.*.tmp")
            remove_abandoned((left for left in drafts if left != draft), draft, DRAFT_ABANDONED_S)
            patiently(lambda: os.replace(draft, self._path))
            self._seen = self._stamp()
            self._logged = ""
        except (OSError, ValueError, TypeError, RecursionError) as error:
            remove(draft)
            self._warn(f"{self._path.name} can't be written ({_reason(error)}): {_UNTIL_THE_END}")

    def _warn(self, text: str) -> None:
        """Log once, not once a picture."""
        if text != self._logged:
            self._logged = text
            with suppress(Exception):
                self._log(f"Hyper-SD: {text}")


_UNTIL_THE_END = "panels are remembered until the WebUI ends."


def _reason(error: Exception) -> str:
    """What went wrong, without the path that is in an OSError's text."""
    return getattr(error, "strerror", None) or type(error).__name__


def _written(path: Path) -> float:
    try:
        return os.lstat(path).st_mtime
    except OSError:
        return 0.0


def _accepted(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if is_taken(key, value)}


def _checked(data: Any) -> _Panels:
    """The file's content, checked for its form; `get` checks values. Raises ValueError."""
    if not isinstance(data, dict) or data.get("version") != FORMAT_VERSION:
        raise ValueError(f"it is not of version {FORMAT_VERSION}")
    checkpoints = data.get("checkpoints")
    if not isinstance(checkpoints, dict):
        raise ValueError("it has no checkpoints")
    return {checkpoint: _checked_tabs(tabs) for checkpoint, tabs in checkpoints.items()}


def _checked_tabs(tabs: Any) -> dict[str, dict[str, Any]]:
    """A checkpoint's values by tab, without those that no panel has: what is nested deeply can't be written again."""
    if not isinstance(tabs, dict) or not all(isinstance(values, dict) for values in tabs.values()):
        raise ValueError("a checkpoint's values are no table")
    return {
        tab: {key: value for key, value in values.items() if isinstance(value, str | bool | int | float)}
        for tab, values in tabs.items()
    }
