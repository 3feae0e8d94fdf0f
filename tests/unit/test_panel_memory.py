"""The panel's values for each checkpoint, and the file that they are kept in."""

from __future__ import annotations

import errno
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_hypersd.panel import memory as panel_memory
from lib_hypersd.panel.memory import MOST_CHECKPOINTS, PanelMemory
from lib_hypersd.request.settings import KEYS, PANEL_DEFAULTS

VALUES = {"enabled": True, "lora": "auto", "steps": "4", "cfg": "recipe", "hires_denoise": "0.5"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hypersd-panels.json"


class Log(list[str]):
    def __call__(self, text: str) -> None:
        self.append(text)


def files(path: Path) -> set[str]:
    return {found.name for found in path.parent.iterdir()}


def test_values_come_back_with_their_checkpoint_and_tab(path: Path) -> None:
    memory = PanelMemory(path)
    memory.put("dreamshaper_8", "txt2img", VALUES)
    memory.put("dreamshaper_8", "img2img", {"enabled": False})
    memory.put("sd_xl_base_1.0", "txt2img", {"steps": "keep"})
    for found in (memory, PanelMemory(path)):
        assert found.get("dreamshaper_8", "txt2img") == VALUES
        assert found.get("dreamshaper_8", "img2img") == {"enabled": False}
        assert found.get("sd_xl_base_1.0", "txt2img") == {"steps": "keep"}
        assert found.get("sd_xl_base_1.0", "img2img") is None
        assert found.get("nobody", "txt2img") is None
    assert files(path) == {path.name}


def test_every_value_that_the_panel_begins_with_is_kept(path: Path) -> None:
    values = {key: getattr(PANEL_DEFAULTS, key) for key in KEYS}
    PanelMemory(path).put("a", "txt2img", values)
    assert PanelMemory(path).get("a", "txt2img") == values


def test_the_file_tells_its_version(path: Path) -> None:
    PanelMemory(path).put("a", "txt2img", VALUES)
    assert json.loads(path.read_text()) == {"version": 1, "checkpoints": {"a": {"txt2img": VALUES}}}


def test_unknown_keys_and_bad_values_are_left_out(path: Path) -> None:
    bad = {"stepz": "4", "steps": "99", "weight": None, "cfg": True, "eta": float("nan"), "enabled": "yes"}
    PanelMemory(path).put("a", "txt2img", VALUES | bad)
    good = {key: value for key, value in VALUES.items() if key not in bad}
    assert json.loads(path.read_text())["checkpoints"]["a"]["txt2img"] == good
    path.write_text(json.dumps({"version": 1, "checkpoints": {"a": {"txt2img": VALUES | bad}}}))
    assert PanelMemory(path).get("a", "txt2img") == good


def test_unchanged_values_are_not_written_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = PanelMemory(path)
    memory.put("a", "txt2img", VALUES)
    written: list[Any] = []
    monkeypatch.setattr(panel_memory.os, "replace", lambda *names: written.append(names))
    memory.put("a", "txt2img", dict(VALUES))
    PanelMemory(path).put("a", "txt2img", dict(VALUES))
    assert written == []
    memory.put("a", "txt2img", VALUES | {"steps": "8"})
    assert len(written) == 1


def test_the_oldest_goes_out(path: Path) -> None:
    memory = PanelMemory(path)
    checkpoints = {f"c{i}": {"txt2img": VALUES} for i in range(MOST_CHECKPOINTS)}
    path.write_text(json.dumps({"version": 1, "checkpoints": checkpoints}))
    memory.put("c0", "txt2img", VALUES | {"steps": "8"})
    memory.put("new", "txt2img", VALUES)
    found = json.loads(path.read_text())["checkpoints"]
    assert len(found) == MOST_CHECKPOINTS
    assert "c1" not in found
    assert {"c0", "c2", "new"} <= found.keys()


BROKEN = [
    b"",
    b"{",
    b"\xff\xfe\x00",
    b"[]",
    b"null",
    b'{"version": 2, "checkpoints": {}}',
    b'{"version": 1}',
    b'{"version": 1, "checkpoints": []}',
    b'{"version": 1, "checkpoints": {"a": 1}}',
    b'{"version": 1, "checkpoints": {"a": {"txt2img": [1]}}}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("content", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_file_is_set_aside_and_not_lost(path: Path, content: bytes) -> None:
    log = Log()
    path.write_bytes(content)
    (path.parent / f"{path.name}.broken-1").write_bytes(b"an earlier one")
    memory = PanelMemory(path, log)
    assert memory.get("a", "txt2img") is None
    memory.put("a", "txt2img", VALUES)
    assert memory.get("a", "txt2img") == VALUES
    assert (path.parent / f"{path.name}.broken-1").read_bytes() == b"an earlier one"
    assert (path.parent / f"{path.name}.broken-2").read_bytes() == content
    assert PanelMemory(path).get("a", "txt2img") == VALUES
    assert len(log) == 1
    assert "set aside as hypersd-panels.json.broken-2" in log[0]
    assert str(path.parent) not in log[0]
    assert "\n" not in log[0]


def test_a_file_that_breaks_later_is_set_aside_too(path: Path) -> None:
    memory = PanelMemory(path, Log())
    memory.put("a", "txt2img", VALUES)
    path.write_bytes(b"{ edited by hand")
    memory.put("b", "txt2img", VALUES)
    assert (path.parent / f"{path.name}.broken-1").read_bytes() == b"{ edited by hand"
    assert PanelMemory(path).get("a", "txt2img") == VALUES, "what was known is kept"


def test_what_another_process_wrote_is_seen(path: Path) -> None:
    one, other = PanelMemory(path), PanelMemory(path)
    one.put("a", "txt2img", VALUES)
    other.put("b", "txt2img", VALUES)
    assert one.get("b", "txt2img") == VALUES
    one.put("c", "txt2img", VALUES)
    assert set(json.loads(path.read_text())["checkpoints"]) == {"a", "b", "c"}


def test_a_file_that_was_taken_away_is_forgotten(path: Path) -> None:
    memory = PanelMemory(path)
    memory.put("a", "txt2img", VALUES)
    path.unlink()
    assert memory.get("a", "txt2img") is None
    memory.put("a", "txt2img", VALUES)
    assert path.exists()


def test_a_full_disk_costs_nothing_but_the_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log()
    memory = PanelMemory(path, log)
    memory.put("a", "txt2img", VALUES)
    before = path.read_bytes()

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(panel_memory.os, "fsync", full)
    for steps in ("8", "2"):
        memory.put("a", "txt2img", VALUES | {"steps": steps})
    assert memory.get("a", "txt2img") == VALUES | {"steps": "2"}
    assert path.read_bytes() == before
    assert files(path) == {path.name}, "nothing half-written is left"
    assert len(log) == 1, "one line, not one a picture"
    assert "can't be written" in log[0]
    monkeypatch.undo()
    memory.put("a", "txt2img", VALUES)
    assert PanelMemory(path).get("a", "txt2img") == VALUES


def test_a_file_that_can_be_neither_read_nor_moved_is_never_overwritten(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log()
    path.write_bytes(b"{ somebody's")

    def refuse(*_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    memory = PanelMemory(path, log)
    memory.put("a", "txt2img", VALUES)
    assert memory.get("a", "txt2img") == VALUES
    assert path.read_bytes() == b"{ somebody's"
    assert len(log) == 1


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    log = Log()
    PanelMemory(tmp_path / "nowhere" / "panels.json", log).put("a", "txt2img", VALUES)
    assert len(log) == 1


def test_a_link_stays_a_link(tmp_path: Path, path: Path) -> None:
    real = tmp_path / "elsewhere"
    real.mkdir()
    (real / "panels.json").write_text(json.dumps({"version": 1, "checkpoints": {}}))
    os.symlink(real / "panels.json", path)
    PanelMemory(path).put("a", "txt2img", VALUES)
    assert path.is_symlink()
    assert "a" in json.loads((real / "panels.json").read_text())["checkpoints"]


def test_threads_may_share_one(path: Path) -> None:
    memory = PanelMemory(path)
    together = threading.Barrier(8)

    def put(number: int) -> None:
        together.wait()
        for i in range(5):
            memory.put(f"c{number}-{i}", "txt2img", {"steps": str(1 + i)})
            assert memory.get(f"c{number}-{i}", "txt2img") == {"steps": str(1 + i)}

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(json.loads(path.read_text())["checkpoints"]) == 40
    assert files(path) == {path.name}


def test_what_is_handed_out_is_ones_own(path: Path) -> None:
    memory = PanelMemory(path)
    given_values = dict(VALUES)
    memory.put("a", "txt2img", given_values)
    given_values["steps"] = "16"
    found = memory.get("a", "txt2img")
    assert found is not None
    dict.update(found, steps="2")  # type: ignore[arg-type]
    assert memory.get("a", "txt2img") == VALUES


@given(
    st.binary(max_size=200) | st.text(alphabet='{}[]":,aversion12checkpoints txt2img\n', max_size=80).map(str.encode)
)
def test_any_bytes_are_survived(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "panels.json"
    path.write_bytes(content)
    memory = PanelMemory(path, Log())
    memory.get("a", "txt2img")
    memory.put("a", "txt2img", VALUES)
    assert PanelMemory(path, Log()).get("a", "txt2img") == VALUES
