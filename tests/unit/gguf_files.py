"""GGUF files for the tests, byte by byte: whole ones, and such as no writer would write."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

TEXT, ARRAY, UINT32, INT32 = 8, 9, 4, 5
F32 = 0


def text(value: str | bytes, length: int | None = None) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw) if length is None else length) + raw


def entry(key: str, value: Any) -> bytes:
    """A text, a number (uint32), or a list of texts or of numbers (int32)."""
    if isinstance(value, str):
        return text(key) + struct.pack("<I", TEXT) + text(value)
    if isinstance(value, int):
        return text(key) + struct.pack("<II", UINT32, value)
    kind = TEXT if isinstance(value[0], str) else INT32
    items = b"".join(text(one) if isinstance(one, str) else struct.pack("<i", one) for one in value)
    return text(key) + struct.pack("<IIQ", ARRAY, kind, len(value)) + items


def tensor(name: str, shape: tuple[int, ...], begin: int = 0, kind: int = F32) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *reversed(shape), kind, begin)


def header(entries: bytes, tensors: bytes, counts: tuple[int, int], version: int = 3) -> bytes:
    """`counts` are those of tensors and of entries."""
    return b"GGUF" + struct.pack("<IQQ", version, *counts) + entries + tensors


def gguf(shapes: Mapping[str, tuple[int, ...]], metadata: Mapping[str, Any] | None = None) -> bytes:
    """A file of tensors of a type that nobody knows: so it is no damage that it has no data."""
    meta = {"general.architecture": "flux", **(metadata or {})}
    kinds = b"".join(tensor(name, shape, kind=99) for name, shape in shapes.items())
    return header(b"".join(entry(*one) for one in meta.items()), kinds, (len(shapes), len(meta)))


def write_gguf(path: Path, shapes: Mapping[str, tuple[int, ...]], metadata: Mapping[str, Any] | None = None) -> Path:
    path.write_bytes(gguf(shapes, metadata) + b"\0" * 31)  # the alignment's
    return path


def write_gguf_data(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> Path:
    """A file of float32 tensors with their data, which ends where its header says."""
    tensors, end = b"", 0
    for name, shape in shapes.items():
        tensors += tensor(name, shape, begin=end)
        end += -(-4 * prod(shape) // 32) * 32
    head = header(entry("general.architecture", "sd1"), tensors, (len(shapes), 1))
    path.write_bytes(head + bytes(-len(head) % 32) + bytes(end))
    return path
