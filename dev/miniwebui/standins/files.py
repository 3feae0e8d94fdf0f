"""Writing the files. The tensors of a stand-in are all zero and the file sparse: shapes cost no disk."""

from __future__ import annotations

import json
import math
from pathlib import Path

from standins.headers import Signature

_BYTES = {"F16": 2, "F32": 4, "U8": 1}


def write_signature(path: Path, signature: Signature) -> None:
    """A safetensors file with these tensors. Its title makes its hash its own."""
    header: dict = {"__metadata__": {"format": "pt", "modelspec.title": path.stem}}
    end = 0
    for name, (dtype, shape) in signature.items():
        start, end = end, end + _BYTES[dtype] * math.prod(shape)
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)
