"""Clients that hang up in the middle of a request are no fault of this extension, and nothing to log."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from live.client import Client
from live.server import serving

TURNS_OF_THE_LOOP = 5
"""Requests, one after the other: by then the server has long seen that the one before was given up."""


@pytest.fixture(scope="module", params=["forge", "a1111"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    data = tmp_path_factory.mktemp("data")
    (data / "config.json").write_text(json.dumps({"hypersd_download_api": True}), encoding="utf-8")
    with serving(request.param, "--nowebui", "--data-dir", str(data)) as running:
        yield running


@pytest.mark.parametrize("path", ["plan", "download"])
def test_a_client_that_hangs_up_is_not_logged(server: tuple[int, Path], path: str) -> None:
    port, log = server
    head = f"POST /hypersd/v1/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    with closing(socket.create_connection(("127.0.0.1", port))) as client:
        client.sendall(f"{head}Content-Length: 1000\r\n\r\n".encode() + b'{"prompt": "a r')
        _settle(port)
    _settle(port)
    text = log.read_text(encoding="utf-8", errors="replace")
    assert f"/hypersd/v1/{path}" not in text
    assert "Traceback" not in text


def _settle(port: int) -> None:
    for _ in range(TURNS_OF_THE_LOOP):
        assert Client(f"http://127.0.0.1:{port}").get("/hypersd/v1/status")["version"]
