"""Every call that the extension makes of its host fails in turn, and costs nobody a picture."""

from __future__ import annotations

import pytest

from dev.commands.bench_faults import Result, all_profiles

PROFILES = ("forge", "a1111")
FEWEST = {"calls": 300, "fields": 20, "things": 60, "deeds": 20}
"""So many at the least, over all profiles: fewer, and the faults are not found any more."""


@pytest.fixture(scope="module")
def result() -> Result:
    return all_profiles(PROFILES, quick=True, at_once=2)


def test_all_faults_are_survived(result: Result) -> None:
    assert not result.failed, "\n".join(result.failed)
    assert result.survived == result.tried.total()


@pytest.mark.parametrize("group", FEWEST)
def test_each_profile_has_tried_all_kinds_of_faults(result: Result, group: str) -> None:
    tried = [result.tried[f"{profile}, {group}"] for profile in PROFILES]
    assert min(tried) > 0
    assert sum(tried) >= FEWEST[group]
