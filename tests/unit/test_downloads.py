"""Downloads from a hub on this machine: what arrives, what is asked for, and what is told when it goes wrong."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests
from hub_server import HubServer, PublishedFile, closed_port, whole_lora

from lib_hypersd import files
from lib_hypersd.downloads import hub, job, part
from lib_hypersd.downloads.registry import KEPT, Downloads
from lib_hypersd.downloads.speed import SAMPLE_S, WINDOW_S, Speed
from lib_hypersd.downloads.state import Download
from lib_hypersd.models.catalog import BY_NAME, Variant
from lib_hypersd.text import amount

ROOT = Path(__file__).resolve().parents[2]
NAME = "Hyper-SD15-8steps-lora"
OTHER = "Hyper-SD15-4steps-lora"
FILE = f"{NAME}.safetensors"
TOKEN = "hf_a_secret_of_the_person"
CONTENT = whole_lora(600_000)
PATIENCE_S = 30
POLL_S = 0.002


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    with HubServer() as running:
        _use(running.url, monkeypatch)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield running


def _use(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As HF_ENDPOINT does, which huggingface_hub reads when it is imported."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    for module in ("constants", "file_download"):  # which of them counts differs with the version
        monkeypatch.setattr(f"huggingface_hub.{module}.HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "Lora"
    found.mkdir()
    return found


@pytest.fixture
def _no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a network drive whose server knows none."""

    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)


def _nothing() -> None:
    pass


def _left(folder: Path, file: PublishedFile) -> Path:
    """A part as an earlier process of this machine has left it."""
    return Path(part.part_name(str(folder / FILE), file.etag[:12], alone=True))


def _download(
    folder: Path, name: str = NAME, retry_s: Sequence[float] = (0, 0), registry: Downloads | None = None
) -> Download:
    """Start one, as after a restart, and wait for its end."""
    registry = registry or Downloads(retry_s=retry_s)
    ended = registry.join(registry.start(BY_NAME[name], str(folder), done=_nothing).id, PATIENCE_S)
    assert ended is not None
    assert not ended.active
    return ended


def _files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def _started(folder: Path, file: PublishedFile, registry: Downloads) -> Download:
    """One that the server holds back midway."""
    begun = registry.start(BY_NAME[NAME], str(folder), done=_nothing)
    assert file.reached.wait(PATIENCE_S)
    assert file.hold_at is not None
    sent = file.hold_at // hub.CHUNK_BYTES * hub.CHUNK_BYTES
    _when(registry, begun.id, lambda d: d.done_bytes == sent)
    return begun


def _when(registry: Downloads, id: str, so: Callable[[Download], bool]) -> None:
    """Wait for a state that is so: the download's thread is a few instructions behind the server."""
    _wait(lambda: (told := registry.get(id)) is not None and so(told))


def _wait(so: Callable[[], bool]) -> None:
    pause, end = threading.Event(), time.monotonic() + PATIENCE_S
    while not so():
        assert time.monotonic() < end
        pause.wait(POLL_S)


# What arrives ------------------------------------------------------------------------------------------------------


def test_a_whole_file_arrives_under_its_own_name(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT)
    ended = _download(folder)
    assert (ended.state, ended.done_bytes, ended.total_bytes) == ("done", len(CONTENT), len(CONTENT))
    assert ended.message == f"{FILE} is in the LoRA folder."
    assert _files(folder) == [FILE]
    assert (folder / FILE).read_bytes() == CONTENT


def test_the_file_is_there_when_done_is_called_and_the_state_comes_after(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT)
    registry = Downloads()
    seen: list[tuple[bool, str]] = []

    def done() -> None:
        told = registry.of(NAME)
        assert told is not None
        seen.append(((folder / FILE).exists(), told.state))

    registry.join(registry.start(BY_NAME[NAME], str(folder), done=done).id, PATIENCE_S)
    assert seen == [(True, "checking")]


def test_a_list_that_cannot_be_read_anew_is_told(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT)
    registry = Downloads()

    def done() -> None:
        raise RuntimeError

    ended = registry.join(registry.start(BY_NAME[NAME], str(folder), done=done).id, PATIENCE_S)
    assert ended is not None
    assert ended.state == "done"
    assert "refresh button" in ended.message


