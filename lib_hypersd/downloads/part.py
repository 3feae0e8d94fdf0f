"""Parts: what has come of a file so far, under temporary names beside it that no host lists.

Each download writes into a part of its own, `FILE.VERSION.MACHINE-NUMBER.part`. Two WebUIs that share a folder never
write into the same one, whether there are locks or not: a file that somebody has open goes on being written to under
whatever name it is given. What an earlier process has left is taken over: in place where nobody can be writing to it
any more, which is a part that was made on this machine under the lock, which this process holds now; else as a copy.

The lock only keeps two WebUIs from fetching the same file twice; where network drives have none, both fetch it.
"""

import glob
import hashlib
import logging
import os
import re
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from ..files import is_plain, plain_file, remove, remove_abandoned, size_of

ABANDONED_S = 600.0
"""Nobody writes any more to a part that has not grown for so long: timeouts and pauses are over after a minute or two.
If somebody does, a machine that slept, its download begins anew; no file is spoilt."""
COPY_CHUNK_BYTES = 1024 * 1024

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Part:
    """A part of this process's own. `source` is one of another process's, whose bytes may be copied into it first."""

    path: str
    source: str | None = None

    def inherit(self, most_bytes: int, stop: Callable[[], None]) -> None:
        """Copy the source, unless it is larger than the file. `stop` is called now and then, and may raise."""
        if self.source is None or not 0 < size_of(self.source) <= most_bytes:
            return
        try:
            source = open(self.source, "rb", opener=plain_file)  # noqa: SIM115 - closed below
        except OSError:  # gone by now, or not for this user
            return
        with source, open(self.path, "wb", opener=plain_file) as copy:
            while chunk := source.read(COPY_CHUNK_BYTES):
                stop()
                copy.write(chunk)

    def remove(self) -> None:
        """Remove it with its source: the bytes of neither are worth keeping."""
        for path in filter(None, (self.path, self.source)):
            remove(path)


def claim(path: str, version: str, *, alone: bool) -> Part:
    """The part into which a version of the file at `path` is brought. Raises OSError.

    `alone`: this process holds the file's lock. Parts that nobody writes to any more are removed.
    """
    # By their names: glob writes the folder in its own way, with other slashes on Windows.
    start = os.path.basename(f"{path}.{version}.")
    same = [part for part in parts_of(path) if os.path.basename(part).startswith(start)]
    left = sorted((part for part in same if _was_locked_here(part)), key=size_of) if alone else []
    if left:
        part = Part(left.pop())
        os.utime(part.path)
    else:
        part = Part(part_name(path, version, alone=alone), max(same, key=size_of) if same else None)
        open(part.path, "xb").close()  # never through a link: it must be new
    for other in left:
        remove(other)
    kept = {os.path.basename(each) for each in (part.path, part.source) if each}
    others = (other for other in parts_of(path) if os.path.basename(other) not in kept)
    remove_abandoned(others, part.path, ABANDONED_S)
    return part


def part_name(path: str, version: str, *, alone: bool) -> str:
    """A new name for a part of the file at `path`, which shows the machine on which its process holds the lock."""
    return f"{path}.{version}.{_machine() if alone else _WITHOUT_LOCK}-{uuid.uuid4().hex[:8]}.part"


def parts_of(path: str) -> list[str]:
    """The parts of the file at `path`, anybody's; but no links, which were not made here."""
    return [part for part in glob.glob(f"{glob.escape(path)}.*.part") if is_plain(part)]


def remove_all(path: str) -> None:
    """Remove every part of a file that is there: whoever is still bringing it sees that, and stops."""
    for part in parts_of(path):
        remove(part)


def remove_left(path: str) -> None:
    """Remove what earlier processes have left, after a cancelled download, unless another WebUI is at work on it."""
    if parts_of(path):
        with lock(path) as state:
            for part in parts_of(path) if state == "held" else ():
                if _was_locked_here(part) or _is_unmarked(part):
                    remove(part)


_WITHOUT_LOCK = "0" * 8


def _machine() -> str:
    return hashlib.sha256(socket.gethostname().encode("utf-8", "surrogateescape")).hexdigest()[:8]


def _was_locked_here(part: str) -> bool:
    return re.search(rf"\.{_machine()}-[0-9a-f]+\.part$", part) is not None and os.access(part, os.W_OK)


def _is_unmarked(part: str) -> bool:
    """Whether it is one of an earlier version's, `FILE.VERSION.part`."""
    return re.search(r"\.[0-9a-f]{8}-[0-9a-f]+\.part$", part) is None


# The lock -----------------------------------------------------------------------------------------------------

Lock = Literal["held", "busy", "none"]
"""Held by this process; held by another one; or there are no locks."""


@contextmanager
def lock(path: str) -> Iterator[Lock]:
    """Lock the download of the file at `path` against other WebUIs that share its folder, for as long as it takes."""
    place = f"{path}.lock"
    guard, state = _acquired(place)
    if state == "busy" and not _has_locks(path):
        state = "none"
        remove(place)
    try:
        yield state
    finally:
        if guard is not None:
            remove(place)  # while it is held: whoever has opened it by now sees that it is another one
            guard.release()


def _acquired(place: str) -> tuple[Any, Lock]:
    """The lock at `place` and its state; the lock is None unless it is held."""
    try:
        from filelock import FileLock, Timeout  # every host has it, by huggingface_hub
    except ImportError:
        return None, "none"
    guard = FileLock(place)
    try:
        with open(place, "ab", opener=plain_file) as seen:
            if not _is_empty(os.fstat(seen.fileno())):
                return None, "none"
            guard.acquire(blocking=False)
            if _is_at(place, seen.fileno()):
                return guard, "held"
    except Timeout:
        return None, "busy"
    except (OSError, NotImplementedError):
        _log.debug("The LoRA folder has no locks")
        return None, "none"
    guard.release()
    return None, "busy"  # by whoever has removed this one, or made the next


def _is_empty(status: os.stat_result) -> bool:
    """Whether nothing is lost by locking the file, which filelock empties: it has no content, nor another name."""
    return status.st_size == 0 and status.st_nlink <= 1


def _is_at(place: str, descriptor: int) -> bool:
    """Whether the open file is still the one at `place`; then that is the one which was locked in between."""
    try:
        return os.path.samestat(os.stat(place), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _has_locks(path: str) -> bool:
    """Whether a file that nobody else knows can be locked: filelock takes ENOLCK for a lock that another holds."""
    place = f"{path}.{uuid.uuid4().hex[:8]}.lock"
    guard, state = _acquired(place)
    if guard is not None:
        guard.release()
    remove(place)
    return state == "held"
