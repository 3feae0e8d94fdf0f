"""Files that other programs may hold or plant: steps that Windows refuses for a moment, links that are not followed."""

import errno
import logging
import os
import stat
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

WINDOWS = os.name == "nt"
PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Between the attempts of a step that Windows refuses."""
LONGEST_PATH = 259
"""Characters of a path, as Windows takes it where nobody has turned on long paths."""

_Result = TypeVar("_Result")
_Path = str | os.PathLike[str]
_log = logging.getLogger(__name__)


def patiently(step: Callable[[], _Result]) -> _Result:
    """Run a step that reads, renames or removes a file; on Windows again for 1.5 s while that is a PermissionError.

    There a file that another program has open can't be renamed or replaced: a virus scanner and an indexer open each
    new file, for a moment. Elsewhere a PermissionError is one of rights, and stays. Raises what the last attempt does.
    """
    for pause_s in PAUSES_S if WINDOWS else ():
        try:
            return step()
        except PermissionError:
            time.sleep(pause_s)
    return step()


def plain_file(path: str, flags: int) -> int:
    """An opener for open(): the file, never what a link in its place leads to, which may be anybody's file."""
    if os.path.lexists(path) and not is_plain(path):
        raise OSError(errno.ELOOP, f"{os.path.basename(path)} is no plain file")
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)  # nor has become one since


def is_too_long(path: _Path) -> bool:
    """Whether it may be its length that Windows refuses a path for; its error says that there is no such file."""
    return WINDOWS and len(os.path.abspath(path)) > LONGEST_PATH


def is_plain(path: _Path) -> bool:
    """Whether there is a file by this name that is no link, pipe or folder."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def size_of(path: _Path) -> int:
    """Bytes; 0 where there is no such file."""
    try:
        return os.path.getsize(path)
    except FileNotFoundError:
        return 0


def remove(path: _Path) -> None:
    """Remove a file as far as the system lets one."""
    try:
        os.remove(path)
    except OSError:
        _log.debug("%s could not be removed", os.path.basename(path))


def remove_abandoned(paths: Iterable[str], beside: str, seconds: float) -> None:
    """Remove the plain files among `paths` whose last write is that much older than the last one of `beside`.

    `beside` was just written. So it is the file system's own clock that decides, not those of machines that share it.
    """
    try:
        latest = os.stat(beside).st_mtime - seconds
    except OSError:
        return
    for path in paths:
        try:
            if is_plain(path) and os.lstat(path).st_mtime < latest:
                remove(path)
        except OSError:
            continue
