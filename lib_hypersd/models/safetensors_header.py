"""Names, shapes and metadata of a safetensors file, from its header alone, with a bound on what is read.

Format: 8 bytes little-endian header length, then that many bytes of JSON, then the data
(https://github.com/huggingface/safetensors#format).
"""

import os
import stat
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from operator import index
from typing import Any

from . import bounded_json
from .lora_modules import flaw, module_names

MAX_HEADER_BYTES = 4 * 1024 * 1024
"""A claim above it is refused unread. Tensors take 0.1 to 0.4 MB in published files; training tags may take some MB."""
MAX_VALUES = 49_152
"""Of all JSON values: room for 5,000 tensors, where an SDXL checkpoint has 2,500 and FLUX in nf4 3,000.

With both bounds the worst header takes some 40 ms of a busy server's core, and 43 MB; 8 MiB of it would take 86.
"""
MAX_TEXT = 2000
"""Characters of a metadata value that is kept: a title, no training tags."""


class DamagedFileError(ValueError):
    """The file is no whole safetensors file; the message says what is wrong, to be put after the file's name."""


@dataclass(frozen=True)
class Header:
    shapes: Mapping[str, tuple[int, ...]]
    metadata: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def lora_modules(self) -> tuple[str, ...]:
        """The modules of the net that the file changes, if it is a LoRA."""
        return module_names(self.shapes)

    @cached_property
    def lora_flaw(self) -> str | None:
        """What makes the file unusable as a LoRA, to be put after its name, or None."""
        return flaw(self.shapes)


_TOO_LARGE = "has a header larger than any Hyper-SD file's"


def read_header(path: str) -> Header:
    """The header of the file at `path`; remembered by path, size and modification time.

    Raises DamagedFileError for what is empty, truncated or no safetensors, OSError for what can't be read.
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
    """The header, or what is wrong with the file."""
    try:
        return _read(path, size)
    except DamagedFileError as error:
        return str(error)


def forget() -> None:
    """Drop what is remembered, as after a restart."""
    _remembered.cache_clear()


def _read(path: str, size: int) -> Header:
    if size == 0:
        raise DamagedFileError("is empty")
    with open(path, "rb") as file:
        length_bytes = file.read(8)
        if len(length_bytes) < 8:
            raise DamagedFileError("is too short to be a safetensors file")
        (length,) = struct.unpack("<Q", length_bytes)
        if length > size - 8:
            raise DamagedFileError("is truncated or not a safetensors file")
        if length > MAX_HEADER_BYTES:
            raise DamagedFileError(_TOO_LARGE)
        raw = file.read(length)
    return _parse(raw, data_size=size - 8 - length)


def _parse(raw: bytes, data_size: int) -> Header:
    try:
        entries = bounded_json.read(raw, MAX_VALUES)
        metadata = entries.pop("__metadata__", None) or {}
        tensors = {name: _tensor(entry) for name, entry in entries.items()}
        texts = {k: v for k, v in metadata.items() if isinstance(v, str) and len(v) <= MAX_TEXT}
    except bounded_json.TooMuchError:
        raise DamagedFileError(_TOO_LARGE) from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DamagedFileError("is not a safetensors file") from error
    if not tensors:
        raise DamagedFileError("holds no tensors")
    if max(end for _, end in tensors.values()) > data_size:
        raise DamagedFileError("is truncated")
    return Header({name: shape for name, (shape, _) in tensors.items()}, texts)


def _tensor(entry: Any) -> tuple[tuple[int, ...], int]:
    """Shape of a tensor, and where its data end. Raises ValueError, TypeError or KeyError."""
    shape = tuple(map(index, entry["shape"]))
    start, end = map(index, entry["data_offsets"])
    if not 0 <= start <= end or min(shape, default=0) < 0:
        raise ValueError("a negative size")
    return shape, end
