"""The panel's values for each checkpoint, and the file that they are kept in."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_hypersd import files as hypersd_files
from lib_hypersd.panel import memory as panel_memory
from lib_hypersd.panel.memory import DRAFT_ABANDONED_S, MOST_ASIDE, MOST_CHECKPOINTS, PanelMemory
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


# Nothing is raised --------------------------------------------------------------------------------------------------


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have a function raise, for paths that hold a text."""

    def refuse(owner: object, name: str, text: str = "", error: type[OSError] = PermissionError) -> None:
        real = getattr(owner, name)

        def function(path: Any, *args: Any, **kwargs: Any) -> Any:
            if text in str(path):
                raise error(errno.EACCES, "Access is denied", str(path))
            return real(path, *args, **kwargs)

        monkeypatch.setattr(owner, name, function)

    return refuse


def _raises_nothing(path: Path, log: Log, checkpoint: str = "a") -> None:
    """The panel's values are remembered, if only until the process ends; and what goes wrong is logged once."""
    memory = PanelMemory(path, log)
    memory.put(checkpoint, "txt2img", VALUES)
    memory.put(checkpoint, "txt2img", VALUES | {"steps": "8"})
    assert memory.get(checkpoint, "txt2img") == VALUES | {"steps": "8"}
    assert len(log) <= 1
    assert not any(str(path.parent) in line for line in log)


def test_a_draft_that_is_neither_renamed_nor_removed_is_logged(path: Path, refusing: Callable[..., None]) -> None:
    refusing(os, "replace")
    refusing(os, "remove")
    log = Log()
    _raises_nothing(path, log)
    assert "can't be written (Access is denied): panels are remembered until the WebUI ends" in log[0]


@pytest.mark.parametrize("checkpoint", ["\ud800", "a\0b", "é" * 9, "", "🦀\udfff"])
def test_any_checkpoints_name_can_be_kept(path: Path, checkpoint: str) -> None:
    log = Log()
    _raises_nothing(path, log, checkpoint)
    assert log == []
    assert PanelMemory(path).get(checkpoint, "txt2img") == VALUES | {"steps": "8"}


def test_a_lora_with_half_a_surrogate_pair_in_its_name_is_kept(path: Path) -> None:
    PanelMemory(path).put("a", "txt2img", {"lora": "\ud800"})
    assert PanelMemory(path).get("a", "txt2img") == {"lora": "\ud800"}


def test_what_no_panel_holds_is_not_written_again(path: Path) -> None:
    """JSON is read more deeply than it is written."""
    more = {"nested": [[["deep"]]], "table": {}, "nothing": None}
    path.write_text(json.dumps({"version": 1, "checkpoints": {"b": {"txt2img": {"steps": "4", **more}}}}))
    log = Log()
    _raises_nothing(path, log)
    assert log == []
    assert json.loads(path.read_text())["checkpoints"]["b"] == {"txt2img": {"steps": "4"}}


def test_a_name_that_json_cannot_write_is_logged(path: Path) -> None:
    log = Log()
    PanelMemory(path, log).put(("a", 1), "txt2img", VALUES)  # type: ignore[arg-type]
    assert len(log) == 1
    assert "can't be written (TypeError)" in log[0]
    assert files(path) == set()


def test_a_log_that_fails_is_no_fault_of_the_panel(path: Path) -> None:
    def cp1252(text: str) -> None:
        raise UnicodeEncodeError("cp1252", text, 0, 1, "character maps to <undefined>")

    path.write_bytes(b"{")
    memory = PanelMemory(path, cp1252)
    memory.put("a", "txt2img", VALUES)
    assert memory.get("a", "txt2img") == VALUES


def test_a_file_that_cannot_be_opened_is_left_as_it_is(path: Path, refusing: Callable[..., None]) -> None:
    """Another program holds it, or it is another user's: what it says may be whole."""
    PanelMemory(path).put("b", "txt2img", VALUES)
    before, log = path.read_bytes(), Log()
    refusing(Path, "read_bytes")
    _raises_nothing(path, log)
    assert "can't be read (Access is denied)" in log[0]
    assert files(path) == {path.name}
    with path.open("rb") as file:
        assert file.read() == before


