"""Headers: read within bounds, refused with a reason, remembered."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from files import write_safetensors
from hypothesis import HealthCheck, example, given
from hypothesis import settings as budget
from hypothesis import strategies as st
from safetensors import SafetensorError, safe_open

from lib_hypersd.models import headers
from lib_hypersd.models.file_header import MAX_HEADER_BYTES, DamagedFileError
from lib_hypersd.models.headers import forget, read_header

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


_SPANS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4)), min_size=1, max_size=4)
"""Where the data of each tensor begin, and how many bytes they are."""


@budget(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(_SPANS, st.integers(0, 9))
@example([(0, 4), (4, 2)], 6)
@example([(0, 4), (5, 1)], 6)
@example([(0, 4), (3, 3)], 6)
@example([(0, 4)], 5)
def test_a_file_whose_length_safetensors_refuses_is_damaged(
    tmp_path: Path, spans: list[tuple[int, int]], data_size: int
) -> None:
    """Whatever gaps, overlaps and bytes too many or too few there are."""
    entries = {f"t{i}": {"dtype": "U8", "shape": [n], "data_offsets": [at, at + n]} for i, (at, n) in enumerate(spans)}
    header = json.dumps(entries).encode()
    path = tmp_path / "x.safetensors"
    path.write_bytes(_claim(len(header), header) + bytes(data_size))
    forget()
    try:
        with safe_open(path, "np"):
            refused = False
    except SafetensorError:
        refused = True
    try:
        read_header(str(path))
        damaged = False
    except DamagedFileError:
        damaged = True
    assert damaged == refused


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


def test_a_damage_that_is_met_once_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the moment, on a network drive for example, must not be remembered as long as the file stays."""
    path = tmp_path / "a.safetensors"
    write_safetensors(path, {"a.lora_up.weight": [2, 2]})
    read, failing = headers._read, [True]

    def fail_once(*arguments: Any) -> Any:
        if failing:
            failing.pop()
            raise DamagedFileError("is truncated")
        return read(*arguments)

    monkeypatch.setattr(headers, "_read", fail_once)
    assert headers.read_header(str(path)).shapes == {"a.lora_up.weight": (2, 2)}
    assert not failing
