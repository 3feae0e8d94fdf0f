"""Where schedule type Automatic makes a black picture of a flow model, as on the real hosts (docs/hosts.md)."""

from __future__ import annotations

import pytest
from server import Drawn

NUMBERS = ("SGM Uniform", "Simple", "Normal")


def shows(drawn: Drawn) -> bool:
    """Whether a picture is anything but black."""
    return any(map(any, drawn.pixels))


@pytest.mark.parametrize(
    ("profile", "checkpoint", "is_black"),
    [
        ("forge", "miniature-flux-dev", True),
        ("neo", "miniature-flux-dev", False),
        ("neo", "miniature-sdxl-rectified", True),
        ("neo", "miniature-mugen", True),
        ("neo", "miniature-sdxl", False),
    ],
)
def test_automatic_is_black_where_it_is_on_the_real_hosts(profile, checkpoint, is_black, request):
    server = request.getfixturevalue(profile)
    try:
        on = {"override_settings": {"sd_model_checkpoint": checkpoint}}
        assert shows(server.draw(scheduler="Automatic", **on)) != is_black
        assert all(shows(server.draw(scheduler=schedule, **on)) for schedule in NUMBERS)
    finally:
        server.post("/sdapi/v1/options", {"sd_model_checkpoint": "miniature-sd15"})


@pytest.mark.parametrize("profile", ["forge", "a1111"])
def test_only_neo_has_flow_variants_of_sdxl(profile, request):
    names = {model["model_name"] for model in request.getfixturevalue(profile).get("/sdapi/v1/sd-models")}
    assert not names & {"miniature-sdxl-rectified", "miniature-mugen"}
