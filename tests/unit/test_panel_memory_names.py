"""A checkpoint's name is a key of the panel's memory and never a path."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib_hypersd.panel.memory import PanelMemory


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "/tmp/outside",
        "..\\outside",
        "C:\\outside",
        "\\\\server\\share\\x",
        "a\0b",
        "%2e%2e%2fx",
        "",
        "é" * 999,
    ],
)
def test_no_checkpoint_or_tab_makes_a_file_of_its_own(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "webui"
    folder.mkdir()
    memory = PanelMemory(folder / "panels.json")
    for checkpoint, tab in ((name, "txt2img"), ("model", name)):
        memory.put(checkpoint, tab, {"steps": "4"})
        assert PanelMemory(folder / "panels.json").get(checkpoint, tab) == {"steps": "4"}
    assert [path.name for path in tmp_path.rglob("*")] == ["webui", "panels.json"]