def test_nothing_half_is_ever_listed(server: HubServer, folder: Path) -> None:
    file = server.publish(NAME, CONTENT, hold_at=200_000)
    registry = Downloads()
    begun = _started(folder, file, registry)
    assert {Path(n).suffix for n in _files(folder)} == {".part", ".lock"}
    file.release()
    registry.join(begun.id, PATIENCE_S)
    assert _files(folder) == [FILE]


def test_the_token_goes_to_the_hub_and_to_nobody_else(
    server: HubServer, folder: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, "lib_hypersd")
    server.publish(NAME, CONTENT, cuts=[100_000])
    ended = _download(folder)
    assert {a.authorization for a in server.asked if a.server == "hub"} == {f"Bearer {TOKEN}"}
    assert [a.authorization for a in server.of("cdn")] == ["", ""]
    assert TOKEN not in f"{ended}{caplog.text}{capfd.readouterr()}"


def test_a_file_outside_large_file_storage(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT, large=False, etag="5d41402abc4b2a76b9719d911017c592")
    ended = _download(folder)
    assert ended.state == "done"
    assert "no SHA-256" in ended.message
    assert (folder / FILE).read_bytes() == CONTENT


# Once more, and again ----------------------------------------------------------------------------------------------


def test_a_broken_connection_is_taken_up_where_it_broke(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT, cuts=[300_000, 100_000])
    assert _download(folder).state == "done"
    assert server.ranges() == ["", "bytes=262144-", "bytes=327680-"]  # whole chunks of 64 KiB
    assert (folder / FILE).read_bytes() == CONTENT


def test_a_connection_that_keeps_breaking_is_given_up_and_the_part_kept(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT, cuts=[300_000, 0, 0, 0, 0])
    ended = _download(folder, retry_s=(0, 0))
    assert ended.state == "failed"
    assert "broke; try again (what has come is kept)" in ended.message
    assert len(server.ranges()) == 3  # the first, and two that bring nothing
    assert [Path(n).suffix for n in _files(folder)] == [".part"]


def test_pauses_begin_anew_once_bytes_have_come(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT, cuts=[70_000] * 6)
    assert _download(folder, retry_s=(0,)).state == "done"


def test_a_restart_goes_on_with_the_part(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT, cuts=[300_000])
    assert _download(folder, retry_s=()).state == "failed"
    ended = _download(folder)
    assert (ended.state, server.ranges()[1:]) == ("done", ["bytes=262144-"])
    assert (folder / FILE).read_bytes() == CONTENT


def test_a_part_that_is_complete_is_only_checked(server: HubServer, folder: Path) -> None:
    file = server.publish(NAME, CONTENT)
    _left(folder, file).write_bytes(CONTENT)
    ended = _download(folder)
    assert (ended.state, ended.done_bytes, ended.total_bytes) == ("done", len(CONTENT), len(CONTENT))
    assert server.ranges() == []


def test_a_part_of_another_version_is_not_used_and_goes(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT)
    (folder / f"{FILE}.0123456789ab.part").write_bytes(CONTENT[:300_000])
    assert _download(folder).state == "done"
    assert server.ranges() == [""]
    assert _files(folder) == [FILE]


def test_a_part_larger_than_the_file_is_begun_anew(server: HubServer, folder: Path) -> None:
    file = server.publish(NAME, CONTENT)
    _left(folder, file).write_bytes(CONTENT + b"more")
    assert _download(folder).state == "done"
    assert server.ranges() == [""]


def test_a_server_without_ranges_sends_all_again(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT, cuts=[300_000], ranges=False)
    assert _download(folder).state == "done"
    assert server.ranges() == ["", "bytes=262144-"]
    assert (folder / FILE).read_bytes() == CONTENT


# What is wrong never gets the file's name --------------------------------------------------------------------------


def test_a_wrong_hash_is_removed_and_told(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT, etag="0" * 64)
    ended = _download(folder)
    assert ended.state == "failed"
    assert "another SHA-256" in ended.message
    assert _files(folder) == []


def test_the_hash_is_of_the_resumed_part_too(server: HubServer, folder: Path) -> None:
    file = server.publish(NAME, CONTENT)
    spoilt = _left(folder, file)
    spoilt.write_bytes(b"?" + CONTENT[1:300_000])
    assert _download(folder).state == "failed"
    assert server.ranges() == ["bytes=300000-"]
    assert _files(folder) == []


