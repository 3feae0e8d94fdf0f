"""`python3 run.py test`: all tests, in several processes; further arguments go to pytest."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from .peak_memory import PeakMemory

PROJECT = Path(__file__).resolve().parents[2]
MOST_PROCESSES = 4
"""Each has WebUIs of its own, of about 0.5 GB each."""


def main() -> None:
    processes = str(min(os.cpu_count() or 1, MOST_PROCESSES))
    everything = ["-n", processes, "--dist", "loadgroup", str(PROJECT / "tests")]
    arguments = ["--rootdir", str(PROJECT), *(sys.argv[1:] or everything)]
    sys.exit(pytest.main(arguments, plugins=[PeakMemory()]))


if __name__ == "__main__":
    main()
