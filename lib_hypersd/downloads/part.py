"""A part: the file under its temporary name. It is opened without following links, and locked against other WebUIs."""

import errno
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

try:
    import fcntl as _fcntl
except ImportError:  # Windows
    _fcntl = None  # type: ignore[assignment]

fcntl: Any = _fcntl

_log = logging.getLogger(__name__)


@contextmanager
def locked(part: str) -> Iterator[bool]:
    """Lock a part, which is made where there is none, against other WebUIs that share the folder; False if one has it.

    Where the system has no such locks, two of them would spoil each other's part, and the hash would show it.
    """
    with open(part, "ab", opener=plain_file) as file:
        try:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        except OSError:
            _log.debug("The LoRA folder's file system has no locks")
        if not fcntl:
            file.close()  # Windows renames no open file
        yield True


def plain_file(path: str, flags: int) -> int:
    """An opener for open(): the part, never what a link in its place leads to, which may be anybody's file."""
    if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        raise OSError(errno.ELOOP, f"{os.path.basename(path)} is no plain file")
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)  # nor has become one since


def size_of(path: str) -> int:
    """Bytes; 0 where there is no such file."""
    try:
        return os.path.getsize(path)
    except FileNotFoundError:
        return 0


def remove(path: str) -> None:
    """Remove a part as far as the system lets one."""
    try:
        os.remove(path)
    except OSError:
        _log.debug("%s could not be removed", os.path.basename(path))
