"""The whole live suite against miniwebui, once for each profile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .runner import Session, all_scenarios
from .scenario import Scenario, SkippedError
from .server import miniwebui
from .target import Target

# One profile asks for credentials, so that the scenarios on access have something to check.
CREDENTIALS = {"forge": None, "neo": None, "reforge": "person:secret", "a1111": None}


@pytest.fixture(scope="module", params=CREDENTIALS)
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    auth = CREDENTIALS[request.param]
    with miniwebui(request.param, auth=auth) as client, Session(client) as found:
        yield found


@pytest.mark.parametrize("scenario", all_scenarios(), ids=lambda s: f"{s.group}.{s.name}")
def test_live(target: Target, scenario: Scenario) -> None:
    try:
        scenario.run(target)
    except SkippedError as reason:
        pytest.skip(str(reason))
