"""The panel's values for each checkpoint, in a JSON file.

The file is replaced as a whole, never written in place; one that can't be read is set aside, never lost.
"""

import json
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import RLock
from typing import Any

from ..models import bounded_json
from ..request.settings import is_taken

FORMAT_VERSION = 1
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
            self._panels = _checked(bounded_json.read(self._path.read_bytes(), _MOST_VALUES))
            self._seen, self._may_write = stamp, True
        except FileNotFoundError:
            if self._seen is not None:  # somebody removed it
                self._panels, self._seen = {}, None
        except (OSError, ValueError, RecursionError) as error:
            self._set_aside(error)

    def _stamp(self) -> tuple[int, int]:
        stat = self._path.stat()
        return stat.st_mtime_ns, stat.st_size

    def _set_aside(self, error: Exception) -> None:
        number = 1
        while (aside := self._path.with_name(f"{self._path.name}.broken-{number}")).exists():
            number += 1
        try:
            self._path.rename(aside)
        except OSError:
            self._may_write = False
            self._warn(f"{self._path.name} can't be read ({error}) nor set aside: panels are remembered until the end.")
            return
        self._seen = None
        self._warn(f"{self._path.name} can't be read ({error}): it was set aside as {aside.name}.")

    def _write(self) -> None:
        if not self._may_write:
            return
        text = json.dumps({"version": FORMAT_VERSION, "checkpoints": self._panels}, indent=1)
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}.tmp")
        try:
            with draft.open("w", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self._path)
            self._seen = self._stamp()
            self._logged = ""
        except OSError as error:
            draft.unlink(missing_ok=True)
            self._warn(f"{self._path.name} can't be written ({error.strerror}): panels are remembered until the end.")

    def _warn(self, text: str) -> None:
        """Log once, not once a picture."""
        if text != self._logged:
            self._logged = text
            self._log(f"Hyper-SD: {text}")


def _accepted(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if is_taken(key, value)}


def _checked(data: Any) -> _Panels:
    """The file's content, checked for its form; `get` checks values. Raises ValueError."""
    if not isinstance(data, dict) or data.get("version") != FORMAT_VERSION:
        raise ValueError(f"it is not of version {FORMAT_VERSION}")
    checkpoints = data.get("checkpoints")
    if not isinstance(checkpoints, dict):
        raise ValueError("it has no checkpoints")
    for tabs in checkpoints.values():
        if not isinstance(tabs, dict) or not all(isinstance(values, dict) for values in tabs.values()):
            raise ValueError("a checkpoint's values are no table")
    return checkpoints
