"""Names, shapes and metadata of a safetensors file, from its header alone, with a bound on what is read.

Format: 8 bytes little-endian header length, then that many bytes of JSON, then the data
(https://github.com/huggingface/safetensors#format).
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_HEADER_BYTES = 4 * 1024 * 1024
"""More than any published checkpoint's or LoRA's header; a claim above it is refused unread."""


class DamagedFileError(ValueError):
    """The file is no whole safetensors file; the message says what is wrong, to stand after the file's name."""


@dataclass(frozen=True)
class Header:
    shapes: Mapping[str, tuple[int, ...]]
    metadata: Mapping[str, str] = field(default_factory=dict)


_remembered: dict[str, tuple[tuple[int, int], Header | DamagedFileError]] = {}


def read_header(path: str) -> Header:
    """The header of the file at `path`; remembered by path, size and modification time.

    Raises DamagedFileError for what is empty, truncated or no safetensors, OSError for what can't be read.
    """
    stat = os.stat(path)
    stamp = (stat.st_size, stat.st_mtime_ns)
    known = _remembered.get(path)
    if known is None or known[0] != stamp:
        try:
            result: Header | DamagedFileError = _read(path, stat.st_size)
        except DamagedFileError as error:
            result = error
        known = _remembered[path] = (stamp, result)
    if isinstance(known[1], DamagedFileError):
        raise DamagedFileError(str(known[1]))
    return known[1]


def forget() -> None:
    """Drop what is remembered, as after a restart."""
    _remembered.clear()


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
            raise DamagedFileError("has a header larger than any Hyper-SD file's")
        raw = file.read(length)
    return _parse(raw, data_size=size - 8 - length)


def _parse(raw: bytes, data_size: int) -> Header:
    try:
        entries = json.loads(raw)
        metadata = entries.pop("__metadata__", None) or {}
        shapes = {name: tuple(map(int, entry["shape"])) for name, entry in entries.items()}
        end = max((int(entry["data_offsets"][1]) for entry in entries.values()), default=0)
        texts = {str(k): str(v) for k, v in metadata.items()}
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise DamagedFileError("is not a safetensors file") from error
    if end > data_size:
        raise DamagedFileError("is truncated")
    if not shapes:
        raise DamagedFileError("holds no tensors")
    return Header(shapes, texts)
