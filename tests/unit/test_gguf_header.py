"""GGUF headers: as the published package writes them; damaged ones refused with the reason, in little time."""

from __future__ import annotations

import struct
from pathlib import Path

import gguf
import numpy as np
import pytest
from gguf_files import entry, header, tensor, text, write_gguf

from lib_hypersd.models import gguf_header
from lib_hypersd.models.file_header import DamagedFileError
from lib_hypersd.models.headers import read_header

SHAPES = {"double_blocks.0.img_attn.qkv.weight": (96, 64), "img_in.weight": (64, 32), "img_in.bias": (64,)}
TENSOR = tensor("a", (2, 4))
DATA = b"\0" * 32


def published(path: Path, kind: gguf.GGMLQuantizationType) -> Path:
    """A file as the published package writes it."""
    writer = gguf.GGUFWriter(path, "flux")
    writer.add_name("my model")
    writer.add_array("some.numbers", [1, 2, 3])
    writer.add_array("some.texts", ["a", "bc"])
    for name, shape in SHAPES.items():
        stored = kind if len(shape) > 1 else gguf.GGMLQuantizationType.F32
        writer.add_tensor(name, gguf.quantize(np.ones(shape, np.float32), stored), raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16", "Q8_0", "Q5_0", "Q4_0"])
def test_what_the_published_package_writes_is_read(tmp_path: Path, kind: str) -> None:
    found = read_header(str(published(tmp_path / "x.gguf", gguf.GGMLQuantizationType[kind])))
    assert found.storage == {"F32": "fp32", "F16": "fp16", "BF16": "bf16"}.get(kind, kind.lower())
    assert dict(found.shapes) == SHAPES
    assert found.metadata["general.architecture"] == "flux"
    assert found.title == "my model"


def test_block_sizes_are_the_published_ones() -> None:
    assert {int(kind): sizes for kind, sizes in gguf.GGML_QUANT_SIZES.items()}.items() >= gguf_header._BLOCKS.items()


@pytest.mark.parametrize("change", [-1, -33, 1, 40])
def test_a_byte_too_few_or_too_many_is_damage(tmp_path: Path, change: int) -> None:
    path = published(tmp_path / "x.gguf", gguf.GGMLQuantizationType.F32)
    raw = path.read_bytes()
    path.write_bytes(raw[:change] if change < 0 else raw + b"\0" * change)
    with pytest.raises(DamagedFileError, match="truncated" if change < 0 else "longer"):
        read_header(str(path))


def test_the_shape_before_it_was_quantised_counts(tmp_path: Path) -> None:
    shape_entry = {"comfy.gguf.orig_shape.a": [4, 3, 2]}
    found = read_header(str(write_gguf(tmp_path / "x.gguf", {"a": (24,), "b": (5,)}, shape_entry)))
    assert found.shapes == {"a": (4, 3, 2), "b": (5,)}


CYCLE = text("a") + struct.pack("<IIQ", 9, 9, 2**60)
DAMAGED: dict[str, tuple[bytes, str]] = {
    "only the magic": (b"GGUF", "truncated"),
    "half a start": (b"GGUF\3\0\0\0\1", "truncated"),
    "2^60 tensors": (header(b"", b"", (2**60, 0)), "truncated"),
    "2^60 entries": (header(b"", TENSOR, (1, 2**60)), "truncated"),
    "no tensors": (header(entry("a", "b"), b"", (0, 1)), "no tensors"),
    "another version": (header(b"", TENSOR, (1, 0), version=9), "not a GGUF"),
    "of the other end": (b"GGUF" + struct.pack(">IQQ", 3, 1, 0) + TENSOR, "not a GGUF"),
    "a text of 2^40 bytes": (header(text("a", 2**40), TENSOR, (1, 1)), "truncated"),
    "a name of 2^63 bytes": (header(b"", text("a", 2**63), (1, 0)), "truncated"),
    "a type that is none": (header(text("a") + struct.pack("<I", 77), TENSOR, (1, 1)), "not a GGUF"),
    "arrays in arrays": (header(CYCLE, TENSOR, (1, 1)), "not a GGUF"),
    "an array of 2^60 numbers": (header(text("a") + struct.pack("<IIQ", 9, 4, 2**60), TENSOR, (1, 1)), "truncated"),
    "an array of 2^60 texts": (header(text("a") + struct.pack("<IIQ", 9, 8, 2**60), TENSOR, (1, 1)), "larger"),
    "a name that is no text": (header(b"", text(b"\xff\xfe") + TENSOR[9:], (1, 0)), "not a GGUF"),
    "a tensor twice": (header(b"", TENSOR * 2, (2, 0)) + DATA, "not a GGUF"),
    "2^32 - 1 sizes": (header(b"", text("a") + b"\xff" * 80, (1, 0)), "not a GGUF"),
    "huge sizes": (header(b"", tensor("a", (2**63, 2**63)), (1, 0)) + DATA, "truncated"),
    "data at 2^63": (header(b"", tensor("a", (2,), begin=2**63), (1, 0)) + DATA, "truncated"),
    "no alignment": (header(entry("general.alignment", 0), TENSOR, (1, 1)) + DATA, "not a GGUF"),
    "zeros": (b"GGUF" + b"\0" * 4000, "not a GGUF"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    raw, reason = DAMAGED[name]
    path = tmp_path / "x.gguf"
    path.write_bytes(raw)
    with pytest.raises(DamagedFileError, match=reason):
        read_header(str(path))


def test_every_cut_is_damage(tmp_path: Path) -> None:
    raw = published(tmp_path / "x.gguf", gguf.GGMLQuantizationType.Q8_0).read_bytes()
    for end in range(4, 700):
        (tmp_path / "cut.gguf").write_bytes(raw[:end])
        with pytest.raises(DamagedFileError):
            read_header(str(tmp_path / "cut.gguf"))


def test_a_format_is_known_by_its_bytes_not_by_its_name(tmp_path: Path) -> None:
    assert read_header(str(write_gguf(tmp_path / "x.safetensors", {"a": (1,)}))).shapes == {"a": (1,)}
