"""Names, shapes and metadata of a safetensors file, from its header alone, with a bound on what is read.

Format: 8 bytes little-endian header length, then that many bytes of JSON, then the data
(https://github.com/huggingface/safetensors#format).
"""

import struct
from operator import index
from typing import Any, BinaryIO

from . import bounded_json
from .file_header import MAX_HEADER_BYTES, MAX_TEXT, TOO_LARGE, TOO_LONG, TRUNCATED, DamagedFileError, Header

MAX_VALUES = 49_152
"""Of all JSON values: room for 5,000 tensors, where an SDXL checkpoint has 2,500 and FLUX in nf4 3,000.

With both bounds the worst header takes some 40 ms of a busy server's core, and 43 MB; 8 MiB of it would take 86.
"""


def read(start: bytes, file: BinaryIO, size: int) -> Header:
    """The header of a file of `size` bytes, of which `start` is read already. Raises DamagedFileError."""
    if len(start) < 8:
        raise DamagedFileError("is too short to be a safetensors file")
    (length,) = struct.unpack("<Q", start[:8])
    if length > size - 8:
        raise DamagedFileError("is truncated or not a safetensors file")
    if length > MAX_HEADER_BYTES:
        raise DamagedFileError(TOO_LARGE)
    raw = start[8 : 8 + length]
    return parse(raw + file.read(length - len(raw)), data_size=size - 8 - length)


def parse(raw: bytes, data_size: int) -> Header:
    """The header that `raw` is, before `data_size` bytes of data. Raises DamagedFileError."""
    try:
        entries = bounded_json.read(raw, MAX_VALUES)
        metadata = entries.pop("__metadata__", None) or {}
        tensors = {name: _tensor(entry) for name, entry in entries.items()}
        texts = {k: v for k, v in metadata.items() if isinstance(v, str) and len(v) <= MAX_TEXT}
    except bounded_json.TooMuchError:
        raise DamagedFileError(TOO_LARGE) from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DamagedFileError("is not a safetensors file") from error
    if not tensors:
        raise DamagedFileError("holds no tensors")
    _check_length(sorted(span for _, span in tensors.values()), data_size)
    return Header({name: shape for name, (shape, _) in tensors.items()}, texts)


def _check_length(spans: list[tuple[int, int]], data_size: int) -> None:
    """Raises DamagedFileError where the tensors' data are not the whole data, one after the other: the format allows
    neither gaps nor anything behind them, and safetensors itself refuses the file."""
    at = 0
    for start, end in spans:
        if start < at:
            raise DamagedFileError("is not a safetensors file")
        if start > at:
            raise DamagedFileError(TOO_LONG)
        at = end
    if at != data_size:
        raise DamagedFileError(TRUNCATED if at > data_size else TOO_LONG)


def _tensor(entry: Any) -> tuple[tuple[int, ...], tuple[int, int]]:
    """Shape of a tensor, and where its data begin and end. Raises ValueError, TypeError or KeyError."""
    shape = tuple(map(index, entry["shape"]))
    start, end = map(index, entry["data_offsets"])
    if not 0 <= start <= end or min(shape, default=0) < 0:
        raise ValueError("a negative size")
    return shape, (start, end)
