"""A running miniwebui, and a client for it."""

from __future__ import annotations

import base64
import io
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from live.server import serving
from PIL import Image

PROJECT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PROMPT = "a small yellow star at the top, purple background"


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
    def __init__(self, port: int, log: Path):
        self.url, self._log = f"http://127.0.0.1:{port}", log

    @property
    def log(self) -> list[str]:
        """What it has printed so far."""
        return self._log.read_text(encoding="utf-8", errors="replace").splitlines()

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
    with serving(profile, *arguments) as (port, log):
        yield Server(port, log)
