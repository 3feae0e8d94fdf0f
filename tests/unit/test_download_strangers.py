"""Downloads against a hub, a folder or a network that means harm: links in the folder, and where redirects lead."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import requests
from hub_server import HubServer, whole_lora
from requests.adapters import HTTPAdapter

from lib_hypersd.downloads import part
from lib_hypersd.downloads.registry import Downloads
from lib_hypersd.downloads.state import Download
from lib_hypersd.models.catalog import BY_NAME

NAME = "Hyper-SD15-8steps-lora"
FILE = f"{NAME}.safetensors"
CONTENT = whole_lora(200_000)
SECRET = b"the person's own file, which nobody may touch"
TOKEN = "hf_a_secret_of_the_person"
HUB, CDN = "https://hub.test", "https://cdn.test"
PATIENCE_S = 30


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with HubServer() as running:
        _use(running.url, monkeypatch)
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "Lora"
    found.mkdir()
    return found


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file outside the LoRA folder."""
    file = tmp_path / "victim"
    file.write_bytes(SECRET)
    return file


def _use(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    for module in ("constants", "file_download"):  # which of them counts differs with the version
        monkeypatch.setattr(f"huggingface_hub.{module}.HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)


def _download(folder: Path) -> Download:
    registry = Downloads(retry_s=())
    ended = registry.join(registry.start(BY_NAME[NAME], str(folder), done=lambda: None).id, PATIENCE_S)
    assert ended is not None
    assert not ended.active
    return ended


PART = "{file}.{etag}.part", "{file}.lock"
"""Names of what this extension writes, for a link that somebody plants: a part of version 0.2.0, and the lock."""


def _planted(server: HubServer, folder: Path, name: str) -> Path:
    return folder / name.format(file=FILE, etag=server.files[NAME].etag[:12])


# Links in the folder -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PART)
def test_a_link_is_neither_written_through_nor_removed(
    server: HubServer, folder: Path, victim: Path, name: str
) -> None:
    server.publish(NAME, CONTENT)
    link = _planted(server, folder, name)
    link.symlink_to(victim)
    assert _download(folder).state == "done"
    assert victim.read_bytes() == SECRET
    assert link.is_symlink()
    assert (folder / FILE).read_bytes() == CONTENT


@pytest.mark.parametrize("name", PART)
def test_nor_is_one_that_leads_to_nothing(server: HubServer, folder: Path, tmp_path: Path, name: str) -> None:
    server.publish(NAME, CONTENT)
    _planted(server, folder, name).symlink_to(tmp_path / "new")
    assert _download(folder).state == "done"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", PART)
def test_a_pipe_in_its_place_holds_nothing_up(server: HubServer, folder: Path, name: str) -> None:
    server.publish(NAME, CONTENT)
    os.mkfifo(_planted(server, folder, name))
    assert _download(folder).state == "done"


def test_a_file_of_somebodys_that_is_called_like_the_lock_keeps_its_content(
    server: HubServer, folder: Path, victim: Path
) -> None:
    server.publish(NAME, CONTENT)
    lock = folder / f"{FILE}.lock"
    os.link(victim, lock)
    assert _download(folder).state == "done"
    assert (victim.read_bytes(), lock.read_bytes()) == (SECRET, SECRET)


def test_a_part_is_made_anew_and_never_through_a_link(
    server: HubServer, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where somebody has guessed its name."""
    server.publish(NAME, CONTENT)
    guessed = folder / f"{FILE}.guessed.part"
    guessed.symlink_to(tmp_path / "new")
    monkeypatch.setattr(part, "part_name", lambda *_, **__: str(guessed))
    ended = _download(folder)
    assert ended.state == "failed"
    assert str(folder.parent) not in ended.message
    assert not (tmp_path / "new").exists()


def test_links_named_like_old_parts_are_left_alone(server: HubServer, folder: Path, victim: Path) -> None:
    server.publish(NAME, CONTENT)
    old = folder / f"{FILE}.000000000000.part"
    old.symlink_to(victim)
    dangling = folder / f"{FILE}.111111111111.part"
    dangling.symlink_to(victim.with_name("new"))
    assert _download(folder).state == "done"
    assert victim.read_bytes() == SECRET
    assert not victim.with_name("new").exists()


def test_a_link_in_the_files_place_is_replaced_and_not_followed(server: HubServer, folder: Path, victim: Path) -> None:
    server.publish(NAME, CONTENT)
    (folder / FILE).symlink_to(victim)  # no safetensors file: damaged
    assert _download(folder).state == "done"
    assert not (folder / FILE).is_symlink()
    assert (folder / FILE).read_bytes() == CONTENT
    assert victim.read_bytes() == SECRET


def test_a_whole_file_on_another_drive_stays_linked(server: HubServer, folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "other drive.safetensors"
    elsewhere.write_bytes(CONTENT)
    (folder / FILE).symlink_to(elsewhere)
    ended = _download(folder)
    assert (ended.state, ended.message) == ("done", f"{FILE} is in the LoRA folder already.")
    assert (folder / FILE).is_symlink()
    assert server.asked == []


def test_a_linked_folder_is_written_into(server: HubServer, folder: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    linked.symlink_to(folder)
    server.publish(NAME, CONTENT)
    assert _download(linked).state == "done"
    assert (folder / FILE).read_bytes() == CONTENT


# Where redirects lead ----------------------------------------------------------------------------------------------


class _Encrypted(HTTPAdapter):
    """Stands in for TLS: what is asked of an https address is answered by a server of this machine."""

    def __init__(self, addresses: dict[str, str]) -> None:
        super().__init__()
        self._addresses = addresses

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        asked = str(request.url)
        for encrypted, plain in self._addresses.items():
            request.url = str(request.url).replace(encrypted, plain)
        response = super().send(request, *args, **kwargs)
        request.url = response.url = asked
        return response


@pytest.fixture
def encrypted(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """The hub and its CDN by https, as the real ones are."""

    def session() -> requests.Session:
        made = requests.Session()
        made.mount("https://", _Encrypted({HUB: server.url, CDN: server.cdn_url}))
        return made

    _use(HUB, monkeypatch)
    huggingface_hub.configure_http_backend(session)
    yield server
    huggingface_hub.configure_http_backend()


def test_the_hub_may_lead_to_another_host(encrypted: HubServer, folder: Path) -> None:
    encrypted.publish(NAME, CONTENT, location=f"{CDN}/blob/{NAME}")
    assert _download(folder).state == "done"
    assert {a.authorization for a in encrypted.of("cdn")} == {""}


def test_but_not_to_one_without_encryption(encrypted: HubServer, folder: Path) -> None:
    encrypted.publish(NAME, CONTENT)  # its CDN is a plain http address
    ended = _download(folder)
    assert ended.state == "failed"
    assert "hub.test leads to an address without encryption" in ended.message
    assert list(folder.iterdir()) == []
    assert {a.authorization for a in encrypted.of("cdn")} == {""}


@pytest.mark.parametrize("scheme", ["file://", "ftp://127.0.0.1", "data:,"])
def test_nor_to_a_file_of_this_machine(server: HubServer, folder: Path, victim: Path, scheme: str) -> None:
    server.publish(NAME, SECRET, location=f"{scheme}{victim}")
    ended = _download(folder)
    assert ended.state == "failed"
    assert str(victim) not in ended.message
    assert list(folder.iterdir()) == []
