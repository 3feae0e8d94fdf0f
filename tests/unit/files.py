"""LoRA files and checkpoints for the tests: real safetensors files, a few bytes each."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path

from lib_hypersd.models.catalog import BY_NAME
from lib_hypersd.models.lora_index import LoraIndex, RegisteredLora

KOHYA_TO_K = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.lora_down.weight"


def write_safetensors(
    path: Path, shapes: Mapping[str, tuple[int, ...]], metadata: Mapping[str, str] | None = None
) -> Path:
    """A file with these tensors, all of them zero bytes long in the data section (shapes are what tests look at)."""
    entries: dict[str, object] = {n: {"dtype": "F16", "shape": s, "data_offsets": [0, 0]} for n, s in shapes.items()}
    if metadata:
        entries["__metadata__"] = metadata
    header = json.dumps(entries).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    return path


def lora(folder: Path, name: str, context: int = 768, metadata: Mapping[str, str] | None = None) -> RegisteredLora:
    """A kohya LoRA whose cross-attention takes a context of this width."""
    path = write_safetensors(folder / f"{name}.safetensors", {KOHYA_TO_K: (4, context)}, metadata)
    return RegisteredLora(name, (metadata or {}).get("ss_output_name", name), str(path))


def index_of(folder: Path, names: Iterable[str]) -> LoraIndex:
    """The index of a machine that has files of these names."""
    return LoraIndex(lora(folder, name) for name in names)


def whole_catalog(folder: Path) -> LoraIndex:
    return index_of(folder, BY_NAME)
