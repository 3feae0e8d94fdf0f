"""Start miniwebui for tests and wait until it answers."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from dev.commands import ui

from . import forked
from .client import Client

PROJECT = Path(__file__).resolve().parents[2]
START_S = 180
STOP_S = 20
POLL_S = 0.05
NOTHING: Mapping[str, str] = MappingProxyType({})
Process = subprocess.Popen[bytes] | forked.Fork


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
    given = [*arguments, *(["--api-auth", auth] if auth else [])]
    with serving(profile, *given, checkout=checkout, environment=environment) as (port, _):
        yield Client(f"http://127.0.0.1:{port}", auth)


@contextlib.contextmanager
def serving(
    profile: str, *arguments: str, checkout: Path = PROJECT, environment: Mapping[str, str] = NOTHING
) -> Iterator[tuple[int, Path]]:
    """Port and log of a running miniwebui."""
    with tempfile.TemporaryDirectory(prefix="live-") as folder:
        port, log = free_port(), Path(folder) / "log.txt"
        process = start(profile, ["--port", str(port), *arguments], log, checkout, environment)
        try:
            wait_until_ready(process, log)
            yield port, log
        finally:
            stop(process)


def start(
    profile: str,
    arguments: Sequence[str],
    log: Path,
    checkout: Path = PROJECT,
    environment: Mapping[str, str] = NOTHING,
) -> Process:
    """Begin to start `run.py ui` of a profile, with more arguments."""
    arguments = ["--profile", profile, *arguments]
    variables = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    log.touch()
    if checkout == PROJECT:
        parser = ui.build_parser()
        fork = forked.start(profile, ui.server_arguments(parser.parse_args(arguments), parser), log, variables)
        if fork is not None:
            return fork
    command = [sys.executable, "run.py", "ui", *arguments]
    with log.open("w", encoding="utf-8") as output:
        return subprocess.Popen(command, cwd=checkout, stdout=output, stderr=subprocess.STDOUT, env=variables)


def stop(*processes: Process) -> None:
    """End servers, and wait until they are gone."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(process: Process, log: Path) -> None:
    """A real A1111 dies where it is asked too early, so the log is read until it says that it is ready.

    Raises RuntimeError, with the log, where it does not get there.
    """
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        if "Running on local URL" in log.read_text(encoding="utf-8", errors="replace"):
            return
        time.sleep(POLL_S)
    raise RuntimeError("miniwebui did not start:\n" + log.read_text(encoding="utf-8", errors="replace")[-4000:])


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
