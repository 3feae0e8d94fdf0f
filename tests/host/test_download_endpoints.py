"""Downloads by the API of a running WebUI, from a hub on this machine into its LoRA folder."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hub_server import HubServer
from live.client import Client
from live.runner import Session
from live.server import PROJECT, miniwebui
from live.target import Target

NAME = "Hyper-SD15-4steps-lora"
ENDPOINT = "/hypersd/v1/download"
ACCEPTED = {"name": NAME, "accept_licence": True}
TOKEN = "hf_a_secret_of_the_person"
PATIENCE_S = 60
POLL_S = 0.02


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with HubServer() as running:
        yield running


@pytest.fixture(scope="module")
def lora_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("Lora")


@contextmanager
def _started(hub: HubServer, lora_folder: Path, *arguments: str) -> Iterator[Target]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HF_ENDPOINT", hub.url)
        environment.setenv("HF_TOKEN", TOKEN)
        with (
            miniwebui("forge", "--lora-dir", str(lora_folder), *arguments, auth="person:secret") as client,
            Session(client) as target,
        ):
            yield target


@pytest.fixture(scope="module")
def webui(hub: HubServer, lora_folder: Path) -> Iterator[Target]:
    """One as it is at first: the option is off."""
    with _started(hub, lora_folder) as target:
        yield target


@pytest.fixture(scope="module")
def allowing(hub: HubServer, lora_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """One whose settings page allows downloads; no client can turn that on."""
    data = tmp_path_factory.mktemp("data")
    (data / "config.json").write_text(json.dumps({"hypersd_download_api": True}))
    with _started(hub, lora_folder, "--data-dir", str(data)) as target:
        yield target


@pytest.fixture(scope="module")
def lora() -> bytes:
    return (PROJECT / "dev" / "miniature" / "weights" / "Lora" / f"{NAME}.safetensors").read_bytes()


@pytest.fixture
def allowed(allowing: Target, lora_folder: Path) -> Iterator[Client]:
    """The client of a WebUI that allows downloads and has no file yet."""
    yield allowing.client
    for path in lora_folder.iterdir():
        path.unlink()
    allowing.client.post("/sdapi/v1/refresh-loras", {})


def _begin(client: Client) -> dict[str, Any]:
    reply = client.send("POST", ENDPOINT, ACCEPTED)
    assert reply.status == 202, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


def _when(client: Client, id: str, so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    pause, end = threading.Event(), time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        told: dict[str, Any] = client.get(f"{ENDPOINT}/{id}")
        if so(told):
            return told
        pause.wait(POLL_S)
    raise AssertionError(told)


def _ended(told: dict[str, Any]) -> bool:
    return told["state"] in ("done", "failed", "cancelled")


def _unprocessable(client: Client, body: object) -> dict[str, Any]:
    reply = client.send("POST", ENDPOINT, body)
    assert reply.status == 422, reply.text
    (detail,) = reply.json()["detail"]
    assert detail["loc"][0] == "body"
    found: dict[str, Any] = detail
    return found


def _documented() -> dict[str, Any]:
    """The answer that docs/api.md shows."""
    page = (PROJECT / "docs" / "api.md").read_text(encoding="utf-8")
    block = page[page.index("### POST /hypersd/v1/download") :].split("```json\n", 1)[1].split("```", 1)[0]
    shown: dict[str, Any] = json.loads(block)
    return shown


def test_a_picture_does_not_turn_the_option_on(webui: Target) -> None:
    """Nor does POST /sdapi/v1/options on A1111; Forge's own sets any option for any client."""
    on = {"hypersd_download_api": True}
    webui.client.send("POST", "/sdapi/v1/txt2img", {"steps": 1, "width": 64, "height": 64, "override_settings": on})
    assert webui.client.send("POST", ENDPOINT, ACCEPTED).status == 403


@pytest.mark.parametrize(("method", "path"), [("POST", ""), ("GET", "/x"), ("DELETE", "/x")])
def test_off_unless_the_option_allows_it(webui: Target, hub: HubServer, method: str, path: str) -> None:
    reply = webui.client.send(method, ENDPOINT + path, ACCEPTED if method == "POST" else None)
    assert reply.status == 403
    assert "hypersd_download_api" in reply.json()["detail"]
    assert "Settings → Hyper-SD" in reply.json()["detail"]
    assert hub.asked == []


@pytest.mark.parametrize(("method", "path"), [("POST", ""), ("GET", "/x"), ("DELETE", "/x")])
def test_the_apis_credentials_are_asked_for(allowed: Client, method: str, path: str) -> None:
    body = ACCEPTED if method == "POST" else None
    assert allowed.send(method, ENDPOINT + path, body, with_auth=False).status == 401


def test_a_file_arrives_and_is_used_at_once(
    allowed: Client, allowing: Target, hub: HubServer, lora_folder: Path, lora: bytes
) -> None:
    hub.publish(NAME, lora, cuts=[1_000_000])
    assert allowing.plan({}).lora is None
    shown, begun = _documented(), _begin(allowed)
    assert begun["name"] == NAME
    assert set(begun) == set(shown)
    assert (begun["licence"], begun["source"]) == (shown["licence"], shown["source"])
    ended = _when(allowed, begun["id"], _ended)
    assert (ended["state"], ended["done_bytes"], ended["size"]) == ("done", len(lora), len(lora))
    assert (lora_folder / f"{NAME}.safetensors").read_bytes() == lora
    assert NAME in {entry["name"] for entry in allowed.get("/sdapi/v1/loras")}  # nothing of ours has looked since
    assert allowing.plan({}).lora == NAME
    present = {v["name"]: v["present"] for v in allowed.get("/hypersd/v1/catalog")["variants"]}
    assert present[NAME]
    assert hub.ranges() == ["", f"bytes={1_000_000 // 65536 * 65536}-"]
    assert {a.authorization for a in hub.of("hub")} == {f"Bearer {TOKEN}"}
    assert {a.authorization for a in hub.of("cdn")} == {""}
    again = _when(allowed, _begin(allowed)["id"], _ended)
    assert again["message"] == f"{NAME}.safetensors is in the LoRA folder already."


