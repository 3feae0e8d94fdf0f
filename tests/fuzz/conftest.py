from __future__ import annotations

import pytest
from runs import SEED, ran
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
        terminalreporter.write_line(f"fuzz, seed {SEED}: {sum(ran.values()):,} cases ({counts})")  # type: ignore[attr-defined]
