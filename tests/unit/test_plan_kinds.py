"""The plan for what people really have: checkpoints that nobody knows yet, and those that Hyper-SD is not for."""

from __future__ import annotations

from typing import Any

import pytest
from plans import build_request, make_plan, plan_for_tags

from lib_hypersd.models.checkpoint import describe
from lib_hypersd.models.families import Architecture
from lib_hypersd.models.lora_index import LoraIndex
from lib_hypersd.request.request import Request
from lib_hypersd.request.settings import Settings

SDXL = describe("sd_xl_base_1.0", "sdxl")


def request(prompt: str = "a cat", **fields: Any) -> Request:
    values = {"steps": 20, "cfg_scale": 7.0, "sampler_name": "Euler a", "scheduler": "Automatic", **fields}
    return build_request(prompts=(prompt,), main_prompt=prompt, denoising_strength=0.55, **values)


UNKNOWN = describe("old_model", "unknown")


def test_a_checkpoint_that_nobody_knows_yet_is_not_refused(everything: LoraIndex) -> None:
    asked = request("a cat <lora:Hyper-SDXL>")
    for plan in (make_plan(asked, Settings(), UNKNOWN, everything), plan_for_tags(asked, UNKNOWN, everything)):
        assert (plan.active, plan.changes, plan.unfit, plan.pending) == (False, (), False, True)
        assert plan.prompts == asked.prompts
        assert "old_model is not known until it is loaded" in plan.notice


@pytest.mark.parametrize("lora", ["auto", "none"])
def test_another_makers_one_step_unet_is_refused_with_the_reason(everything: LoraIndex, lora: str) -> None:
    plan = make_plan(request(), Settings(lora=lora), describe("sdxl_lightning_1step_unet_x0", "sdxl"), everything)
    assert not plan.changes
    assert plan.unfit
    assert "a 1-step UNet, SDXL-Lightning's" in plan.notice


@pytest.mark.parametrize(
    ("architecture", "title"),
    [("chroma", "Chroma"), ("mugen", "Mugen"), ("qwen", "Qwen-Image"), ("ssd", "SSD-1B"), ("flux2", "FLUX.2")],
)
def test_what_has_no_hyper_sd_is_refused_by_what_it_is(
    everything: LoraIndex, architecture: Architecture, title: str
) -> None:
    model = describe("any", architecture)
    plan = make_plan(request(families=("sd15", "sdxl", "flux")), Settings(), model, everything)
    assert f"any is {title}" in plan.notice
    assert "choose an SD 1.5, SDXL or FLUX.1-dev checkpoint" in plan.notice
    hires = make_plan(request(enable_hr=True, hr_prompts=("a cat",)), Settings(), SDXL, everything, model)
    assert hires.active
    assert f"its checkpoint any is {title}" in hires.notice


def test_a_hires_checkpoint_that_nobody_knows_yet_is_left_alone(everything: LoraIndex) -> None:
    asked = request(enable_hr=True, hr_prompts=("a cat <lora:Hyper-SDXL>",))
    plan = make_plan(asked, Settings(), SDXL, everything, UNKNOWN)
    assert plan.active
    assert "its checkpoint old_model is not known until it is loaded" in plan.notice
    assert "not for this checkpoint" not in plan.notice
