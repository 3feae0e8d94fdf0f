"""`python3 run.py test`: all tests; further arguments go to pytest."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


def main() -> None:
    sys.exit(pytest.main(["--rootdir", str(PROJECT), *(sys.argv[1:] or [str(PROJECT / "tests")])]))


if __name__ == "__main__":
    main()