def test_what_is_no_safetensors_file_is_removed_where_no_hash_is_told(server: HubServer, folder: Path) -> None:
    server.publish(NAME, b"<html>Please log in</html>" * 400, large=False, etag="5d41402abc4b2a76b9719d911017c592")
    ended = _download(folder)
    assert ended.state == "failed"
    assert "truncated or not a safetensors file" in ended.message
    assert _files(folder) == []


@pytest.mark.parametrize("told", [len(CONTENT) - 1000, len(CONTENT) + 1000])
def test_a_file_of_another_size_than_told(server: HubServer, folder: Path, told: int) -> None:
    server.publish(NAME, CONTENT, told_size=told)
    ended = _download(folder)
    assert ended.state == "failed"
    assert FILE not in _files(folder)


# What is there already ---------------------------------------------------------------------------------------------


def test_a_whole_file_is_left_alone(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT)
    mine = whole_lora(5_000, filling=1)
    (folder / FILE).write_bytes(mine)
    ended = _download(folder)
    assert (ended.state, ended.message) == ("done", f"{FILE} is in the LoRA folder already.")
    assert (folder / FILE).read_bytes() == mine
    assert server.asked == []


def test_a_damaged_file_stays_until_the_new_one_is_whole(server: HubServer, folder: Path) -> None:
    file = server.publish(NAME, CONTENT, hold_at=300_000)
    (folder / FILE).write_bytes(CONTENT[:1000])
    registry = Downloads()
    begun = _started(folder, file, registry)
    assert (folder / FILE).read_bytes() == CONTENT[:1000]
    file.release()
    registry.join(begun.id, PATIENCE_S)
    assert (folder / FILE).read_bytes() == CONTENT


def test_a_damaged_file_survives_a_failed_download(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT, etag="0" * 64)
    (folder / FILE).write_bytes(CONTENT[:1000])
    assert _download(folder).state == "failed"
    assert _files(folder) == [FILE]


# Room --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "free", "state"),
    [(0, 600_000, "failed"), (0, 10**9, "done"), (400_000, 260_000, "done"), (300_000, 260_000, "failed")],
)
def test_room_is_looked_for_first_and_the_part_counts(
    server: HubServer, folder: Path, monkeypatch: pytest.MonkeyPatch, part: int, free: int, state: str
) -> None:
    content = whole_lora(650_000)
    file = server.publish(NAME, content)
    if part:
        _left(folder, file).write_bytes(content[:part])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**12, 10**12 - free, free))
    ended = _download(folder)
    assert ended.state == state
    if state == "failed":
        assert f"takes {amount(len(content) - part)} on the LoRA folder's disk" in ended.message
        assert f"only {amount(free)} are free" in ended.message
        assert server.ranges() == []
        assert len(_files(folder)) == (1 if part else 0)


