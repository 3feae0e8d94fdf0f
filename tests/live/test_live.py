"""The whole live suite against miniwebui, once for each profile."""

from __future__ import annotations

import pytest

from .runner import all_scenarios
from .scenario import Scenario, SkippedError
from .target import Target


@pytest.mark.parametrize("scenario", all_scenarios(), ids=lambda s: f"{s.group}.{s.name}")
def test_live(target: Target, scenario: Scenario) -> None:
    try:
        scenario.run(target)
    except SkippedError as reason:
        pytest.skip(str(reason))
