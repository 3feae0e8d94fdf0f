"""Low-bit checkpoints: the merge loses a small LoRA and says so, the bypass brings it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from live.closeness import mean_distance
from live.runner import Session
from live.server import miniwebui
from live.target import Target

STORAGES = [("forge", "nf4"), ("neo", "fp8")]
AS_IF_NONE = 0.75
"""How far a picture whose LoRA is lost is from the right one, at least, in distances of the picture without it."""


@pytest.fixture(scope="module", params=STORAGES, ids=[f"{profile}-{storage}" for profile, storage in STORAGES])
def low_bit(request: pytest.FixtureRequest) -> Iterator[tuple[Target, str]]:
    profile, storage = request.param
    with miniwebui(profile, "--storage", storage) as client, Session(client) as target:
        yield target, storage


def test_the_bypass_brings_what_the_merge_loses(low_bit: tuple[Target, str]) -> None:
    target, storage = low_bit
    fields = {"override_settings": {"sd_model_checkpoint": target.checkpoint("sdxl")}}

    def drawn(**hypersd: object) -> object:
        return target.draw(hypersd=hypersd, **fields)

    auto, host = drawn(), drawn(apply="host")
    without = drawn(lora="none", steps=8)
    effect = mean_distance(without.picture, auto.picture)
    assert effect > 0
    assert auto.infotext.own()["Hyper-SD applied"] == "bypass"
    assert "Hyper-SD notice" not in auto.infotext.own()
    assert mean_distance(host.picture, auto.picture) >= AS_IF_NONE * effect
    if storage != "fp8":  # which may be rounded by chance
        assert mean_distance(without.picture, host.picture) < 0.5 * effect
    assert "Merged into this" in host.infotext.own()["Hyper-SD notice"]
    again = target.draw(hypersd={"apply": "bypass"}, fresh=True, **fields)
    assert again.picture.pixels == auto.picture.pixels


def test_status_and_plan_tell_the_storage(low_bit: tuple[Target, str]) -> None:
    target, storage = low_bit
    target.draw(hypersd={})
    status = target.client.get("/hypersd/v1/status")
    assert status["storage"] == storage
    assert 0 < status["merge"]["size"] < 1
    assert -0.5 < status["merge"]["kept"] < 1.5
    assert status["merge"]["error"] > 0
    answer = target.try_to_plan({}).json()
    assert answer["applied"] == "bypass"
    assert "beside the layers" in answer["remark"]
