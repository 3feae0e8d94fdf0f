"""Strangers: who gets an answer, what names reach, and what an answer gives away. Everything over HTTP."""

from __future__ import annotations

import http.cookiejar
import json
import struct
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hub_server import HubServer, whole_lora
from live.client import Client, Reply
from live.server import PROJECT, miniwebui

PAGE, API = "visitor-7:a:secret-of-the-page", "robot-7:secret-of-the-api"
TOKEN = "hf_a_secret_of_the_person"
INSIDE = "what-stands-inside-the-outside-file"
FRIEND = "https://friend.example"
NAME, DAMAGED, LINKED = "Hyper-SD15-4steps-lora", "Hyper-SD15-8steps-lora", "Hyper-SD15-2steps-lora"
EXTENSIONS = Path(__file__).parent / "extensions"
DOWNLOAD = "/hypersd/v1/download"
PATIENCE_S = 60
POLL_S = 0.02
PANEL_CONTROLS = 16


# What there is -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A person's home: LoRAs, one of them on another drive, and files that are nobody's business."""
    home = tmp_path_factory.mktemp("home-of-the-person")
    lora = (PROJECT / "dev" / "miniature" / "weights" / "Lora" / f"{NAME}.safetensors").read_bytes()
    loras, outside, drive = (home / name for name in ("Lora", "outside", "drive"))
    for folder in (loras, outside, drive, home / "data"):
        folder.mkdir()
    (home / "data" / "config.json").write_text(json.dumps({"hypersd_download_api": True, "hypersd_remember": True}))
    (loras / f"{NAME}.safetensors").write_bytes(lora)
    (outside / "secret.safetensors").write_bytes(_lora_telling(INSIDE))
    (outside / "secret.txt").write_text(f"{INSIDE}\n" * 1000)
    (loras / f"{DAMAGED}.safetensors").symlink_to(outside / "secret.txt")
    (drive / "two.safetensors").write_bytes(lora)
    (loras / f"{LINKED}.safetensors").symlink_to(drive / "two.safetensors")
    (home / "page-logins").write_text(f"other:one, {PAGE}\n")
    return home