def test_a_file_that_is_held_for_a_moment_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    PanelMemory(path).put("b", "txt2img", VALUES)
    held, real = [1, 2], Path.read_bytes

    def read_bytes(file: Path) -> bytes:
        if held:
            held.pop()
            raise PermissionError(errno.EACCES, "Access is denied")
        return real(file)

    monkeypatch.setattr(hypersd_files, "WINDOWS", True)
    monkeypatch.setattr(hypersd_files.time, "sleep", lambda _: None)
    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    log = Log()
    assert PanelMemory(path, log).get("b", "txt2img") == VALUES
    assert log == []


def test_a_file_that_is_held_for_a_moment_is_replaced(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held, real = [1, 2], os.replace

    def replace(draft: Any, target: Any) -> None:
        if held:
            held.pop()
            raise PermissionError(errno.EACCES, "Access is denied")
        real(draft, target)

    monkeypatch.setattr(hypersd_files, "WINDOWS", True)
    monkeypatch.setattr(hypersd_files.time, "sleep", lambda _: None)
    monkeypatch.setattr(os, "replace", replace)
    log = Log()
    PanelMemory(path, log).put("b", "txt2img", VALUES)
    assert PanelMemory(path).get("b", "txt2img") == VALUES
    assert log == []


def test_a_file_that_was_unreadable_and_is_taken_away_is_written_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.mkdir()
    log = Log()
    memory = PanelMemory(path, log)
    memory.put("a", "txt2img", VALUES)
    assert len(log) == 1
    path.rmdir()
    memory.put("a", "txt2img", VALUES | {"steps": "8"})
    assert PanelMemory(path).get("a", "txt2img") == VALUES | {"steps": "8"}


def test_a_broken_file_that_another_process_sets_aside_first_is_no_fault(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"{")
    real, log = Path.rename, Log()

    def rename(file: Path, target: Path) -> None:
        real(file, target)
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr(Path, "rename", rename)
    PanelMemory(path, log).put("a", "txt2img", VALUES)
    assert log == []
    assert PanelMemory(path).get("a", "txt2img") == VALUES


# Nothing piles up ---------------------------------------------------------------------------------------------------


def test_only_the_last_broken_files_are_kept(path: Path) -> None:
    memory = PanelMemory(path, Log())
    for number in range(MOST_ASIDE + 3):
        path.write_bytes(b"{" * (number + 1))
        os.utime(path, (1000 + number, 1000 + number))
        memory.get("a", "txt2img")
    kept = sorted(len(found.read_bytes()) for found in path.parent.iterdir())
    assert kept == [4, 5, 6, 7, 8]
    assert len(kept) == MOST_ASIDE


def test_drafts_of_processes_that_died_are_removed_and_those_at_work_left(path: Path) -> None:
    for name, age in (("dead", DRAFT_ABANDONED_S + 60), ("12345", DRAFT_ABANDONED_S + 60), ("alive", 0)):
        draft = path.with_name(f"{path.name}.{name}.tmp")
        draft.write_text("half")
        written = draft.stat().st_mtime - age
        os.utime(draft, (written, written))
    PanelMemory(path).put("a", "txt2img", VALUES)
    assert files(path) == {path.name, f"{path.name}.alive.tmp"}


def test_a_draft_is_never_written_through_a_link(
    path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = tmp_path_factory.mktemp("elsewhere") / "victim"
    victim.write_text("somebody's")
    monkeypatch.setattr(panel_memory.uuid, "uuid4", lambda: SimpleNamespace(hex="guessed0"))
    path.with_name(f"{path.name}.guessed0.tmp").symlink_to(victim)
    log = Log()
    _raises_nothing(path, log)
    assert victim.read_text() == "somebody's"


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
