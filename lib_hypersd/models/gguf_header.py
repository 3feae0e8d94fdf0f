"""Names, shapes and metadata of a GGUF file, from its header alone, with bounds on what is read.

Format, all little-endian (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md): "GGUF", a version, the counts of
tensors and of metadata entries; each entry a name, a type and a value; each tensor a name, its sizes (the last one of
torch's first), its type and where its data begin; then the data, aligned. Versions 2 and 3 are alike; the first one,
whose lengths have 4 bytes, no image model was published in.
"""

import struct
from collections import Counter
from dataclasses import dataclass, field
from math import prod
from typing import BinaryIO, NamedTuple

from .file_header import MAX_HEADER_BYTES, MAX_TEXT, TOO_LARGE, TOO_LONG, TRUNCATED, DamagedFileError, Header

MAGIC = b"GGUF"
START_BYTES = 24
"""Magic, version, tensor count, entry count."""
MAX_TENSORS = 5_000
"""FLUX.1 has 780, SDXL with its text encoders 2,600."""
MAX_ENTRIES = 4_000
"""Image models have some dozen, and one more for each tensor that was reshaped."""
MAX_TEXTS = 20_000
"""In arrays: image models have none, language models 150,000."""
_FIRST_READ = 512 * 1024
_MOST_SIZES = 5
_SHAPE_KEY = "comfy.gguf.orig_shape."
"""city96/ComfyUI-GGUF, tools/convert.py: the shape of a tensor that was reshaped to be quantised."""

_TEXT, _ARRAY = 8, 9
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""Bytes of the value types of a fixed size: integers, floats, bool."""
_UINT32, _INT32 = 4, 5

_BLOCKS: dict[int, tuple[int, int]] = {
    **{0: (1, 4), 1: (1, 2), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 30: (1, 2)},
    **{2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 40), 20: (32, 18)},
    **{10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292)},
    **{16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 21: (256, 110), 22: (256, 82), 23: (256, 136)},
    **{29: (256, 56), 34: (256, 54), 35: (256, 66)},
}
"""Tensor type → values in a block, bytes of it (ggml.h)."""
_STORAGES = {
    **{0: "fp32", 1: "fp16", 30: "bf16", 2: "q4_0", 3: "q4_1", 6: "q5_0", 7: "q5_1", 8: "q8_0"},
    **{10: "q2_k", 11: "q3_k", 12: "q4_k", 13: "q5_k", 14: "q6_k"},
}
"""Tensor type → what the hosts call it once it is loaded."""


class _ShortError(Exception):
    """The header goes on behind what was read."""


class _NoGgufError(ValueError):
    """What was read is no GGUF header."""


def read(start: bytes, file: BinaryIO, size: int) -> Header:
    """The header of a file of `size` bytes, of which `start` is read already. Raises DamagedFileError."""
    raw = start
    for most in (_FIRST_READ, MAX_HEADER_BYTES):
        raw += file.read(most - len(raw))
        try:
            return parse(raw, size)
        except _ShortError:
            if len(raw) == size or len(raw) < most:
                raise DamagedFileError(TRUNCATED) from None
        except (_NoGgufError, UnicodeDecodeError) as error:
            raise DamagedFileError("is not a GGUF file") from error
    raise DamagedFileError(TOO_LARGE)


class _Tensor(NamedTuple):
    """`kind` is its type, `end` where its data end, None for a type that is not known."""

    name: str
    shape: tuple[int, ...]
    kind: int
    end: int | None


def parse(raw: bytes, size: int) -> Header:
    """The header at the beginning of `raw`, the first bytes of a file of `size` bytes.

    Raises DamagedFileError; `read` makes one of its other two exceptions.
    """
    reader = _Reader(raw)
    if reader.take(4) != MAGIC or reader.number(4) not in (2, 3):
        raise _NoGgufError
    tensor_count, entry_count = reader.number(8), reader.number(8)
    if max(tensor_count, entry_count) > size:  # each takes more than a byte
        raise DamagedFileError(TRUNCATED)
    if tensor_count > MAX_TENSORS or entry_count > MAX_ENTRIES:
        raise DamagedFileError(TOO_LARGE)
    if not tensor_count:
        raise DamagedFileError("holds no tensors")
    entries = _entries(reader, entry_count)
    tensors = [_tensor(reader) for _ in range(tensor_count)]
    shapes = {tensor.name: entries.shapes.get(tensor.name, tensor.shape) for tensor in tensors}
    if len(shapes) < tensor_count:
        raise _NoGgufError
    _check_length([tensor.end for tensor in tensors], reader.at, entries.alignment, size)
    return Header(shapes, entries.texts, _storage(tensors))


def _storage(tensors: list[_Tensor]) -> str | None:
    """How most of the weights of linear layers are stored."""
    values: Counter[int] = Counter()
    for tensor in tensors:
        if len(tensor.shape) == 2:
            values[tensor.kind] += prod(tensor.shape)
    return _STORAGES.get(values.most_common(1)[0][0]) if values else None


class _Reader:
    """Reads one value after the other. Raises _ShortError at the end of what was read."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.at = raw, 0

    def take(self, count: int) -> bytes:
        found = self.raw[self.at : self.at + count]
        self.at += count
        if len(found) < count:
            raise _ShortError
        return found

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "little")

    def numbers(self, count: int) -> tuple[int, ...]:
        """That many numbers of 8 bytes."""
        return struct.unpack(f"<{count}Q", self.take(8 * count))

    def text(self) -> str:
        return self.take(self.number(8)).decode("utf-8")

    def skip(self, count: int) -> None:
        self.at += count
        if self.at > len(self.raw):
            raise _ShortError


