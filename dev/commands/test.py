"""`python3 run.py test [--fast] [ARGS...]`: all tests, in several processes; ARGS go to pytest, in place of all tests.

`--fast` runs the core in less than two minutes on two idle cores: the scenarios on Forge's miniwebui, the unit tests
without those of the samplers, and a tenth of the fuzz cases. More may follow it for pytest: `--fast -k panel`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from .peak_memory import PeakMemory

PROJECT = Path(__file__).resolve().parents[2]
MOST_PROCESSES = 4
"""Each has WebUIs of its own, of about 0.5 GB each."""
CORE = ("live", "unit", "fuzz")
"""The longest first: the scenarios are one process's, since they share a WebUI; the others take the rest."""
NOT_CORE = ("unit/test_tcd.py",)
"""What it compares with, diffusers and k-diffusion, takes each process longer to import than all other unit tests."""
CORE_PROFILE = "forge"
CORE_FUZZ_FACTOR = "0.1"


def arguments(given: list[str]) -> list[str]:
    """pytest's arguments for those of `run.py test`."""
    processes = str(min(os.cpu_count() or 1, MOST_PROCESSES))
    parallel = ["-n", processes, "--dist", "loadgroup"]
    if "--fast" in given:
        core = [str(PROJECT / "tests" / name) for name in CORE]
        core += [f"--ignore={PROJECT / 'tests' / name}" for name in NOT_CORE]
        return [*parallel, f"--profiles={CORE_PROFILE}", *core, *(each for each in given if each != "--fast")]
    return given or [*parallel, str(PROJECT / "tests")]


def main() -> None:
    given = sys.argv[1:]
    if "--fast" in given:
        os.environ.setdefault("HYPERSD_FUZZ_FACTOR", CORE_FUZZ_FACTOR)
    os.environ.setdefault(
        "OMP_NUM_THREADS", "1"
    )  # each process has a core; threads that wait for work would spin on it
    sys.exit(pytest.main(["--rootdir", str(PROJECT), *arguments(given)], plugins=[PeakMemory()]))


if __name__ == "__main__":
    main()
