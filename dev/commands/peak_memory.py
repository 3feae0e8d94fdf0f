"""The memory that a process and its descendants take at most, as a pytest plugin: Linux only, from /proc."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from pathlib import Path

import pytest

PROC = Path("/proc")
EVERY_S = 5.0
"""Reading the PSS of twenty processes takes 0.15 s of CPU time."""


def memory_of_tree(root: int) -> int:
    """Bytes that a process and its descendants take now, as the sum of their PSS: of a page that several processes
    share, each counts its part."""
    children = defaultdict(list)
    for stat in PROC.glob("[0-9]*/stat"):
        try:
            parent = stat.read_text().rpartition(")")[2].split()[1]
        except OSError:  # ended meanwhile
            continue
        children[int(parent)].append(int(stat.parent.name))
    total, left = 0, [root]
    while left:
        process = left.pop()
        left += children[process]
        total += _pss(process)
    return total


def _pss(process: int) -> int:
    try:
        lines = (PROC / str(process) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


class PeakMemory:
    """Samples the memory of this process's tree while the tests run, and prints the peak above pytest's last lines."""

    def __init__(self) -> None:
        self.peak = 0
        self._ended = threading.Event()
        self._sampler = threading.Thread(target=self._sample, name="peak memory", daemon=True)

    def pytest_sessionstart(self) -> None:
        if (PROC / "self" / "smaps_rollup").exists():
            self._sampler.start()

    def _sample(self) -> None:
        while not self._ended.wait(EVERY_S):
            self.peak = max(self.peak, memory_of_tree(os.getpid()))

    def pytest_sessionfinish(self) -> None:
        self._ended.set()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.peak:
            how = f"PSS of the process tree, every {EVERY_S:g} s"
            terminalreporter.write_line(f"peak memory of the tests and their servers: {self.peak / 1e9:.1f} GB ({how})")
