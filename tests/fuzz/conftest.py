from __future__ import annotations

from pathlib import Path

import pytest
from runs import AT_LEAST, CASES, FACTOR, IN_HOST, SEED, ran
from unit.files import whole_catalog

from lib_hypersd.lora_files import LoraIndex


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> LoraIndex:
    """A machine that has every published file."""
    return whole_catalog(tmp_path_factory.mktemp("Lora"))


def pytest_terminal_summary(terminalreporter: object) -> None:
    """What was tried, for the log."""
    if ran:
        counts = ", ".join(f"{target} {count:,}" for target, count in ran.items())
        missing = sorted({*CASES, *IN_HOST} - ran.keys())
        if missing:
            counts += f"; not run: {', '.join(missing)}"
        terminalreporter.write_line(
            f"fuzz, seed {SEED}: {sum(ran.values()):,} cases of {AT_LEAST:,} promised ({counts})"
        )  # type: ignore[attr-defined]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run of all targets in which fewer cases held than were promised; a narrower run has fewer."""
    everything_asked = {item.path.name for item in session.items} >= _MODULES
    enough = ran.keys() == {*CASES, *IN_HOST} and sum(ran.values()) >= AT_LEAST * min(FACTOR, 1)
    if everything_asked and not session.config.option.collectonly and not enough:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


_MODULES = {path.name for path in Path(__file__).parent.glob("test_fuzz_*.py")}
