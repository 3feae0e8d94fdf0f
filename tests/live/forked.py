"""miniwebui's servers as forks of a process that has imported their libraries: imports are most of a start.

A fork goes through the whole of `dev/miniwebui/launch.py`, as a new process does. Linux only: elsewhere a fork of a
process that has loaded torch is not safe.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import IO

PROJECT = Path(__file__).resolve().parents[2]
LAUNCH = PROJECT / "dev" / "miniwebui" / "launch.py"
GRADIO_3 = ("reforge", "a1111", "classic")
LIBRARIES = ("torch", "torchsde", "scipy.integrate", "PIL.Image", "safetensors.torch", "piexif", "gradio", "uvicorn")
POLL_S = 0.02


class Fork:
    """A forked server; its methods are those of subprocess.Popen."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> int | None:
        """None while it runs. How it ended is not known."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return 0
        return None

    def terminate(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, timeout: float = float("inf")) -> None:
        """Raises subprocess.TimeoutExpired."""
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("miniwebui", timeout)
            time.sleep(POLL_S)


class Prepared:
    """A process with one gradio's libraries, which ends with this one."""

    def __init__(self, gradio: int, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        command = [sys.executable, "-u", str(Path(__file__)), str(gradio)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=self.environment)

    def start(self, arguments: Sequence[str], log: Path) -> Fork:
        """launch.py with these arguments; what it prints goes to `log`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"arguments": list(arguments), "log": str(log)}), file=self._process.stdin, flush=True)
        return Fork(int(self._process.stdout.readline()))


_prepared: dict[int, Prepared] = {}


def start(profile: str, arguments: Sequence[str], log: Path, environment: Mapping[str, str]) -> Fork | None:
    """A server, or None where it has to be a process of its own: what libraries read of the environment when they are
    imported has to be the same."""
    if sys.platform != "linux":
        return None
    gradio = 3 if profile in GRADIO_3 else 4
    # PYTHONPATH: the hosts don't have an extension's root on the module path.
    seen = {key: value for key, value in environment.items() if not key.startswith(("PYTEST_", "PYTHONPATH"))}
    prepared = _prepared.get(gradio)
    if prepared is None:
        prepared = _prepared[gradio] = Prepared(gradio, seen)
    return prepared.start(arguments, log) if prepared.environment == seen else None


# In the prepared process ---------------------------------------------------------------------------------------


def main() -> None:
    """Import, then fork for each line of the standard input."""
    gradio = int(sys.argv[1])
    sys.path[0] = str(LAUNCH.parent)
    launch = importlib.import_module("launch")
    os.environ.update({key: os.environ.get(key, value) for key, value in launch.THREADS.items()})
    path = list(sys.path)
    launch.prepare_path(SimpleNamespace(gradio_major=gradio, packages=None))
    for name in LIBRARIES:
        importlib.import_module(name)
    sys.path[:] = path  # launch.py sets its own
    del sys.modules["launch"]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    gc.collect()
    gc.freeze()  # so that a fork's collections don't copy what it shares with this process
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            with open(request["log"], "w", encoding="utf-8") as log:
                _serve(request["arguments"], log)
            return
        print(pid)


def _serve(arguments: Sequence[str], log: IO[str]) -> None:
    """Be launch.py until it ends."""
    with open(os.devnull, encoding="utf-8") as nothing:
        os.dup2(nothing.fileno(), 0)
    for number in (1, 2):
        os.dup2(log.fileno(), number)
    os.chdir(PROJECT)
    sys.argv = [str(LAUNCH), *arguments]
    runpy.run_path(str(LAUNCH), run_name="__main__")


if __name__ == "__main__":
    main()
