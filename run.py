#!/usr/bin/env python3
"""The project's commands. The first call makes .venv from pinned requirements; later calls start at once.

    python3 run.py demo | ui | test | bench | live   (each has --help)
    python3 run.py test --fast                       the core of the tests, in less than two minutes

Needs nothing but Python 3.10 to 3.13. HYPERSD_VENV names another folder than .venv, for a second Python beside the
first; HYPERSD_TORCH=oldest takes the oldest torch that is supported.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent
VENV = PROJECT / os.environ.get("HYPERSD_VENV", ".venv")
TORCH = "torch-oldest.txt" if os.environ.get("HYPERSD_TORCH") == "oldest" else "torch.txt"
REQUIREMENTS = [PROJECT / "dev" / "requirements" / name for name in (TORCH, "main.txt", "last.txt")]
GRADIO_3 = PROJECT / "dev" / "requirements" / "gradio3.txt"
COMMANDS = ("demo", "ui", "test", "bench", "live")
OLDEST, NEWEST = (3, 10), (3, 13)


def venv_python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def wanted_stamp() -> str:
    """Changes with the requirements."""
    digest = hashlib.sha256()
    for path in (*REQUIREMENTS, GRADIO_3):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def pip(*arguments: str) -> None:
    command = [str(venv_python()), "-m", "pip", "install", "--disable-pip-version-check", *arguments]
    if subprocess.call(command) != 0:
        sys.exit(f"error: {' '.join(command)} failed; run the same command again to go on")


def set_up() -> None:
    """Make or renew the environment, in steps that show pip's own progress."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        sys.exit(f"error: Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]} is needed, this is {sys.version}")
    print(f"Setting up {VENV} (once; about 6 GB, a few minutes)", flush=True)
    if not venv_python().exists():
        subprocess.check_call([sys.executable, "-m", "venv", str(VENV)])
    for number, path in enumerate(REQUIREMENTS, start=1):
        print(f"[{number}/4] {path.relative_to(PROJECT)}", flush=True)
        pip(*(("--no-deps",) if path.stem == "last" else ()), "-r", str(path))
    print(f"[4/4] {GRADIO_3.relative_to(PROJECT)}, for the profiles a1111, classic and reforge", flush=True)
    overlay = VENV / "gradio3"
    shutil.rmtree(overlay, ignore_errors=True)
    pip("--no-deps", "--target", str(overlay), "-r", str(GRADIO_3))
    (VENV / "stamp").write_text(wanted_stamp())


def ensure_environment() -> None:
    stamp = VENV / "stamp"
    if not (venv_python().exists() and stamp.exists() and stamp.read_text() == wanted_stamp()):
        set_up()


def main() -> None:
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    if command not in COMMANDS:
        print(__doc__.strip(), file=sys.stderr if command not in ("-h", "--help") else sys.stdout)
        sys.exit(0 if command in ("-h", "--help") else 2)
    ensure_environment()
    os.environ["PYTHONUNBUFFERED"] = "1"
    program = [str(venv_python()), "-m", f"dev.commands.{command}", *sys.argv[2:]]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    if os.name == "nt":
        sys.exit(subprocess.call(program, env=environment))
    os.execve(program[0], program, environment)


if __name__ == "__main__":
    main()
