"""`python3 run.py test`: all tests, in several processes; further arguments go to pytest."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
MOST_PROCESSES = 4
"""Each has WebUIs of its own, of about 1 GB."""


def main() -> None:
    processes = str(min(os.cpu_count() or 1, MOST_PROCESSES))
    everything = ["-n", processes, "--dist", "loadgroup", str(PROJECT / "tests")]
    sys.exit(pytest.main(["--rootdir", str(PROJECT), *(sys.argv[1:] or everything)]))


if __name__ == "__main__":
    main()
