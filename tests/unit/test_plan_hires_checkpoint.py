"""A hires pass on another checkpoint, and one that is turned on over a hires prompt of the request's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from files import lora
from plans import make_plan
from test_plan import FLUX, SD15, SDXL, after, applied, hires, request

from lib_hypersd.models.checkpoint import describe
from lib_hypersd.models.lora_index import LoraIndex
from lib_hypersd.request.settings import Settings
from lib_hypersd.sampling.names import TCD

OTHER_SDXL, SDXL_TURBO = describe("other_xl", "sdxl"), describe("some_turbo_4step", "sdxl")
CFG_LORA = "Hyper-SDXL-8steps-CFG-lora"


@pytest.mark.parametrize(
    ("settings", "tag"),
    [
        (Settings(), "<lora:Hyper-SDXL-8steps-lora:0.75>"),
        (Settings(lora=CFG_LORA), f"<lora:{CFG_LORA}:0.75>"),
        (Settings(lora="Hyper-SDXL-4steps-lora", weight=0.6), "<lora:Hyper-SDXL-4steps-lora:0.6>"),
        (Settings(lora="hyper-sdxl-2step"), "<lora:Hyper-SDXL-2steps-lora:0.75>"),
    ],
)
@pytest.mark.parametrize("mode", ["tune", "keep"])
def test_a_checkpoint_of_the_same_family_gets_the_same_lora(
    everything: LoraIndex, settings: Settings, tag: str, mode: str
) -> None:
    asked = hires(hr_prompts=("a dog",))
    plan = make_plan(asked, settings.naming({"hires": mode}), SDXL, everything, OTHER_SDXL)
    assert (plan.prompts, plan.hr_prompts) == ((f"a cat {tag}",), (f"a dog {tag}",))


def test_a_tag_typed_for_the_first_pass_holds_for_both(everything: LoraIndex) -> None:
    typed = "<lora:Hyper-SDXL-4steps-lora:0.6>"
    asked = hires(prompts=(f"a {typed}",), main_prompt=f"a {typed}", hr_prompts=("b",))
    plan = make_plan(asked, Settings(), SDXL, everything, OTHER_SDXL)
    assert plan.hr_prompts == (f"b {typed}",)


def test_a_lora_of_any_name_that_was_asked_for_holds_for_both(tmp_path: Path) -> None:
    index = LoraIndex([lora(tmp_path, "stranger-4steps", context=2048)])
    plan = make_plan(hires(), Settings(lora="stranger-4steps"), SDXL, index, OTHER_SDXL)
    assert plan.hr_prompts == ("a cat <lora:stranger-4steps:0.75>",)


def test_none_brings_no_tag_into_the_hires_pass_either(everything: LoraIndex) -> None:
    for checkpoint in (OTHER_SDXL, SD15):
        asked = hires()
        plan = make_plan(asked, Settings(lora="none"), SDXL, everything, checkpoint)
        assert plan.hr_prompts == ("a cat",)
        assert after(asked, plan, "hr_second_pass_steps") == 20
        assert "was left alone, but for CFG" in plan.notice
    asked = hires()
    plan = make_plan(asked, Settings(lora="none"), SDXL, everything, SDXL_TURBO)
    assert plan.hr_prompts == ("a cat",)
    assert after(asked, plan, "hr_second_pass_steps") == 2
    assert "left alone" not in plan.notice


def test_a_distilled_one_is_left_alone_unless_the_lora_was_named(everything: LoraIndex) -> None:
    plan = make_plan(hires(), Settings(), SDXL, everything, SDXL_TURBO)
    assert plan.hr_prompts == ("a cat",)
    assert "some_turbo_4step is distilled already (turbo)" in plan.notice
    plan = make_plan(hires(), Settings(lora=CFG_LORA), SDXL, everything, SDXL_TURBO)
    assert plan.hr_prompts == (f"a cat <lora:{CFG_LORA}:0.75>",)
    assert "on top will probably ruin the picture" in plan.notice


@pytest.mark.parametrize("settings", [Settings(), Settings(hires="always")])
def test_nor_is_it_named_by_the_tag_that_the_plan_itself_put_into_the_first_pass(
    everything: LoraIndex, settings: Settings
) -> None:
    asked = hires(enable_hr=settings.hires == "tune", hr_prompts=("a cat",) if settings.hires == "tune" else ())
    plan = make_plan(asked, settings, SDXL, everything, SDXL_TURBO)
    assert plan.prompts == ("a cat <lora:Hyper-SDXL-8steps-lora:0.75>",)
    assert "is distilled already (turbo)" in plan.notice
    assert make_plan(applied(asked, plan), settings, SDXL, everything, SDXL_TURBO).changes == ()


def test_a_typed_tag_counts_there_with_none_for_the_lora(everything: LoraIndex) -> None:
    prompts, settings = ("a cat <lora:Hyper-SDXL-4steps-lora:0.7>",), Settings(lora="none", hires="always")
    asked = hires(enable_hr=False, hr_prompts=(), prompts=prompts, hr_second_pass_steps=0)
    plan = make_plan(asked, settings, SDXL, everything, SDXL_TURBO)
    assert "Hyper-SDXL-4steps-lora on top will probably ruin the picture" in plan.notice
    assert make_plan(applied(asked, plan), settings, SDXL, everything, SDXL_TURBO).changes == ()


def test_a_pass_that_inherits_tcd_from_a_flow_model_gets_no_schedule_of_ours(everything: LoraIndex) -> None:
    settings = Settings(sampler="keep")
    asked = hires(
        sampler_name=TCD, hr_scheduler="Karras", own_samplers=frozenset({TCD}), own_schedules=frozenset({TCD})
    )
    plan = make_plan(asked, settings, FLUX, everything, OTHER_SDXL)
    assert (after(asked, plan, "sampler_name"), after(asked, plan, "hr_scheduler")) == ("Euler", "SGM Uniform")
    assert make_plan(applied(asked, plan), settings, FLUX, everything, OTHER_SDXL).changes == ()


def test_keep_says_where_the_pass_has_no_lora(everything: LoraIndex) -> None:
    plan = make_plan(hires(), Settings(hires="keep"), SDXL, everything, describe("sd21", "sd2"))
    assert plan.hr_prompts == ("a cat",)
    assert "The hires pass has no LoRA" in plan.notice
    assert not any(change.field.startswith("hr_") for change in plan.changes)


def test_one_cfg_for_both_passes_is_said(everything: LoraIndex, tmp_path: Path) -> None:
    sd2 = describe("sd21", "sd2")
    assert "for both passes (1)" in make_plan(hires(), Settings(), SDXL, everything, sd2).notice
    assert "for both passes" not in make_plan(hires(hr_cfg=7.0), Settings(), SDXL, everything, sd2).notice
    index = LoraIndex([lora(tmp_path, "Hyper-SD15-8steps-CFG-lora"), lora(tmp_path, "Hyper-SDXL-8steps-lora", 2048)])
    assert "Hires CFG 1 is outside the recipe's 3–7" in make_plan(hires(), Settings(), SDXL, index, SD15).notice
    assert "outside" not in make_plan(hires(hr_cfg=6.0), Settings(), SDXL, index, SD15).notice


@pytest.mark.parametrize("typed", ["<lora:Hyper-FLUX:0.1>", "<lora:Hyper-SD15-8steps-CFG-lora:abc>"])
def test_what_is_wrong_with_a_hires_prompts_tag_is_said(everything: LoraIndex, typed: str) -> None:
    plan = make_plan(hires(hr_prompts=(f"a {typed}",)), Settings(), SDXL, everything, SD15)
    assert typed.split(":")[1] in plan.notice


# Turned on -----------------------------------------------------------------------------------------------------


def test_a_tag_in_the_requests_own_hires_prompt_counts_where_the_pass_is_turned_on(everything: LoraIndex) -> None:
    typed = "<lora:Hyper-SDXL-4steps-lora:0.3>"
    asked = request(own_hr_prompt=f"z {typed}")
    plan = make_plan(asked, Settings(hires="always"), SDXL, everything)
    assert (plan.prompts, plan.hr_prompts) == ((f"a cat {typed}",), (f"z {typed}",))
    assert make_plan(asked, Settings(), SDXL, everything).lora == "Hyper-SDXL-8steps-lora"


@pytest.mark.parametrize("name", ["<lora:Hyper-FLUX:0.1>", "<lora:Hyper-SDXL-4steps:0.3>"])
def test_an_alias_there_is_taken_for_one(everything: LoraIndex, name: str) -> None:
    plan = make_plan(request(own_hr_prompt=f"z {name}"), Settings(hires="always"), SDXL, everything)
    assert "FLUX" in plan.notice if "FLUX" in name else plan.lora == "Hyper-SDXL-4steps-lora"


def test_a_refusal_says_nothing_of_a_hires_prompt_that_is_not_drawn(everything: LoraIndex) -> None:
    asked = request(own_hr_prompt="z <lora:Hyper-SD15>")
    plan = make_plan(asked, Settings(hires="always"), describe("sd21", "sd2"), everything)
    assert (plan.active, len(plan.notices)) == (False, 1)


# What a refusal takes out --------------------------------------------------------------------------------------


def test_an_alias_that_a_refusal_takes_out_is_named(everything: LoraIndex) -> None:
    asked: Any = request("a <lora:Hyper-SD3-cfg:0.2>")
    plan = make_plan(asked, Settings(sampler="Hyper-SD TCD"), describe("sd3_medium", "sd3"), everything)
    assert (plan.active, plan.prompts) == (False, ("a",))
    assert "<lora:Hyper-SD3-cfg> was taken out" in plan.notice


def test_so_is_one_whose_name_begins_that_of_a_file_in_the_refusal(tmp_path: Path) -> None:
    index = LoraIndex([lora(tmp_path, "Hyper-SD15-8steps-lora")])
    notice = make_plan(request("a <lora:Hyper-SD15-2steps-lora:1> <lora:Hyper-SD15>"), Settings(), SD15, index).notice
    assert "Hyper-SD15-2steps-lora.safetensors is not on this machine" in notice
    assert "<lora:Hyper-SD15> was taken out" in notice
