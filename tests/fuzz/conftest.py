from __future__ import annotations

from runs import SEED, ran


def pytest_terminal_summary(terminalreporter: object) -> None:
    """What was tried, for the log."""
    if ran:
        counts = ", ".join(f"{target} {count:,}" for target, count in ran.items())
        terminalreporter.write_line(f"fuzz, seed {SEED}: {sum(ran.values()):,} cases ({counts})")  # type: ignore[attr-defined]
