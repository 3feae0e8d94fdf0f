"""The head of a safetensors file: its metadata and the shapes of its tensors, without reading the tensors."""

from __future__ import annotations

import json
from pathlib import Path

LIMIT = 100 * 1024 * 1024
"""The format's own limit for a header, in bytes."""


def read_header(path: str | Path) -> tuple[dict[str, str], dict[str, tuple[int, ...]]]:
    """(metadata, {tensor name: shape}). ValueError when it is no safetensors file."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        text = file.read(size) if 2 < size <= LIMIT else b""
    if len(text) != size or text[:1] != b"{":
        raise ValueError(f"{path} is not a safetensors file")
    header = json.loads(text)
    metadata = header.pop("__metadata__", {})
    return metadata, {name: tuple(entry["shape"]) for name, entry in header.items()}