@dataclass
class _Entries:
    """What is kept of the metadata: short texts, shapes of reshaped tensors, the data's alignment in bytes."""

    texts: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    alignment: int = 32
    texts_in_arrays: int = 0


def _entries(reader: _Reader, count: int) -> _Entries:
    entries = _Entries()
    for _ in range(count):
        key, kind = reader.text(), reader.number(4)
        if kind == _TEXT:
            text = reader.text()
            if len(text) <= MAX_TEXT:
                entries.texts[key] = text
        elif kind == _ARRAY:
            _array(reader, key, entries)
        elif kind not in _SIZES:
            raise _NoGgufError
        elif key == "general.alignment" and kind == _UINT32:
            entries.alignment = reader.number(4)
        else:
            reader.skip(_SIZES[kind])
    return entries


def _array(reader: _Reader, key: str, entries: _Entries) -> None:
    """Pass over an array, but for a shape. An array of arrays, which the format forbids, is no GGUF."""
    kind, count = reader.number(4), reader.number(8)
    if kind == _TEXT:
        entries.texts_in_arrays += count
        if entries.texts_in_arrays > MAX_TEXTS:
            raise DamagedFileError(TOO_LARGE)
        for _ in range(count):
            reader.skip(reader.number(8))
    elif kind not in _SIZES:
        raise _NoGgufError
    elif key.startswith(_SHAPE_KEY) and kind == _INT32 and count <= _MOST_SIZES:
        entries.shapes[key.removeprefix(_SHAPE_KEY)] = struct.unpack(f"<{count}I", reader.take(4 * count))
    else:
        reader.skip(_SIZES[kind] * count)


def _tensor(reader: _Reader) -> _Tensor:
    name, count = reader.text(), reader.number(4)
    if count > _MOST_SIZES:
        raise _NoGgufError
    sizes, kind, begin = reader.numbers(count), reader.number(4), reader.number(8)
    block = _BLOCKS.get(kind)
    end = begin + prod(sizes) * block[1] // block[0] if block else None
    return _Tensor(name, sizes[::-1], kind, end)


def _check_length(ends: list[int | None], header_end: int, alignment: int, size: int) -> None:
    """Raises DamagedFileError where the file is shorter or longer than its tensors say."""
    if not 1 <= alignment <= MAX_HEADER_BYTES:
        raise _NoGgufError

    def aligned(place: int) -> int:
        return -(-place // alignment) * alignment

    data = aligned(header_end)
    last = data + max((end for end in ends if end is not None), default=0)
    if last > size:
        raise DamagedFileError(TRUNCATED)
    if None not in ends and size > aligned(last):  # some writers fill up the last block, some don't
        raise DamagedFileError(TOO_LONG)
