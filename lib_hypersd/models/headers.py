"""The header of a model file, by the file's first bytes: safetensors or GGUF. Remembered."""

import os
import stat
from functools import lru_cache

from . import gguf_header, safetensors_header
from .file_header import DamagedFileError, Header


def read_header(path: str) -> Header:
    """The header of the file at `path`; remembered by path, size and modification time.

    Raises DamagedFileError for what is empty, truncated, too long or of no known format, OSError where it
    can't be read.
    """
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):  # a pipe would wait, a device may never end
        raise DamagedFileError("is not a file")
    found = _remembered(path, status.st_size, status.st_mtime_ns)
    if isinstance(found, str):
        raise DamagedFileError(found)
    return found


@lru_cache(maxsize=64)  # an SDXL checkpoint's takes half a megabyte
def _remembered(path: str, size: int, _mtime_ns: int) -> Header | str:
    """The header, or what is wrong with the file; that has to be met twice, for it is remembered as long as the file
    stays."""
    try:
        return _read(path, size)
    except DamagedFileError:
        pass
    try:
        return _read(path, size)
    except DamagedFileError as error:
        if _is_for_now(error):
            raise
        return str(error)


def _is_for_now(error: BaseException | None) -> bool:
    """Whether a damage may be none the next time: how deep JSON can be read depends on the calls around it."""
    while error is not None and not isinstance(error, RecursionError):
        error = error.__cause__
    return error is not None


def forget() -> None:
    """Drop what is remembered, as after a restart."""
    _remembered.cache_clear()


def _read(path: str, size: int) -> Header:
    if size == 0:
        raise DamagedFileError("is empty")
    with open(path, "rb") as file:
        start = file.read(gguf_header.START_BYTES)
        read = gguf_header.read if start.startswith(gguf_header.MAGIC) else safetensors_header.read
        return read(start, file, size)