def _lora_telling(text: str) -> bytes:
    entry = {"dtype": "F16", "shape": [1, 768], "data_offsets": [0, 1536]}
    key = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.lora_down.weight"
    header = json.dumps({"__metadata__": {"modelspec.title": text}, key: entry}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(1536)


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with HubServer() as running:
        yield running


@pytest.fixture(scope="module")
def webuis(home: Path, hub: HubServer) -> Iterator[dict[str, Client]]:
    """A page with a login on gradio 4 and 3, and one whose API has credentials of its own, too."""
    environment = {
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": TOKEN,
        "HOME": str(home),
        "ONLOOKER_FOLDER": str(home / "outside"),
        "ONLOOKER_SECRET": str(home / "outside" / "secret.txt"),
    }
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        for name, value in environment.items():
            patch.setenv(name, value)
        folders = ["--lora-dir", str(home / "Lora"), "--extra-extension", str(EXTENSIONS / "onlooker")]
        forge = ["--gradio-auth-path", str(home / "page-logins"), "--cors-allow-origins", FRIEND, *folders]
        starting = {
            "forge": miniwebui("forge", "--data-dir", str(home / "data"), *forge),
            "a1111": miniwebui("a1111", "--gradio-auth", PAGE),
            "both": miniwebui("neo", "--gradio-auth", PAGE, "--api-auth", API),
        }
        with ThreadPoolExecutor() as pool:
            started = list(pool.map(stack.enter_context, starting.values()))
        yield dict(zip(starting, started, strict=True))


@pytest.fixture(params=["forge", "a1111"])
def webui(request: pytest.FixtureRequest, webuis: dict[str, Client]) -> Client:
    """One whose page has a login."""
    return webuis[request.param]


@pytest.fixture
def person(webuis: dict[str, Client]) -> Client:
    """Somebody who may use the first one, where downloads by the API are allowed and an onlooker tells of files."""
    return replace(webuis["forge"], auth=PAGE)


def _logged_in(webui: Client) -> dict[str, str]:
    """The headers of a browser whose person has logged in."""
    user, _, password = PAGE.partition(":")
    form = urllib.parse.urlencode({"username": user, "password": password}).encode()
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    with browser.open(f"{webui.url}/login", form, timeout=60) as answer:
        assert answer.status == 200
    return {"Cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar if not cookie.secure)}


@cache
def _listed(url: str) -> dict[str, Any]:
    paths: dict[str, Any] = Client(url).get("/openapi.json")["paths"]
    return paths


def _endpoints(webui: Client) -> list[tuple[str, str]]:
    """(method, path) of all of ours, as the host lists them."""
    paths = _listed(webui.url).items()
    ours = [(m.upper(), p.replace("{id}", "x")) for p, methods in paths if "hypersd" in p for m in methods]
    assert len(ours) >= 6, ours
    return ours


def _statuses(webui: Client, headers: dict[str, str] | None = None) -> set[int]:
    """What all endpoints answer; a body where one is taken."""
    asked = ((m, p, {} if m == "POST" else None) for m, p in _endpoints(webui))
    return {webui.send(method, path, body, headers=headers or {}).status for method, path, body in asked}


# Logins ------------------------------------------------------------------------------------------------------------


def test_a_page_with_a_login_answers_nobody_else(webui: Client) -> None:
    assert webui.send("GET", "/sdapi/v1/samplers").status == 200  # the hosts' own API is open all the same
    user, _, password = PAGE.partition(":")
    for wrong in (None, f"{user}:x", f"x:{password}", f"{user}:", ":", f"{user}:{password}x", "näme:päss"):
        assert _statuses(replace(webui, auth=wrong)) == {401}, wrong
    name = _logged_in(webui)["Cookie"].partition("=")[0]
    for cookie in (f"{name}=x", f"{name}=", f"{name}=None", "access-token=x; access-token-unsecure=x"):
        assert _statuses(webui, {"Cookie": cookie}) == {401}, cookie


def test_it_answers_its_password_and_its_cookie(webui: Client) -> None:
    for who, headers in ((replace(webui, auth=PAGE), {}), (webui, _logged_in(webui))):
        assert who.send("GET", "/hypersd/v1/status", headers=headers).status == 200
        assert who.send("POST", "/hypersd/v1/plan", {}, headers=headers).status == 200
        assert 401 not in _statuses(who, headers)


def test_every_person_of_a_file_of_logins_may(webuis: dict[str, Client]) -> None:
    assert replace(webuis["forge"], auth="other:one").send("GET", "/hypersd/v1/status").status == 200


def test_the_apis_credentials_come_before_the_pages(webuis: dict[str, Client]) -> None:
    webui = webuis["both"]
    for who, headers in ((webui, {}), (replace(webui, auth=PAGE), {}), (webui, _logged_in(webui))):
        assert who.send("GET", "/sdapi/v1/samplers", headers=headers).status == 401
        assert _statuses(who, headers) == {401}
    assert 401 not in _statuses(replace(webui, auth=API))


@cache
def _page(url: str) -> tuple[int, list[Any]]:
    """The number of the panel's listener in txt2img, and what it is sent by the page as it is at first."""
    page = Client(url).send("GET", "/config", headers=_logged_in(Client(url))).json()
    parts = {part["id"]: part["props"] for part in page["components"]}
    question = next(id for id, props in parts.items() if props.get("elem_id") == "hypersd_txt2img_question")
    place, listener = next((i, d) for i, d in enumerate(page["dependencies"]) if d["inputs"][:1] == [question])
    return listener.get("id", place), [parts[id].get("value") for id in listener["inputs"]]


def _ask_panel(webui: Client, headers: dict[str, str], *panel: Any, **asked: Any) -> Reply:
    """The panel's listener, called as the page does it; `panel` are its first controls, ticked or not and the LoRA."""
    number, (_, *values) = _page(webui.url)
    first = len(values) - PANEL_CONTROLS
    values = [*values[:first], *panel, *values[first + len(panel) :]]
    body = {"fn_index": number, "data": [json.dumps({"number": 1, **asked}), *values], "session_hash": "stranger"}
    return webui.send("POST", "/run/predict", body, headers=headers)


def test_the_panels_own_listener_is_behind_the_login(webui: Client) -> None:
    assert webui.send("GET", "/config").status == 401
    assert _ask_panel(webui, {}).status == 401
    answer = _ask_panel(webui, _logged_in(webui))
    assert answer.status == 200
    assert "hypersd-badge" in answer.text


def test_so_are_its_script_and_style(webui: Client) -> None:
    for file in ("javascript/hypersd.js", "style.css"):
        path = f"/file={PROJECT / file}"
        assert webui.send("GET", path).status == 401
        assert webui.send("GET", path, headers=_logged_in(webui)).status == 200


# Other sites -------------------------------------------------------------------------------------------------------

EVIL = "https://evil.example"
FOREIGN: list[dict[str, str]] = [
    {"Origin": EVIL},
    {"Origin": "null"},
    {"Origin": EVIL, "Content-Type": "text/plain"},  # what needs no preflight
    {"Origin": EVIL, "Sec-Fetch-Site": "cross-site"},
    {"Origin": f"{FRIEND}.evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},  # another server of this machine
    {"Origin": "http://127.0.0.1:1"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_another_sites_page_is_refused(person: Client, hub: HubServer, headers: dict[str, str]) -> None:
    hub.asked.clear()
    for method, path in _endpoints(person):
        body = {"name": NAME, "accept_licence": True} if method == "POST" else None
        reply = person.send(method, path, body, headers=headers)
        assert (reply.status, "other sites" in reply.text) == (403, True), (method, path)
    cookie = _logged_in(person)
    assert person.send("POST", DOWNLOAD, {}, with_auth=False, headers={**headers, **cookie}).status == 403
    assert hub.asked == []


def test_a_form_that_hides_its_origin_is_refused_and_a_link_is_not(person: Client) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert person.send("POST", "/hypersd/v1/plan", {}, headers=headers).status == 403
    assert person.send("GET", "/hypersd/v1/status", headers=headers).status == 200


def test_the_own_page_scripts_and_friends_pass(person: Client) -> None:
    own = {"Origin": person.url}
    for headers in ({}, own, {**own, "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": FRIEND}):
        assert person.send("POST", "/hypersd/v1/plan", {}, headers=headers).status == 200, headers
        assert person.send("POST", DOWNLOAD, {"name": "x"}, headers=headers).status == 422, headers
        assert person.send("DELETE", f"{DOWNLOAD}/x", headers=headers).status == 404, headers


def test_only_a_friends_page_may_read_what_it_gets(person: Client) -> None:
    for origin, allowed in ((FRIEND, FRIEND), (EVIL, None)):
        request = urllib.request.Request(f"{person.url}/sdapi/v1/samplers", headers={"Origin": origin})
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == allowed


# Downloads ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_a_download_begins_by_post_alone(person: Client, hub: HubServer, method: str) -> None:
    hub.asked.clear()
    query = f"{DOWNLOAD}?name={NAME}&accept_licence=true"
    body = {"name": NAME, "accept_licence": True}
    for path in (DOWNLOAD, query):
        assert person.send(method, path, None if method == "GET" else body).status == 405
    assert person.send("POST", query, {}).status == 422  # nothing is read from the address
    assert hub.asked == []


@pytest.mark.parametrize("key", ["url", "folder", "path", "file", "repo", "revision", "endpoint", "token", "sha256"])
def test_where_from_and_where_to_are_nobodys_choice(person: Client, hub: HubServer, key: str) -> None:
    hub.asked.clear()
    reply = person.send("POST", DOWNLOAD, {"name": NAME, "accept_licence": True, key: hub.url})
    assert reply.status == 422
    assert reply.json()["detail"][0]["loc"] == ["body", key]
    assert hub.asked == []


# Names that are paths ----------------------------------------------------------------------------------------------


def _paths(home: Path) -> list[str]:
    """Ways to write the file outside the LoRA folder."""
    there, up = str(home / "outside" / "secret"), "../outside/secret"
    plain = [there, up, f"{NAME}/../{up}", f"./{up}", f"file://{there}", "~/outside/secret", f"{there}\0", f"{up}\0x"]
    encoded = [up.replace("/", "%2f"), up.replace(".", "%2e"), up.replace("/", "%252f"), up.replace("/", "\\")]
    windows = ["C:\\Windows\\win.ini", "C:secret", "\\\\server\\share\\secret", "//server/share/secret", "\\\\?\\C:\\x"]
    return [*plain, *encoded, *windows, *(f"{each}.safetensors" for each in (there, up))]


def _snapshot(home: Path) -> dict[str, bytes]:
    """The files in and around the LoRA folder, and what stands in them."""
    files = (path for name in ("Lora", "outside", "drive") for path in (home / name).rglob("*"))
    return {str(path): path.read_bytes() for path in files}


def test_no_name_reaches_a_file_outside(person: Client, home: Path, hub: HubServer) -> None:
    before, answers = _snapshot(home), []
    hub.asked.clear()
    cookie = _logged_in(person)
    for name in _paths(home):
        quoted = urllib.parse.quote(name, safe="")
        wished = {"download": name, "accepted": True, "cancel": name}
        bodies: list[dict[str, Any]] = [
            {"hypersd": {"lora": name}},
            {"hypersd": {"sampler": name}},
            {"hypersd": {}, "override_settings": {"sd_model_checkpoint": name}},
            {"hypersd": {}, "hr_checkpoint_name": name, "enable_hr": True},
            {"prompt": f"<lora:{name}:1> <lora:Hyper-SD15-8steps{name}:1>", "hypersd": {}},
        ]
        replies = [person.send("POST", "/hypersd/v1/plan", body) for body in bodies]
        assert {reply.status for reply in replies[:2]} == {422}, name
        download = person.send("POST", DOWNLOAD, {"name": name, "accept_licence": True})
        assert download.status == 422, name
        by_id = [person.send(method, f"{DOWNLOAD}/{quoted}") for method in ("GET", "DELETE")]
        assert {reply.status for reply in by_id} <= {404, 405}, name
        pressed = _ask_panel(person, cookie, checkpoint=name, wishes=[wished])
        assert pressed.status == 200
        answers += [*replies, download, *by_id, pressed]
    assert INSIDE not in "".join(reply.text for reply in answers)
    assert person.get("/onlooker/touched") == [str(home / "outside")]  # the onlooker's own look
    assert hub.asked == []
    assert _snapshot(home) == before


# What an answer gives away -----------------------------------------------------------------------------------------


def _when_ended(person: Client, name: str) -> Reply:
    """Begin a download, and how it ended."""
    begun = person.send("POST", DOWNLOAD, {"name": name, "accept_licence": True})
    pause, end = threading.Event(), time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        reply = person.send("GET", f"{DOWNLOAD}/{begun.json()['id']}")
        if reply.json()["state"] in ("done", "failed", "cancelled"):
            return reply
        pause.wait(POLL_S)
    raise AssertionError(reply.text)


def _draw(person: Client, hypersd: dict[str, Any], **fields: Any) -> Reply:
    """A picture, and only what is told beside it."""
    size = {"width": 64, "height": 64, "steps": 1, "prompt": "a red circle", "do_not_save_samples": True}
    body = {**size, **fields, "alwayson_scripts": {"Hyper-SD": {"args": [hypersd]}}}
    reply = person.send("POST", "/sdapi/v1/txt2img", body)
    assert reply.status == 200, reply.text
    return Reply(200, " ".join(json.loads(reply.json()["info"])["infotexts"]))


def _all_told(person: Client) -> list[Reply]:
    """What endpoints, infotexts and panel say, asked for what is there, what is not, and what is damaged."""
    cookie = _logged_in(person)
    wishes = [{}, {"lora": DAMAGED}, {"lora": "Hyper-SD15-12steps-CFG-lora"}, {"lora": "Hyper-SDXL"}, {"steps": 99}]
    replies = [person.send("POST", "/hypersd/v1/plan", {"hypersd": wish}) for wish in wishes]
    replies += [person.send("GET", f"/hypersd/v1/{name}") for name in ("status", "catalog")]
    replies += [_draw(person, wish) for wish in wishes]
    return replies + [_ask_panel(person, cookie, True, lora) for lora in ("auto", DAMAGED, "none", "<script>")]


def test_nothing_of_the_person_is_told(person: Client, home: Path, hub: HubServer) -> None:
    hub.publish("Hyper-SD15-1step-lora", whole_lora(30_000), etag="0" * 64)
    hub.publish("Hyper-SD15-8steps-CFG-lora", whole_lora(30_000), status=401)
    part = hub.publish("Hyper-SD15-12steps-CFG-lora", whole_lora(30_000), status=404)
    link = home / "Lora" / f"Hyper-SD15-12steps-CFG-lora.safetensors.{part.etag[:12]}.part"
    link.symlink_to(home / "outside" / "secret.txt")
    told = [_when_ended(person, name) for name in hub.files]
    assert [reply.json()["state"] for reply in told] == ["failed"] * 3
    told += _all_told(person)
    assert any("goes into <code>Lora</code>" in reply.text for reply in told)
    person.post("/onlooker/break", {})
    try:
        broken = _all_told(person)
    finally:
        person.post("/onlooker/mend", {})
    assert [reply.status for reply in broken if "met a fault (PermissionError)" in reply.text].count(500) >= 3
    texts = [reply.text for reply in told + broken]
    private = {"path": str(home.parent), "home": home.name, "token": TOKEN, "address": "signature=", "link": "drive"}
    logins = {f"login {i}": word for i, word in enumerate(word for pair in (PAGE, API) for word in pair.split(":"))}
    for what, word in {**private, **logins, "content": INSIDE, "project": str(PROJECT)}.items():
        if len(word) > 1:
            assert [text for text in texts if word in text] == [], what


def test_a_linked_file_is_used_and_a_link_to_anything_else_is_called_damaged(person: Client) -> None:
    loras = {lora["name"]: lora["damaged"] for lora in person.get("/hypersd/v1/status")["loras"]}
    assert loras[LINKED] is None
    assert loras[DAMAGED] == "is truncated or not a safetensors file"
    assert person.post("/hypersd/v1/plan", {"hypersd": {"lora": LINKED}})["lora"] == LINKED