def test_delete_cancels(allowed: Client, hub: HubServer, lora_folder: Path, lora: bytes) -> None:
    file = hub.publish(NAME, lora, hold_at=800_000)
    begun = _begin(allowed)
    running = _when(allowed, begun["id"], lambda told: told["done_bytes"] > 700_000)
    assert running["state"] == "running"
    assert running["size"] == len(lora)
    assert running["bytes_per_second"] > 0
    assert running["seconds_left"] is not None
    assert _begin(allowed)["id"] == begun["id"]  # one at a time of a file
    reply = allowed.send("DELETE", f"{ENDPOINT}/{begun['id']}")
    assert (reply.status, reply.json()["state"]) == (200, "cancelled")
    file.release()
    assert _when(allowed, begun["id"], lambda _: not any(lora_folder.iterdir()))["state"] == "cancelled"


def test_what_fails_is_told_without_paths(allowed: Client, hub: HubServer, lora_folder: Path, lora: bytes) -> None:
    hub.publish(NAME, lora, etag="0" * 64)
    ended = _when(allowed, _begin(allowed)["id"], _ended)
    assert ended["state"] == "failed"
    assert "SHA-256" in ended["message"]
    assert str(lora_folder.parent) not in str(ended)
    assert not any(lora_folder.iterdir())


def test_a_damaged_file_in_a_subfolder_is_mended_there(
    allowed: Client, allowing: Target, hub: HubServer, lora_folder: Path, lora: bytes
) -> None:
    hub.publish(NAME, lora)
    damaged = lora_folder / "hyper" / f"{NAME}.safetensors"
    damaged.parent.mkdir()
    damaged.write_bytes(lora[:1000])
    allowed.post("/sdapi/v1/refresh-loras", {})
    assert allowing.plan({}).lora is None
    try:
        assert _when(allowed, _begin(allowed)["id"], _ended)["state"] == "done"
        assert damaged.read_bytes() == lora
        assert [p.name for p in lora_folder.iterdir()] == ["hyper"]
        assert allowing.plan({}).lora == NAME
    finally:
        damaged.unlink()
        damaged.parent.rmdir()


def test_bad_input_is_told_with_the_fields_name(allowed: Client, hub: HubServer) -> None:
    hub.asked.clear()
    for name in (
        "",
        "nobody/else",
        "../../etc/passwd",
        "https://example.org/x",
        None,
        1,
        [NAME],
        f"{NAME}.safetensors",
    ):
        detail = _unprocessable(allowed, {"name": name, "accept_licence": True})
        assert detail["loc"] == ["body", "name"]
        assert NAME in detail["msg"]
    assert "missing" in _unprocessable(allowed, {"accept_licence": True})["msg"]
    assert _unprocessable(allowed, {**ACCEPTED, "url": "https://example.org"})["loc"] == ["body", "url"]
    for body in ([], "text", 1, None):
        assert allowed.send("POST", ENDPOINT, raw=repr(body).encode()).status == 422
    assert allowed.send("POST", ENDPOINT, raw=b"\xff{").status == 422
    assert hub.asked == []


@pytest.mark.parametrize("given", [{}, {"accept_licence": False}, {"accept_licence": 1}, {"accept_licence": "true"}])
@pytest.mark.parametrize(
    ("name", "licence", "source"),
    [
        (NAME, "ByteDance's own terms", "https://huggingface.co/ByteDance/Hyper-SD"),
        (
            "Hyper-FLUX.1-dev-8steps-lora",
            "FLUX.1-dev non-commercial licence",
            "https://huggingface.co/ByteDance/Hyper-SD",
        ),
        ("Hyper-FLUX.1-dev-8steps-lora-fp16", "non-commercial", "https://huggingface.co/nakodanei/"),
    ],
)
def test_the_licence_is_quoted_until_it_is_accepted(
    allowed: Client, hub: HubServer, given: dict[str, object], name: str, licence: str, source: str
) -> None:
    hub.asked.clear()
    detail = _unprocessable(allowed, {"name": name, **given})
    assert detail["loc"] == ["body", "accept_licence"]
    assert licence in detail["msg"]
    assert source in detail["msg"]
    assert hub.asked == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_what_a_form_on_a_strange_page_can_send_is_refused(allowed: Client, hub: HubServer, kind: str) -> None:
    hub.asked.clear()
    request = urllib.request.Request(
        allowed.url + ENDPOINT, b'{"name": "%s", "accept_licence": true}' % NAME.encode(), {"Content-Type": kind}
    )
    request.add_header("Authorization", "Basic cGVyc29uOnNlY3JldA==")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=PATIENCE_S)
    assert refused.value.code == 415
    assert b"application/json" in refused.value.read()
    assert hub.asked == []


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_id(allowed: Client, method: str) -> None:
    assert allowed.send(method, f"{ENDPOINT}/{'0' * 32}").status == 404
