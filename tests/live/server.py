"""Start miniwebui for tests and wait until it answers."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from .client import Client

PROJECT = Path(__file__).resolve().parents[2]
START_S = 180
STOP_S = 20
POLL_S = 0.1
NOTHING: Mapping[str, str] = MappingProxyType({})


@contextlib.contextmanager
def miniwebui(
    profile: str,
    *arguments: str,
    auth: str | None = None,
    checkout: Path = PROJECT,
    environment: Mapping[str, str] = NOTHING,
) -> Iterator[Client]:
    """A running miniwebui of this profile; its log is shown where it does not start.

    `checkout` is the project's folder whose run.py starts it; `environment` is added to this process's.
    """
    port = _free_port()
    command = [sys.executable, "run.py", "ui", "--port", str(port), "--profile", profile, *arguments]
    if auth:
        command += ["--api-auth", auth]
    client = Client(f"http://127.0.0.1:{port}", auth)
    variables = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    with tempfile.TemporaryDirectory(prefix="live-") as folder:
        log = Path(folder) / "log.txt"
        with log.open("w", encoding="utf-8") as output:
            process = subprocess.Popen(command, cwd=checkout, stdout=output, stderr=subprocess.STDOUT, env=variables)
        try:
            _wait(process, log)
            yield client
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    """A real A1111 dies where it is asked too early, so the log is read until it says that it is ready."""
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        if "Running on local URL" in log.read_text(encoding="utf-8", errors="replace"):
            return
        time.sleep(POLL_S)
    raise RuntimeError("miniwebui did not start:\n" + log.read_text(encoding="utf-8", errors="replace")[-4000:])


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