class _FullDisk:
    """A file on a disk with room for 200,000 bytes."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.file = open(*arguments, **named)  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> _FullDisk:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def write(self, data: bytes) -> int:
        if self.file.tell() + len(data) > 200_000:
            raise OSError(errno.ENOSPC, "No space left on device", "/a/path")
        return int(self.file.write(data))


def test_a_disk_that_fills_up_is_told_and_the_part_removed(
    server: HubServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.publish(NAME, CONTENT)
    monkeypatch.setattr(job, "open", _FullDisk, raising=False)
    ended = _download(folder)
    assert ended.state == "failed"
    assert f"takes {amount(len(CONTENT))}" in ended.message
    assert "the disk is full" in ended.message
    assert _files(folder) == []


def test_a_folder_that_cannot_be_written(server: HubServer, tmp_path: Path) -> None:
    server.publish(NAME, CONTENT)
    (tmp_path / "a file").write_text("no folder")
    ended = _download(tmp_path / "a file" / "Lora")
    assert ended.state == "failed"
    assert "the LoRA folder can't be written" in ended.message
    assert str(tmp_path) not in ended.message


def test_a_webui_without_a_lora_folder(server: HubServer) -> None:
    registry = Downloads()
    ended = registry.join(registry.start(BY_NAME[NAME], "", done=_nothing).id, PATIENCE_S)
    assert ended is not None
    assert "no LoRA folder" in ended.message


# The hub says no, or nothing ---------------------------------------------------------------------------------------


def _assert_helps(ended: Download, said: str) -> None:
    assert ended.state == "failed"
    assert said in ended.message
    assert "by hand from https://huggingface.co/ByteDance/Hyper-SD and put it into the LoRA folder" in ended.message
    assert "secret" not in ended.message


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "refuses access (401)"), (403, "HF_TOKEN"), (404, "has no such file"), (503, "error 503; try again later")],
)
def test_an_error_of_the_hub(server: HubServer, folder: Path, status: int, said: str) -> None:
    server.publish(NAME, CONTENT, status=status)
    _assert_helps(_download(folder), said)
    assert _files(folder) == []


@pytest.mark.parametrize("status", [403, 404, 416])
def test_an_error_of_the_cdn(server: HubServer, folder: Path, status: int) -> None:
    server.publish(NAME, CONTENT, cdn_status=status)
    _assert_helps(_download(folder), str(status))
    assert len(server.ranges()) == 1  # no use in trying again


def test_a_passing_error_of_the_cdn_is_tried_again(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT, cdn_status=503)
    _assert_helps(_download(folder, retry_s=(0, 0)), "error 503")
    assert len(server.ranges()) == 3


def test_no_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []  # by huggingface_hub, which in some versions would go on asking for half a minute
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", lambda url, **_: asked.append(url), raising=False)
    with closed_port() as url:
        _use(url, monkeypatch)
        _assert_helps(_download(folder), "127.0.0.1 can't be reached from this machine")
    assert asked == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (requests.ReadTimeout("https://hub/?signature=secret"), "did not answer in time"),
        (requests.exceptions.SSLError("secret"), "can't be reached"),
        (requests.exceptions.ProxyError("secret"), "can't be reached"),
    ],
)
def test_a_request_that_gets_no_answer(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def request(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(requests.Session, "request", request)
    _assert_helps(_download(folder), said)


def test_an_answer_that_is_not_the_hubs(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT, etag="-", large=False)
    server.files[NAME].etag = ""
    _assert_helps(_download(folder), "a proxy or a login page")


def test_offline_mode(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    _assert_helps(_download(folder), "HF_HUB_OFFLINE")


def test_a_missing_package(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    _assert_helps(_download(folder), "huggingface_hub is missing")


def _process(server: HubServer, folder: Path) -> subprocess.Popen[str]:
    """A download in a process of its own, which prints the state in which it ends."""
    told = (
        "import sys; from lib_hypersd.models.catalog import BY_NAME;"
        "from lib_hypersd.downloads.registry import registry as d;"
        f"print(d.join(d.start(BY_NAME[{NAME!r}], sys.argv[1], done=lambda: None).id).state)"
    )
    environment = {**os.environ, "HF_ENDPOINT": server.url, "HF_TOKEN": TOKEN}
    command = [sys.executable, "-c", told, str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment)


def test_hf_endpoint_and_token_come_from_the_environment(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT)
    assert _process(server, folder).communicate(timeout=PATIENCE_S)[0].strip() == "done"
    assert {a.authorization for a in server.of("hub")} == {f"Bearer {TOKEN}"}
    assert (folder / FILE).read_bytes() == CONTENT


def test_a_killed_process_leaves_a_part_to_go_on_with(server: HubServer, folder: Path) -> None:
    file = server.publish(NAME, CONTENT, hold_at=300_000)
    with _process(server, folder) as process:
        try:
            assert file.reached.wait(PATIENCE_S)
            _wait(lambda: [p.stat().st_size for p in folder.glob("*.part")] == [262_144])
        finally:
            process.kill()
    file.release()
    assert _download(folder).state == "done"
    assert server.ranges() == ["", "bytes=262144-"]
    assert (folder / FILE).read_bytes() == CONTENT


# Cancelled ---------------------------------------------------------------------------------------------------------


def test_cancel_counts_at_once_and_takes_the_part_away(server: HubServer, folder: Path) -> None:
    file = server.publish(NAME, CONTENT, hold_at=300_000)
    registry = Downloads()
    begun = _started(folder, file, registry)
    cancelled = registry.cancel(begun.id)
    assert cancelled is not None
    assert cancelled.state == "cancelled"
    file.release()
    ended = registry.join(begun.id, PATIENCE_S)
    assert ended is not None
    assert (ended.state, _files(folder)) == ("cancelled", [])


def test_cancel_during_a_pause(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT, cuts=[100_000, 100_000])
    registry = Downloads(retry_s=(PATIENCE_S * 10,))
    begun = registry.start(BY_NAME[NAME], str(folder), done=_nothing)
    _when(registry, begun.id, lambda d: "connection broke" in d.message)
    registry.cancel(begun.id)
    ended = registry.join(begun.id, PATIENCE_S)
    assert ended is not None
    assert (ended.state, _files(folder)) == ("cancelled", [])


def test_cancel_while_the_hub_is_silent_takes_an_old_part_away_too(
    server: HubServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.publish(NAME, CONTENT, cuts=[300_000])
    assert _download(folder, retry_s=()).state == "failed"
    registry = Downloads()

    def look_up(_: object) -> None:
        told = registry.of(NAME)
        assert told is not None
        registry.cancel(told.id)
        raise hub.HubError("silent")

    monkeypatch.setattr(hub, "look_up", look_up)
    assert _download(folder, registry=registry).state == "cancelled"
    assert _files(folder) == []


def test_cancelled_at_the_last_moment_no_file_appears(
    server: HubServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.publish(NAME, CONTENT)
    registry = Downloads()

    def fsync(_: int) -> None:
        told = registry.of(NAME)
        assert told is not None
        registry.cancel(told.id)

    monkeypatch.setattr(os, "fsync", fsync)
    assert _download(folder, registry=registry).state == "cancelled"
    assert _files(folder) == []


def test_cancel_after_the_rename_comes_too_late(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT)
    registry = Downloads()

    def done() -> None:
        told = registry.of(NAME)
        assert told is not None
        registry.cancel(told.id)

    ended = registry.join(registry.start(BY_NAME[NAME], str(folder), done=done).id, PATIENCE_S)
    assert ended is not None
    assert ended.state == "done"
    again = registry.cancel(ended.id)
    assert again is not None
    assert (again.state, _files(folder)) == ("done", [FILE])


def test_started_anew_after_cancel_it_waits_for_the_first_ones_end(
    server: HubServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = server.publish(NAME, CONTENT, hold_at=300_000)
    registry = Downloads()
    begun = _started(folder, file, registry)
    registry.cancel(begun.id)
    threads: list[str] = []
    look_up = hub.look_up

    def noting(variant: Variant) -> hub.RemoteFile:
        threads.extend(t.name for t in threading.enumerate() if t.name == f"download {NAME}")
        return look_up(variant)

    monkeypatch.setattr(hub, "look_up", noting)
    again = registry.start(BY_NAME[NAME], str(folder), done=_nothing)
    assert again.id != begun.id
    assert again.state == "waiting"
    file.release()
    ended = registry.join(again.id, PATIENCE_S)
    assert ended is not None
    assert ended.state == "done"
    assert len(threads) == 1
    assert (folder / FILE).read_bytes() == CONTENT


# One of each file --------------------------------------------------------------------------------------------------


def test_one_download_of_a_file_but_different_files_side_by_side(server: HubServer, folder: Path) -> None:
    file = server.publish(NAME, CONTENT, hold_at=300_000)
    server.publish(OTHER, CONTENT)
    registry = Downloads()
    begun = _started(folder, file, registry)
    assert registry.start(BY_NAME[NAME], str(folder), done=_nothing).id == begun.id
    assert _download(folder, OTHER, registry=registry).state == "done"
    still = registry.of(NAME)
    assert still is not None
    assert (still.id, still.state) == (begun.id, "running")
    file.release()
    registry.join(begun.id, PATIENCE_S)


def test_two_webuis_that_share_a_folder(server: HubServer, folder: Path) -> None:
    file = server.publish(NAME, CONTENT, hold_at=300_000)
    mine, theirs = Downloads(), Downloads()
    begun = _started(folder, file, theirs)
    ended = _download(folder, registry=mine)
    assert ended.state == "failed"
    assert "by another WebUI" in ended.message
    file.release()
    theirs.join(begun.id, PATIENCE_S)
    assert (folder / FILE).read_bytes() == CONTENT


@pytest.mark.usefixtures("_no_locks")
def test_a_folder_without_locks(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT, cuts=[300_000])
    assert _download(folder).state == "done"
    assert (folder / FILE).read_bytes() == CONTENT
    assert _files(folder) == [FILE]


def _writing(folder: Path, file: PublishedFile, registry: Downloads) -> Download:
    """A download that is held midway, while those that begin after it go on."""
    begun = _started(folder, file, registry)
    file.hold_at = None
    return begun


@pytest.mark.usefixtures("_no_locks")
def test_two_writers_without_locks_leave_the_published_file(server: HubServer, folder: Path) -> None:
    file = server.publish(NAME, CONTENT, hold_at=300_000)
    first, second = Downloads(), Downloads()
    begun = _writing(folder, file, first)
    assert _download(folder, registry=second).message == f"{FILE} is in the LoRA folder."
    file.release()
    ended = first.join(begun.id, PATIENCE_S)
    assert ended is not None
    assert (ended.state, ended.message) == ("done", f"{FILE} is in the LoRA folder already.")
    assert (ended.done_bytes, ended.total_bytes) == (len(CONTENT), len(CONTENT))
    assert (folder / FILE).read_bytes() == CONTENT
    assert _files(folder) == [FILE]


@pytest.mark.usefixtures("_no_locks")
def test_a_writer_that_is_still_at_work_keeps_its_part_to_itself(server: HubServer, folder: Path) -> None:
    """The second one begins with what has come, and fails: the first one finishes as if it were alone."""
    file = server.publish(NAME, CONTENT, hold_at=300_000)
    first = Downloads()
    begun = _writing(folder, file, first)
    file.cuts = [70_000, 0]
    assert _download(folder, retry_s=()).state == "failed"
    assert server.ranges() == ["", "bytes=262144-"]
    assert sorted(p.stat().st_size for p in folder.glob("*.part")) == [262_144, 327_680]
    file.release()
    ended = first.join(begun.id, PATIENCE_S)
    assert ended is not None
    assert ended.message == f"{FILE} is in the LoRA folder."
    assert (folder / FILE).read_bytes() == CONTENT
    assert _files(folder) == [FILE]


def test_a_part_is_never_written_by_two_where_one_of_them_sees_no_locks(
    server: HubServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that could not lock, as by the rights of another user, is not taken for gone by one that can."""
    file = server.publish(NAME, CONTENT, hold_at=300_000)
    first = Downloads()
    with monkeypatch.context() as without:
        without.setattr(part, "_acquired", lambda _: (None, "none"))
        begun = _writing(folder, file, first)
    assert _download(folder).state == "done"
    file.release()
    first.join(begun.id, PATIENCE_S)
    assert (folder / FILE).read_bytes() == CONTENT


