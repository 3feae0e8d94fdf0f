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

from lib_hypersd.downloads.job import Download
from lib_hypersd.downloads.registry import Downloads
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


def _part(server: HubServer, folder: Path) -> Path:
    return folder / f"{FILE}.{server.files[NAME].etag[:12]}.part"


# Links in the folder -----------------------------------------------------------------------------------------------


def test_a_link_in_the_parts_place_is_not_written_through(server: HubServer, folder: Path, victim: Path) -> None:
    server.publish(NAME, CONTENT)
    _part(server, folder).symlink_to(victim)
    ended = _download(folder)
    assert ended.state == "failed"
    assert f"{_part(server, folder).name} is no plain file" in ended.message
    assert str(folder.parent) not in ended.message
    assert victim.read_bytes() == SECRET
    assert not (folder / FILE).exists()


def test_nor_is_one_that_leads_to_nothing(server: HubServer, folder: Path, tmp_path: Path) -> None:
    server.publish(NAME, CONTENT)
    _part(server, folder).symlink_to(tmp_path / "new")
    assert _download(folder).state == "failed"
    assert not (tmp_path / "new").exists()


def test_a_pipe_in_the_parts_place_holds_nothing_up(server: HubServer, folder: Path) -> None:
    server.publish(NAME, CONTENT)
    os.mkfifo(_part(server, folder))
    assert _download(folder).state == "failed"


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
