"""The plan for what people really have: checkpoints that nobody knows yet, and those that Hyper-SD is not for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from files import lora
from plans import build_request, make_plan, plan_for_tags

from lib_hypersd.models.checkpoint import describe
from lib_hypersd.models.families import Architecture
from lib_hypersd.models.lora_index import LoraIndex, SameStem
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


def test_both_files_of_one_stem_are_named(tmp_path: Path) -> None:
    name = "Hyper-SDXL-8steps-lora"
    files = [lora(tmp_path, name, 2048), lora(tmp_path, "Hyper-SDXL-4steps-lora", 2048)]
    index = LoraIndex(files, same_stems={name: SameStem(f"Lora/b/{name}.safetensors", (f"Lora/a/{name}.safetensors",))})
    said = f"the WebUI uses Lora/b/{name}.safetensors, not Lora/a/{name}.safetensors"
    assert said in make_plan(request(), Settings(), SDXL, index).notice
    assert "Several" not in make_plan(request(), Settings(steps=4), SDXL, index).notice


def test_a_style_in_the_prompt_is_not_the_lora_that_was_requested(tmp_path: Path) -> None:
    index = LoraIndex(lora(tmp_path, name, 2048) for name in ("Hyper_Realistic_v2", "Hyper-SDXL-8steps-lora"))
    plan = make_plan(request("a cat <lora:Hyper_Realistic_v2:0.8>"), Settings(steps=8), SDXL, index)
    assert plan.lora == "Hyper-SDXL-8steps-lora"
    assert plan.prompts == ("a cat <lora:Hyper_Realistic_v2:0.8> <lora:Hyper-SDXL-8steps-lora:0.75>",)
    assert plan.notices == ()