@pytest.mark.usefixtures("_no_locks")
def test_parts_of_processes_that_are_gone_do_not_pile_up(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT, cuts=[70_000] * 9)
    for _ in range(3):
        assert _download(folder, retry_s=()).state == "failed"
        for left in folder.glob("*.part"):
            past = left.stat().st_mtime - part.ABANDONED_S - 1
            os.utime(left, (past, past))
    assert len(_files(folder)) == 2  # the last one, and the one that it began with
    assert server.ranges() == ["", "bytes=65536-", "bytes=131072-"]


def test_with_locks_one_part_is_gone_on_with_again_and_again(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT, cuts=[70_000] * 3)
    for _ in range(3):
        assert _download(folder, retry_s=()).state == "failed"
        assert len(_files(folder)) == 1
    assert server.ranges() == ["", "bytes=65536-", "bytes=131072-"]


def test_a_part_of_version_0_2_0_is_gone_on_with(server: HubServer, folder: Path) -> None:
    file = server.publish(NAME, CONTENT)
    (folder / f"{FILE}.{file.etag[:12]}.part").write_bytes(CONTENT[:300_000])
    assert _download(folder).state == "done"
    assert server.ranges() == ["bytes=300000-"]
    assert _files(folder) == [FILE]


def test_a_spoilt_part_of_another_process_is_not_begun_with_twice(server: HubServer, folder: Path) -> None:
    file = server.publish(NAME, CONTENT)
    (folder / f"{FILE}.{file.etag[:12]}.part").write_bytes(b"?" + CONTENT[1:300_000])
    assert _download(folder).state == "failed"
    assert _download(folder).state == "done"
    assert (folder / FILE).read_bytes() == CONTENT


