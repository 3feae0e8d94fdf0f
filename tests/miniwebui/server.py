"""A running miniwebui, and a client for it."""

from __future__ import annotations

import base64
import io
import json
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

PROJECT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PROMPT = "a small yellow star at the top, purple background"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Drawn:
    """One answer of txt2img or img2img."""

    def __init__(self, answer: dict[str, Any]):
        self.info = json.loads(answer["info"])
        self.parameters = answer["parameters"]
        self.images = [Image.open(io.BytesIO(base64.b64decode(x))) for x in answer["images"]]
        self.texts = self.info["infotexts"]

    @property
    def text(self) -> str:
        return self.texts[0]

    @property
    def pixels(self) -> list[bytes]:
        return [x.tobytes() for x in self.images]


class Server:
    def __init__(self, port: int, log: list[str]):
        self.url, self.log = f"http://127.0.0.1:{port}", log

    def call(self, path: str, body: Any = None, auth: str = "", method: str | None = None) -> tuple[int, Any]:
        """(status, answer)"""
        headers = {"Content-Type": "application/json"}
        if auth:
            headers["Authorization"] = "Basic " + base64.b64encode(auth.encode()).decode()
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            return error.code, json.loads(text) if text.startswith("{") else text

    def get(self, path: str) -> Any:
        status, answer = self.call(path)
        assert status == 200, answer
        return answer

    def post(self, path: str, body: Any = None) -> Any:
        status, answer = self.call(path, {} if body is None else body)
        assert status == 200, answer
        return answer

    def draw(self, **fields: Any) -> Drawn:
        return Drawn(self.post("/sdapi/v1/txt2img", request(**fields)))

    def stats(self) -> dict[str, Any]:
        return self.get("/miniwebui/v1/stats")

    def probe(self) -> dict[str, Any]:
        return self.get("/probe")


def request(**fields: Any) -> dict[str, Any]:
    base = {"prompt": PROMPT, "steps": 4, "cfg_scale": 4, "width": 64, "height": 64, "seed": 1}
    return {**base, "sampler_name": "Euler", "scheduler": "SGM Uniform", **fields}


@contextmanager
def running(profile: str, *arguments: str) -> Iterator[Server]:
    port, log, ready = free_port(), [], threading.Event()
    process = subprocess.Popen(
        [
            sys.executable,
            str(PROJECT / "dev" / "commands" / "ui.py"),
            "--profile",
            profile,
            "--port",
            str(port),
            *arguments,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    def read() -> None:
        for line in process.stdout:
            log.append(line)
            if line.startswith("Running on local URL"):
                ready.set()
        ready.set()

    threading.Thread(target=read, daemon=True).start()
    try:
        assert ready.wait(120), "".join(log)
        assert process.poll() is None, "".join(log)
        yield Server(port, log)
    finally:
        process.terminate()
        process.wait(20)
