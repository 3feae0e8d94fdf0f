"""A miniwebui of one's own on a free port, and the little of the WebUI API that the commands need."""

from __future__ import annotations

import base64
import io
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

PROJECT = Path(__file__).resolve().parents[2]
START_S = 180


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running_webui(*arguments: str) -> Iterator[str]:
    """The address of a miniwebui started with `run.py ui`'s arguments; stopped at the end. SystemExit with its log."""
    port = free_port()
    command = [sys.executable, "-m", "dev.commands.ui", "--port", str(port), *arguments]
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        process = subprocess.Popen(command, cwd=PROJECT, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait(process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait(process: subprocess.Popen[bytes], log: Any) -> None:
    end = time.monotonic() + START_S
    while True:
        log.seek(0)
        said = log.read()
        if "Running on local URL" in said:
            return
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"error: miniwebui did not start:\n{said[-3000:]}")
        time.sleep(0.1)


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


def post(url: str, body: Mapping[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        return json.load(answer)


def txt2img(url: str, body: Mapping[str, Any]) -> tuple[Image.Image, str]:
    """The first picture of a request, and its infotext."""
    answer = post(f"{url}/sdapi/v1/txt2img", body)
    picture = Image.open(io.BytesIO(base64.b64decode(answer["images"][0]))).convert("RGB")
    return picture, json.loads(answer["info"])["infotexts"][0]
