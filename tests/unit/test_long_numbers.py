"""Whole numbers of many digits are refused by their length. Python 3.10.0 to 3.10.6 bound them nowhere."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib_hypersd.models import bounded_json
from lib_hypersd.models.file_header import DamagedFileError
from lib_hypersd.models.headers import read_header
from lib_hypersd.panel.listeners import _parsed
from lib_hypersd.panel.memory import PanelMemory
from lib_hypersd.panel.paste import panel_value

LONG = "1" * 5000
"""Python without a bound makes a number of it in no time; that it is refused shows that it is not tried."""


@pytest.fixture(autouse=True)
def _no_bound_of_pythons_own() -> Iterator[None]:
    if not hasattr(sys, "set_int_max_str_digits"):
        yield
        return
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(before)


def test_python_itself_would_take_it() -> None:
    assert int(LONG) > 10**4998


@pytest.mark.parametrize("form", ["%s", "-%s", "[0, %s]", '{"a": [0, {"b": %s}]}'])
def test_it_is_refused_without_being_read(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(digits: str) -> int:
        assert len(digits) <= bounded_json.MOST_DIGITS
        return 0

    monkeypatch.setattr(bounded_json, "int", read, raising=False)
    text = form % LONG
    for source in (text, text.encode()):
        with pytest.raises(bounded_json.LongNumberError, match="digits"):
            bounded_json.read(source, 1000)


def test_numbers_of_any_use_are_read() -> None:
    seed, largest = 2**64, int("9" * bounded_json.MOST_DIGITS)
    assert bounded_json.read(f'[{seed}, {largest}, 1e308, -3, "{LONG}"]', 1000) == [seed, largest, 1e308, -3, LONG]


def test_a_file_with_one_in_its_header_is_damaged(tmp_path: Path) -> None:
    header = f'{{"a": {{"dtype": "F16", "shape": [{LONG}], "data_offsets": [0, 0]}}}}'.encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(DamagedFileError, match="not a safetensors file"):
        read_header(str(path))


def test_a_file_of_panels_with_one_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "panels.json"
    path.write_text(f'{{"version": 1, "checkpoints": {{"a": {{"txt2img": {{"steps": {LONG}}}}}}}}}')
    log: list[str] = []
    assert PanelMemory(path, log.append).get("a", "txt2img") is None
    assert len(log) == 1
    assert "set aside" in log[0]


def test_a_pages_query_with_one_is_refused() -> None:
    with pytest.raises(bounded_json.LongNumberError):
        _parsed(f'{{"number": {LONG}}}')


@pytest.mark.parametrize("key", ["steps", "hires_steps", "weight", "eta", "cfg"])
def test_a_pasted_text_with_one_gives_what_the_panel_takes(key: str) -> None:
    fields = ("Steps", "Hires steps", "Denoising strength", "Hyper-SD weight", "Hyper-SD eta", "CFG scale")
    value = panel_value(
        key, {"Hyper-SD": "Hyper-SD15-8steps-lora", "Hires upscale": LONG, **dict.fromkeys(fields, LONG)}
    )
    assert value in ("auto", "keep")
