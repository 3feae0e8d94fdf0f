"""How many cases were tried in all: counted where they run, which may be several processes, told where the run ends."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from .budget import AT_LEAST, CASES, FACTOR, IN_HOST, PROMISED, SEED

PROPERTY = "fuzz cases"
"""The property of a test's report that tells the cases it ran, by target."""
MODULES = {path.name for path in Path(__file__).parent.glob("test_fuzz_*.py")}


class FuzzAccount:
    """A pytest plugin that sums up the cases of all tests."""

    def __init__(self) -> None:
        self.ran: Counter[str] = Counter()
        self.modules: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            self.modules.add(Path(report.nodeid.partition("::")[0]).name)
            self.ran.update(dict(report.user_properties).get(PROPERTY, {}))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """What was tried, for the log."""
        if self.ran:
            counts = ", ".join(f"{target} {count:,}" for target, count in self.ran.items())
            missing = sorted({*CASES, *IN_HOST} - self.ran.keys())
            if missing:
                counts += f"; not run: {', '.join(missing)}"
            promised = f"{PROMISED:,} promised"
            if FACTOR < 1:
                promised += f" at {FACTOR:g} of the cases ({AT_LEAST:,} in a full run)"
            terminalreporter.write_line(f"fuzz, seed {SEED}: {self.ran.total():,} cases of {promised} ({counts})")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run of all targets in which fewer cases held than were promised; a narrower run has fewer."""
        enough = self.ran.keys() == {*CASES, *IN_HOST} and self.ran.total() >= PROMISED
        if self.modules >= MODULES and not enough:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