def test_a_lock_that_was_removed_while_one_waited_for_it_is_none(
    server: HubServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that held it removes the file; a third process may have made a new one by now."""
    server.publish(NAME, CONTENT)
    flock = fcntl.flock

    def slow(descriptor: int, operation: int) -> None:
        (folder / f"{FILE}.lock").unlink()
        monkeypatch.setattr("fcntl.flock", flock)
        flock(descriptor, operation)

    monkeypatch.setattr("fcntl.flock", slow)
    assert "by another WebUI" in _download(folder).message
    assert _download(folder).state == "done"


def test_a_part_that_somebody_removes_is_begun_anew(server: HubServer, folder: Path) -> None:
    file = server.publish(NAME, CONTENT, hold_at=300_000, cuts=[400_000])
    registry = Downloads(retry_s=(0,))
    begun = _writing(folder, file, registry)
    for left in folder.glob("*.part"):
        left.unlink()
    file.release()
    ended = registry.join(begun.id, PATIENCE_S)
    assert ended is not None
    assert ended.state == "done"
    assert (folder / FILE).read_bytes() == CONTENT


def test_a_part_that_is_removed_while_the_connection_is_made_leaves_no_hole(
    server: HubServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.publish(NAME, CONTENT, cuts=[300_000])
    opened = hub.opened

    def removing(remote: hub.RemoteFile, start: int) -> Any:
        for left in folder.glob("*.part") if start else ():
            left.unlink()
        return opened(remote, start)

    monkeypatch.setattr(hub, "opened", removing)
    assert _download(folder).state == "done"
    assert server.ranges() == ["", "bytes=262144-", ""]
    assert (folder / FILE).read_bytes() == CONTENT


def test_a_part_that_is_removed_at_the_last_moment_is_named(
    server: HubServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.publish(NAME, CONTENT)
    monkeypatch.setattr(os, "fsync", lambda _: [left.unlink() for left in folder.glob("*.part")])
    ended = _download(folder)
    assert ended.state == "failed"
    assert "another program has removed what had come; try again" in ended.message
    assert _files(folder) == []


def test_a_folder_that_is_written_with_other_slashes_has_the_same_parts(server: HubServer, folder: Path) -> None:
    """As "C:/loras/", which the system's listing gives back as "C:\\loras"."""
    server.publish(NAME, CONTENT, cuts=[300_000])
    registry = Downloads(retry_s=())
    for state in ("failed", "done"):
        ended = registry.join(registry.start(BY_NAME[NAME], f"{folder}//", done=_nothing).id, PATIENCE_S)
        assert ended is not None
        assert ended.state == state
    assert server.ranges() == ["", "bytes=262144-"]
    assert _files(folder) == [FILE]


# Windows -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def held_open(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What Windows refuses: to rename a file that a virus scanner has open, as many times as the list has entries."""
    times, replace = [1], os.replace

    def refusing(source: str, target: str) -> None:
        if times:
            times.pop()
            raise PermissionError(errno.EACCES, "The process cannot access the file")
        replace(source, target)

    monkeypatch.setattr(files, "WINDOWS", True)
    monkeypatch.setattr(files.time, "sleep", lambda _: None)
    monkeypatch.setattr(os, "replace", refusing)
    return times


def test_a_file_that_a_scanner_holds_for_a_moment_is_put_in_place(
    server: HubServer, folder: Path, held_open: list[int]
) -> None:
    server.publish(NAME, CONTENT)
    held_open[:] = [1] * len(files.PAUSES_S)
    assert _download(folder).state == "done"
    assert (folder / FILE).read_bytes() == CONTENT


def test_a_file_that_stays_held_is_named_and_kept_for_the_next_time(
    server: HubServer, folder: Path, held_open: list[int]
) -> None:
    server.publish(NAME, CONTENT)
    held_open[:] = [1] * (len(files.PAUSES_S) + 1)
    _assert_helps(_download(folder), "another program, such as a virus scanner or a WebUI, has the file open")
    assert _download(folder).state == "done"
    assert server.ranges() == [""]
    assert _files(folder) == [FILE]


def test_what_this_user_may_not_replace_elsewhere_is_named_at_once(
    server: HubServer, folder: Path, held_open: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.publish(NAME, CONTENT)
    monkeypatch.setattr(files, "WINDOWS", False)
    _assert_helps(_download(folder), "the LoRA folder can't be written (The process cannot access the file)")
    assert held_open == []


@pytest.mark.parametrize("windows", [True, False])
def test_a_path_that_is_too_long_for_windows_is_called_that(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, windows: bool
) -> None:
    """Windows says that there is no such file."""
    server.publish(NAME, CONTENT)
    folder = tmp_path / ("l" * 120) / ("o" * 120)
    folder.mkdir(parents=True)

    def refusing(path: Any, *args: Any, **kwargs: Any) -> Any:
        if len(str(path)) > files.LONGEST_PATH:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        return open(path, *args, **kwargs)  # noqa: SIM115 - whoever calls it closes it

    monkeypatch.setattr(files, "WINDOWS", windows)
    monkeypatch.setattr(part, "open", refusing, raising=False)
    _assert_helps(_download(folder), "is longer than Windows takes" if windows else "No such file or directory")


def test_unknown_ids_and_names() -> None:
    registry = Downloads()
    assert (registry.get("x"), registry.cancel("x"), registry.join("x"), registry.of(NAME)) == (None,) * 4


def test_old_downloads_are_forgotten(folder: Path) -> None:
    (folder / FILE).write_bytes(whole_lora(5_000))
    registry = Downloads()
    ids = [_download(folder, registry=registry).id for _ in range(KEPT + 5)]
    assert registry.get(ids[0]) is None
    assert registry.get(ids[-1]) is not None


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(), MemoryError()])
def test_a_crash_never_leaves_it_running(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    def look_up(_: object) -> None:
        raise error

    monkeypatch.setattr(hub, "look_up", look_up)
    ended = _download(folder)
    assert ended.state == "failed"
    assert type(error).__name__ in ended.message


def test_no_thread_to_be_had(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    assert _download(folder).state == "failed"


# Figures -----------------------------------------------------------------------------------------------------------


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_speed_is_an_average_over_the_last_seconds() -> None:
    clock = _Clock()
    speed = Speed(clock)
    speed.note(5_000_000, anew=True)  # a part of before counts for no speed
    assert speed.bytes_per_second() == 0
    for second in range(1, 31):
        clock.now = second
        speed.note(5_000_000 + 1_000_000 * min(second, 20) + 3_000_000 * max(0, second - 20))
    assert speed.bytes_per_second() == 3_000_000
    clock.now += WINDOW_S
    assert speed.bytes_per_second() == 0  # nothing came lately


def test_speed_does_not_gather_samples() -> None:
    clock = _Clock()
    speed = Speed(clock)
    for tick in range(100_000):
        clock.now = tick / 1000
        speed.note(tick)
    assert len(speed._samples) <= WINDOW_S / SAMPLE_S + 2


def test_speed_and_time_left_of_a_download(server: HubServer, folder: Path) -> None:
    file = server.publish(NAME, CONTENT, hold_at=327_680)
    clock = _Clock()
    registry = Downloads(clock)
    begun = _started(folder, file, registry)
    assert begun.total_bytes == BY_NAME[NAME].size  # until the hub has told
    clock.now = 2.0
    told = registry.get(begun.id)
    assert told is not None
    assert told.total_bytes == len(CONTENT)
    assert told.bytes_per_second == 163_840
    assert told.seconds_left == pytest.approx((len(CONTENT) - 327_680) / 163_840)
    file.release()
    ended = registry.join(begun.id, PATIENCE_S)
    assert ended is not None
    assert (ended.bytes_per_second, ended.seconds_left) == (0, None)


@pytest.mark.parametrize(("ranges", "hold_at"), [(True, 458_752), (False, 131_072)])
def test_what_had_come_before_counts_for_no_speed(server: HubServer, folder: Path, ranges: bool, hold_at: int) -> None:
    file = server.publish(NAME, CONTENT, ranges=ranges, hold_at=hold_at)
    _left(folder, file).write_bytes(CONTENT[:327_680])
    clock = _Clock()
    registry = Downloads(clock)
    begun = _started(folder, file, registry)
    clock.now = 2.0
    told = registry.get(begun.id)
    assert told is not None
    assert (told.done_bytes, told.bytes_per_second) == (hold_at, 65_536)
    file.release()
    registry.join(begun.id, PATIENCE_S)


@pytest.mark.parametrize(
    ("size", "told"), [(1_390_000_000, "1.39 GB"), (787_000_000, "787 MB"), (64_000, "64 kB"), (12, "12 bytes")]
)
def test_sizes_for_people(size: int, told: str) -> None:
    assert amount(size) == told


def test_hooks_do_not_pay_for_downloads() -> None:
    names = ("huggingface_hub", "filelock", "requests", "httpx", "gradio", "modules", "torch")
    told = f"import sys, lib_hypersd.downloads.registry; print([m for m in {names} if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", told], cwd=ROOT, text=True).strip() == "[]"
