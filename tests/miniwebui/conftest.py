"""One server per profile, with the probe extension and without the project's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from server import HERE, Server, running
from shared_servers import SharedServers

PROFILES = ("forge", "neo", "reforge", "a1111", "classic")


def _fixture(profile: str) -> Callable[..., Server]:
    @pytest.fixture(name=profile)
    def server(shared: SharedServers) -> Server:
        extensions = ("probe_extension", "earlier_extension")
        more = [part for name in extensions for part in ("--extra-extension", str(HERE / name))]
        return shared.get(("probe", profile), lambda: running(profile, "--without-extension", *more, "--nowebui"))

    return server


forge, neo, reforge, a1111, classic = map(_fixture, PROFILES)


@pytest.fixture(params=PROFILES)
def host(request: pytest.FixtureRequest) -> Server:
    """Each host in turn."""
    server = request.getfixturevalue(request.param)
    server.profile = request.param
    server.post("/probe/clear")
    return server
