"""Hosts without schedule types (A1111 before 1.9): there the sampler brings its schedule."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from live.runner import Session
from live.server import PROJECT, miniwebui
from live.target import Target

TCD, ONE_STEP_UNET = "Hyper-SD TCD", "Hyper-SD 1-step UNet"


@pytest.fixture(scope="module")
def old_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("old") / "no-schedule-types"
    shutil.copytree(Path(__file__).parent / "extensions" / folder.name, folder)
    (folder / "project.json").write_text(json.dumps(str(PROJECT)))
    order = [part for path in (folder, PROJECT) for part in ("--extra-extension", str(path))]
    with miniwebui("a1111", "--without-extension", *order) as client, Session(client) as target:
        yield target


def timesteps(target: Target) -> list[float]:
    return [round(t, 2) for t in target.client.get("/miniwebui/v1/stats")["timesteps"]]


def test_each_schedule_is_a_sampler(old_host: Target) -> None:
    assert {TCD, ONE_STEP_UNET} <= old_host.samplers
    assert (old_host.status["samplers"], old_host.status["schedulers"]) == ([TCD, ONE_STEP_UNET], [])


@pytest.mark.parametrize(
    ("sampler", "steps", "expected"),
    [(TCD, 4, [999, 759, 499, 259]), (TCD, 1, [999]), (ONE_STEP_UNET, 1, [800]), (ONE_STEP_UNET, 2, [800, 400])],
)
def test_a_sampler_draws_on_its_schedule(old_host: Target, sampler: str, steps: int, expected: list[float]) -> None:
    drawn = old_host.draw(fresh=True, sampler_name=sampler, steps=steps, cfg_scale=1.0)
    assert timesteps(old_host) == expected
    assert drawn.infotext.fields["Sampler"] == sampler


def test_the_unified_recipe_takes_the_sampler(old_host: Target) -> None:
    drawn = old_host.draw(fresh=True, hypersd={"lora": "Hyper-SD15-1step-lora", "steps": 2})
    assert timesteps(old_host) == [999, 499]
    assert drawn.infotext.fields["Sampler"] == TCD
    assert "could not be set" not in drawn.infotext.own()["Hyper-SD notice"]
