"""Headers: read within bounds, refused with a reason, remembered."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from files import write_safetensors
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from lib_hypersd.models.file_header import MAX_HEADER_BYTES, DamagedFileError
from lib_hypersd.models.headers import read_header

HEADER = b'{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}'


def _claim(length: int, rest: bytes = HEADER) -> bytes:
    return struct.pack("<Q", length) + rest


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"abc", "too short"),
        (_claim(2**60), "truncated or not"),
        (_claim(2**64 - 1), "truncated or not"),
        (_claim(len(HEADER)), "truncated"),
        (_claim(len(HEADER)) + b"\0" * 3, "truncated"),
        (_claim(len(HEADER)) + b"\0" * 5, "longer"),
        (b"PK\x03\x04" + b"zip" * 100, "truncated or not"),
        (_claim(4, b"[1]\n"), "not a safetensors"),
        (_claim(2, b"{}"), "no tensors"),
        (_claim(9, b'{"a":"b"}'), "not a safetensors"),
        (_claim(8, b"\xff" * 8), "not a safetensors"),
    ],
)
def test_a_damaged_file_is_refused_with_the_reason(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(data)
    with pytest.raises(DamagedFileError, match=reason):
        read_header(str(path))


def test_a_header_over_the_bound_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", MAX_HEADER_BYTES + 1))
        file.truncate(MAX_HEADER_BYTES + 100)
    with pytest.raises(DamagedFileError, match="larger"):
        read_header(str(path))


def test_a_file_that_grows_to_its_end_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(_claim(len(HEADER)))
    with pytest.raises(DamagedFileError):
        read_header(str(path))
    path.write_bytes(_claim(len(HEADER)) + b"\0" * 4)
    assert read_header(str(path)).shapes == {"a": (2,)}


def test_an_unchanged_file_is_not_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_safetensors(tmp_path / "x.safetensors", {"a": (1,)}, {"key": "value"})
    first = read_header(str(path))
    monkeypatch.setattr("builtins.open", None)
    assert read_header(str(path)) is first
    assert first.metadata == {"key": "value"}


@budget(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes) -> None:
    for content in (data, _claim(len(data), data)):
        path = tmp_path / "x.safetensors"
        path.write_bytes(content)
        try:
            read_header(str(path))
        except DamagedFileError:
            pass
