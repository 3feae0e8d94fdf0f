"""One server per profile, with the probe extension and without the project's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from server import HERE, Server, running

PROFILES = ("forge", "neo", "reforge", "a1111", "classic")


def _start(profile: str) -> Iterator[Server]:
    with running(
        profile,
        "--without-extension",
        *("--extra-extension", str(HERE / "probe_extension")),
        *("--extra-extension", str(HERE / "earlier_extension")),
        "--nowebui",
    ) as server:
        yield server


@pytest.fixture(scope="session")
def forge() -> Iterator[Server]:
    yield from _start("forge")


@pytest.fixture(scope="session")
def neo() -> Iterator[Server]:
    yield from _start("neo")


@pytest.fixture(scope="session")
def reforge() -> Iterator[Server]:
    yield from _start("reforge")


@pytest.fixture(scope="session")
def a1111() -> Iterator[Server]:
    yield from _start("a1111")


@pytest.fixture(scope="session")
def classic() -> Iterator[Server]:
    yield from _start("classic")


@pytest.fixture(params=PROFILES)
def host(request: pytest.FixtureRequest) -> Server:
    """Each host in turn."""
    server = request.getfixturevalue(request.param)
    server.profile = request.param
    server.post("/probe/clear")
    return server
