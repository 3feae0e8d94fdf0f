"""Whatever a client or a page has Hyper-SD look up, the WebUI answers others meanwhile; bodies have an end."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from live.client import Client, Reply
from live.server import miniwebui
from live.target import Target
from panel_query import panel_query

HELD_BACK = Path(__file__).parent / "extensions" / "held-back"
CLIENTS = 50
"""More than the threads of the WebUI's own pool, which its progress needs one of."""
MOST_AT_ONCE = 2
LIMIT = 1024 * 1024
PATIENCE_S = 15
"""Less than held-back's: a WebUI that has stopped shows."""


@pytest.fixture(scope="module", params=["forge", "a1111"])
def webui(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    data = tmp_path_factory.mktemp("data")
    (data / "config.json").write_text(json.dumps({"hypersd_download_api": True}))
    with miniwebui(request.param, "--extra-extension", str(HELD_BACK), "--data-dir", str(data)) as client:
        yield client


KINDS: dict[str, Callable[[Client], Callable[[], Reply]]] = {
    "plan": lambda webui: lambda: webui.send("POST", "/hypersd/v1/plan", {"prompt": "a cat", "hypersd": {}}),
    "status": lambda webui: lambda: webui.send("GET", "/hypersd/v1/status"),
    "catalog": lambda webui: lambda: webui.send("GET", "/hypersd/v1/catalog"),
    "page": panel_query,
}


@pytest.mark.parametrize("kind", KINDS)
def test_progress_is_told_while_many_wait_for_an_answer(webui: Client, kind: str) -> None:
    send = KINDS[kind](webui)
    assert send().status == 200
    webui.post("/held-back/hold", {})
    try:
        with ThreadPoolExecutor(CLIENTS) as pool:
            pending = [pool.submit(send) for _ in range(CLIENTS)]
            try:
                while _get(webui, "/held-back/waiting") < MOST_AT_ONCE:
                    assert not any(each.done() for each in pending), pending
                assert "progress" in _get(webui, "/sdapi/v1/progress?skip_current_image=true")
                assert _get(webui, "/held-back/waiting") == MOST_AT_ONCE  # a picture's thread has few to share with
                assert not any(each.done() for each in pending)
            finally:
                _exchange(webui, b"POST /held-back/release HTTP/1.1\r\nContent-Length: 0\r\n")
            assert {each.result().status for each in pending} == {200}
    finally:
        webui.post("/held-back/release", {})


def _get(webui: Client, path: str) -> Any:
    return json.loads(_exchange(webui, f"GET {path} HTTP/1.1\r\n".encode())[1])


# Bodies --------------------------------------------------------------------------------------------------------


def _exchange(webui: Client, head: bytes, *pieces: bytes) -> tuple[int, str]:
    """Status and body of the answer to a request that is sent piece by piece, and of which no more is sent."""
    address = urlsplit(webui.url)
    with socket.create_connection((str(address.hostname), int(address.port or 80)), timeout=PATIENCE_S) as sent:
        sent.sendall(head + b"Host: x\r\nContent-Type: application/json\r\n\r\n")
        for piece in pieces:
            sent.sendall(piece)
        answer = sent.makefile("rb")
        status, length = int(answer.readline().split()[1]), 0
        while (line := answer.readline().strip()) != b"":
            name, _, value = line.decode().partition(":")
            length = int(value) if name.lower() == "content-length" else length
        return status, answer.read(length).decode()


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


POSTS = ("/hypersd/v1/plan", "/hypersd/v1/download")
KILOBYTE = b" " * 1024


@pytest.mark.parametrize("path", POSTS)
def test_a_body_ends_at_a_mebibyte_before_the_rest_is_read(webui: Client, path: str) -> None:
    begin = f"POST {path} HTTP/1.1\r\n".encode()
    whole = [KILOBYTE] * 1025
    for length, sent in (
        (f"Content-Length: {LIMIT + 1}\r\n", []),
        (f"Content-Length: {10**30}\r\n", []),
        (f"Content-Length: {3 * LIMIT}\r\n", [KILOBYTE]),
        ("Transfer-Encoding: chunked\r\n", list(map(_chunk, whole))),
    ):
        status, answer = _exchange(webui, begin + length.encode(), *sent)
        assert status == 413, (length, status, answer)
        assert f"{LIMIT:,} bytes" in json.loads(answer)["detail"]


def test_a_body_that_is_none_or_less_than_it_says_is_refused(webui: Client) -> None:
    for length, sent, status in (("", [], 422), ("Content-Length: 5\r\n", [b'{"prompt": "a cat"}'], 422)):
        got, answer = _exchange(webui, b"POST /hypersd/v1/plan HTTP/1.1\r\n" + length.encode(), *sent)
        assert (got, "not JSON" in answer) == (status, True), (length, answer)


def test_a_number_of_a_million_digits_is_refused_by_its_length(webui: Client) -> None:
    for number in ("1" * 1_000_000, "-" + "1" * 500):
        reply = webui.send("POST", "/hypersd/v1/plan", raw=f'{{"steps": {number}}}'.encode())
        assert (reply.status, "digits" in reply.json()["detail"][0]["msg"]) == (422, True), reply.text


def test_a_prompt_as_long_as_a_body_may_be_is_planned(webui: Client) -> None:
    target = Target(webui)
    prompt = "<lora:Hyper-SD15-4steps:0.9> " * 35_000
    plan = target.plan(prompt=prompt)
    assert (plan.active, plan.values["steps"]) == (True, 4)
    assert plan.prompt.count("<lora:") == 1


def test_the_page_tells_where_its_prompt_is_too_long_for_a_preview(webui: Client) -> None:
    answer = panel_query(webui, txt2img_prompt="<lora:hyper-sd15> " * (LIMIT // 10))().text
    assert f"{LIMIT:,}: shorten them" in answer, answer[:500]
