"""Hosts without schedule types, of which Forge Classic is one: there the sampler brings its schedule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from live.client import Drawn
from live.runner import Session
from live.server import miniwebui
from live.target import Target

TCD, ONE_STEP_UNET = "Hyper-SD TCD", "Hyper-SD 1-step UNet"
TRAINED = [999, 874, 749, 624, 500, 375, 250, 125]
"""Eight steps as SGM Uniform has them, to the nearest whole one."""

pytestmark = pytest.mark.parametrize("host_profile", ["classic"], indirect=True)


@pytest.fixture(scope="module")
def other_host() -> Iterator[Target]:
    with miniwebui("a1111") as client, Session(client) as target:
        yield target


def timesteps(target: Target) -> list[float]:
    return [round(t, 2) for t in target.client.get("/miniwebui/v1/stats")["timesteps"]]


def line(drawn: Drawn) -> str:
    """The infotext's last line, as the host wrote it."""
    return drawn.infotext.text.split("\n")[-1]


def test_each_schedule_is_a_sampler(target: Target) -> None:
    assert target.client.send("GET", "/sdapi/v1/schedulers").status == 404
    assert {TCD, ONE_STEP_UNET} <= target.samplers
    assert (target.status["samplers"], target.status["schedulers"]) == ([TCD, ONE_STEP_UNET], [])
    assert target.status["host"] == "Forge Classic"


@pytest.mark.parametrize(
    ("sampler", "steps", "expected"),
    [(TCD, 4, [999, 759, 499, 259]), (TCD, 1, [999]), (ONE_STEP_UNET, 1, [800]), (ONE_STEP_UNET, 2, [800, 400])],
)
def test_a_sampler_draws_on_its_schedule(target: Target, sampler: str, steps: int, expected: list[float]) -> None:
    drawn = target.draw(fresh=True, sampler_name=sampler, steps=steps, cfg_scale=1.0)
    assert timesteps(target) == expected
    assert f"Sampler: {sampler}," in line(drawn)


def test_the_unified_recipe_takes_the_sampler(target: Target) -> None:
    drawn = target.draw(fresh=True, hypersd={"lora": "Hyper-SD15-1step-lora", "steps": 2})
    assert timesteps(target) == [999, 499]
    assert f"Sampler: {TCD}," in line(drawn)
    assert "could not be set" not in drawn.infotext.own()["Hyper-SD notice"]


@pytest.mark.parametrize("option", ["Automatic", "karras"])
def test_the_recipe_draws_on_the_trained_timesteps_whatever_the_hosts_option_says(target: Target, option: str) -> None:
    with target.option("k_sched_type", option):
        drawn = target.draw(fresh=True, hypersd={"lora": "Hyper-SD15-8steps-lora"})
        assert timesteps(target) == TRAINED
        assert "Sampler: Euler SGMUniform," in line(drawn)
        assert drawn.infotext.own().keys() == {"Hyper-SD", "Hyper-SD weight", "Hyper-SD changes"}


def test_a_schedule_type_by_name_is_an_error_that_says_why(target: Target) -> None:
    drawn = target.draw(hypersd={"scheduler": "SGM Uniform"})
    assert "no schedule types" in drawn.infotext.own()["Hyper-SD error"]
    assert drawn.picture.pixels == target.draw().picture.pixels


def test_a_tag_in_a_comment_is_not_doubled_in_the_hires_pass(target: Target) -> None:
    """The host takes comments out of the first pass's prompts alone."""
    tag = "<lora:Hyper-SD15-8steps-lora:1>"
    hires = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "None", "denoising_strength": 0.55}
    plain, wish = "a red circle", {"lora": "Hyper-SD15-8steps-lora"}
    commented = f"{plain} # {tag}"
    drawn = target.draw(hypersd=wish, prompt=commented, **hires)
    assert drawn.infotext.fields["Hires prompt"] == commented
    assert drawn.infotext.prompt == f"{plain} \n{tag}"
    assert target.draw_infotext(drawn.infotext).picture.pixels == drawn.picture.pixels
    doubled = target.pasted(drawn.infotext) | {"hr_prompt": f"{commented} {tag}"}
    assert target.draw(**doubled).picture.pixels != drawn.picture.pixels


def test_another_hosts_infotext_draws_by_the_recipe_here(target: Target, other_host: Target) -> None:
    """It names Euler and a schedule type, which this host takes for an option's value that it does not know."""
    told = other_host.draw(hypersd={"lora": "Hyper-SD15-8steps-lora"})
    assert "Schedule type: SGM Uniform" in told.infotext.text
    with target.option("k_sched_type", "Automatic"):
        drawn = target.draw_by_infotext_field(told)
        assert timesteps(target) == TRAINED
    assert "Sampler: Euler SGMUniform," in line(drawn)


def test_another_host_draws_from_an_infotext_of_here(target: Target, other_host: Target) -> None:
    told = target.draw(hypersd={"lora": "Hyper-SD15-8steps-lora"})
    request: dict[str, Any] = {"infotext": told.infotext.text, "alwayson_scripts": {"Hyper-SD": {"args": [False]}}}
    for body in ({"infotext": told.infotext.text}, request):
        drawn = Drawn.read(other_host.client.post("/sdapi/v1/txt2img", body))
        assert [round(t) for t in timesteps(other_host)] == pytest.approx(TRAINED, abs=1)
        assert "Sampler: Euler, Schedule type: SGM Uniform" in drawn.infotext.text
        assert drawn.picture.distance(told.picture) <= 8  # the net is given 874.12 there, and 874 here
