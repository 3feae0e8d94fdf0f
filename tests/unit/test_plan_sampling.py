"""The plan's use of our own sampler and schedule types, by the contract's words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from plans import build_request, make_plan, plan_for_own_sampling

from lib_hypersd.models.checkpoint import Checkpoint, describe
from lib_hypersd.models.lora_index import LoraIndex
from lib_hypersd.plan import make
from lib_hypersd.plan.draft import Inputs
from lib_hypersd.plan.result import Plan
from lib_hypersd.request.request import Request
from lib_hypersd.request.settings import Settings
from lib_hypersd.sampling.names import ONE_STEP_UNET, SCHEDULES, TCD, tcd_eta

SD15, SDXL = describe("dreamshaper_8", "sd15"), describe("sd_xl_base_1.0", "sdxl")
FLUX, SD3 = describe("flux1-dev", "flux-dev"), describe("sd3_medium", "sd3")
FLOW_SDXL = describe("rectified-xl", "sdxl", uses_shift=True)
MUGEN = describe("mugen_v1", "mugen")
SGM = "SGM Uniform"
UNIFIED = Settings(lora="Hyper-SD15-1step-lora")


def request(**fields: Any) -> Request:
    defaults: dict[str, Any] = {
        "prompts": ("a cat",),
        "main_prompt": "a cat",
        "steps": 20,
        "cfg_scale": 7.0,
        "sampler_name": "DPM++ 2M",
        "scheduler": "Automatic",
    }
    return build_request(**{**defaults, **fields})


def hires(**fields: Any) -> Request:
    return request(enable_hr=True, hr_prompts=("a cat",), **{"denoising_strength": 0.55, **fields})


def result(asked: Request, plan: Plan) -> Request:
    return replace(asked, **{c.field: c.after for c in plan.settings_changes})


def drawn_by(asked: Request, plan: Plan) -> tuple[int, str, str | None]:
    done = result(asked, plan)
    return done.steps, done.sampler_name, done.scheduler


@pytest.mark.parametrize(("steps", "drawn"), [("auto", 1), (1, 1), (2, 2), (4, 4), (8, 8)])
def test_unified_loras_are_drawn_by_tcd_on_its_own_schedule(everything: LoraIndex, steps: Any, drawn: int) -> None:
    plan = make_plan(request(), replace(UNIFIED, steps=steps), SD15, everything)
    assert drawn_by(request(), plan) == (drawn, TCD, TCD)
    assert any("this extension's own" in notice for notice in plan.notices)
    assert len(plan.notices) == 1


def test_plain_loras_stay_at_euler(everything: LoraIndex) -> None:
    for name in ("Hyper-SD15-2steps-lora", "Hyper-SD15-8steps-lora", "Hyper-SD15-8steps-CFG-lora"):
        plan = make_plan(request(), Settings(lora=name), SD15, everything)
        assert drawn_by(request(), plan)[1:] == ("Euler", "SGM Uniform")
        assert not plan.notices


def test_tcd_is_one_choice_away(everything: LoraIndex) -> None:
    plan = make_plan(request(), Settings(sampler=TCD), SD15, everything)
    assert drawn_by(request(), plan) == (8, TCD, TCD)
    assert not any("expect" in notice for notice in plan.notices)


def test_another_sampler_for_a_unified_lora_gets_a_stock_schedule(everything: LoraIndex) -> None:
    plan = make_plan(request(), replace(UNIFIED, sampler="Euler", steps=4), SD15, everything)
    assert drawn_by(request(), plan) == (4, "Euler", "SGM Uniform")
    assert any(f"the recipe's {TCD}" in notice for notice in plan.notices)


def test_a_taken_name_falls_back_to_euler_with_a_notice(everything: LoraIndex) -> None:
    asked = request(own_samplers=frozenset(), own_schedules=frozenset())
    plan = make_plan(asked, replace(UNIFIED, steps=4), SD15, everything)
    assert drawn_by(asked, plan) == (4, "Euler", "SGM Uniform")
    assert any("Another extension's" in notice for notice in plan.notices)


def test_automatic_with_our_sampler_is_our_schedule(everything: LoraIndex) -> None:
    """The hosts paste a sampler's own schedule type as Automatic."""
    asked = request(sampler_name=TCD, steps=4, cfg_scale=1.0)
    plan = make_plan(asked, replace(UNIFIED, steps=4), SD15, everything)
    assert not plan.settings_changes


def test_hosts_without_schedule_types_get_the_sampler(everything: LoraIndex) -> None:
    asked = request(scheduler=None, own_samplers=frozenset(SCHEDULES), own_schedules=frozenset())
    plan = make_plan(asked, replace(UNIFIED, steps=4), SD15, everything)
    assert drawn_by(asked, plan) == (4, TCD, None)
    assert not any("could not be set" in notice for notice in plan.notices)
    unet = make_plan(asked, Settings(), describe("Hyper-SDXL-1step-Unet", "sdxl"), everything)
    assert drawn_by(asked, unet) == (1, ONE_STEP_UNET, None)
    assert not any("could not be set" in notice or "expect" in notice for notice in unet.notices)


def test_the_hires_pass_is_drawn_by_tcd_too(everything: LoraIndex) -> None:
    asked = hires(hr_sampler_name="Heun", hr_scheduler="Karras")
    done = result(asked, make_plan(asked, replace(UNIFIED, steps=8), SD15, everything))
    assert (done.hr_sampler_name, done.hr_scheduler) == (TCD, TCD)
    assert (done.hr_second_pass_steps, done.denoising_strength) == (5, 0.56)


# Eta


def test_eta_comes_by_the_number_of_steps() -> None:
    assert (tcd_eta(1), tcd_eta(2), tcd_eta(8), tcd_eta(1, 0.5), tcd_eta(2, 0.5)) == (1.0, 0.3, 0.3, 1.0, 0.5)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_an_eta_that_is_asked_for_is_the_plans(everything: LoraIndex, eta: float) -> None:
    assert make_plan(request(), replace(UNIFIED, eta=eta), SD15, everything).eta == eta
    assert make_plan(request(), UNIFIED, SD15, everything).eta is None


def test_an_eta_without_tcd_gets_a_notice(everything: LoraIndex) -> None:
    plan = make_plan(request(), Settings(eta=0.5), SD15, everything)
    assert plan.eta is None
    assert any("Eta was not used" in notice for notice in plan.notices)


# What can't be drawn


@pytest.mark.parametrize("checkpoint", [FLUX, SD3, FLOW_SDXL])
@pytest.mark.parametrize(
    "settings", [Settings(sampler=TCD), Settings(scheduler=TCD), Settings(scheduler=ONE_STEP_UNET)]
)
def test_ours_asked_for_on_a_flow_model_change_nothing(
    everything: LoraIndex, checkpoint: Checkpoint, settings: Settings
) -> None:
    plan = make_plan(request(), settings, checkpoint, everything)
    assert (plan.active, plan.changes) == (False, ())
    assert "nothing was changed" in plan.notice


def test_the_loaded_models_own_word_decides_what_is_a_flow_model(everything: LoraIndex) -> None:
    plan = make_plan(request(flow=True), Settings(sampler=TCD), SDXL, everything)
    assert not plan.active
    assert "flow model" in plan.notice


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"steps": 51}, "51"),
        ({"steps": 0}, "0"),
        ({"noise_levels": 999}, "999"),
    ],
)
def test_a_schedule_asked_for_that_cannot_be_had_changes_nothing(
    everything: LoraIndex, fields: dict[str, Any], why: str
) -> None:
    plan = make_plan(request(**fields), Settings(scheduler=TCD, steps="keep"), SD15, everything)
    assert (plan.active, plan.changes) == (False, ())
    assert why in plan.notice


@pytest.mark.parametrize(
    ("asked", "checkpoint", "changes"),
    [
        (request(scheduler=TCD), FLUX, {"scheduler": SGM}),
        (request(scheduler=ONE_STEP_UNET), SD3, {"scheduler": SGM}),
        (request(sampler_name=TCD), FLUX, {"sampler_name": "Euler", "scheduler": SGM}),
        (request(sampler_name=TCD), FLOW_SDXL, {"sampler_name": "Euler", "scheduler": SGM}),
        (request(sampler_name=TCD, scheduler="Simple"), FLUX, {"sampler_name": "Euler"}),
        (request(sampler_name=TCD, scheduler=TCD, steps=51), SD15, {"sampler_name": "Euler", "scheduler": "Automatic"}),
        (request(sampler_name=TCD, scheduler="Karras", steps=51), SD15, {}),
        (request(scheduler=TCD, steps=50), SD15, {}),
        (hires(hr_scheduler=TCD, hr_second_pass_steps=30), SD15, {"hr_scheduler": "Automatic"}),
        (hires(sampler_name=TCD, hr_second_pass_steps=30), SD15, {"hr_sampler_name": "Euler"}),
        (hires(sampler_name=TCD), FLUX, {"sampler_name": "Euler", "scheduler": SGM}),
        (hires(hr_sampler_name=TCD), FLUX, {"hr_sampler_name": "Euler", "hr_scheduler": SGM}),
        (request(scheduler=TCD, explicit=frozenset({"scheduler"})), FLUX, {"scheduler": SGM}),
        (
            request(mode="img2img", img2img_fixed_steps=True, denoising_strength=0.3, scheduler=TCD),
            SD15,
            {"scheduler": "Automatic"},
        ),
    ],
)
def test_ours_chosen_in_the_page_give_way_where_they_cannot_draw(
    asked: Request, checkpoint: Checkpoint, changes: dict[str, str]
) -> None:
    plan = plan_for_own_sampling(asked, checkpoint)
    assert {c.field: c.after for c in plan.settings_changes} == changes if plan else changes == {}
    if plan:
        assert "can't be used here" in plan.notice
        assert plan.prompts == asked.prompts
        assert not plan.active


def test_a_refused_request_gives_way_too(everything: LoraIndex) -> None:
    asked = request(scheduler=TCD)
    plan = make_plan(asked, Settings(lora="Hyper-SDXL-8steps-lora"), FLUX, everything)
    assert not plan.active
    assert result(asked, plan).scheduler == SGM


@pytest.mark.parametrize("checkpoint", [FLUX, SD3, FLOW_SDXL, MUGEN])
@pytest.mark.parametrize(
    ("settings", "files"),
    [(None, True), (Settings(lora="Hyper-SD15-8steps-lora"), True), (Settings(sampler=TCD), True), (Settings(), False)],
)
def test_no_flow_model_is_left_with_automatic_where_the_sampler_was_replaced(
    everything: LoraIndex, checkpoint: Checkpoint, settings: Settings | None, files: bool
) -> None:
    """Automatic is black on Forge with FLUX, and on Forge Neo with SDXL's flow variants and Mugen."""
    given = request(sampler_name=TCD, scheduler="Automatic")
    index = everything if files else LoraIndex()
    plan = make_plan(given, settings, checkpoint, index) if settings else plan_for_own_sampling(given, checkpoint)
    assert plan is not None
    done = result(given, plan)
    assert (done.sampler_name, done.scheduler) == ("Euler", SGM)
    assert f"taken instead: sampler Euler and schedule type {SGM}" in plan.notice
    assert "nothing was changed" not in plan.notice


@pytest.mark.parametrize("checkpoint", [FLOW_SDXL, MUGEN, FLUX])
@pytest.mark.parametrize(
    ("settings", "fields"),
    [
        (None, {"sampler_name": TCD}),
        (Settings(lora="Hyper-FLUX.1-dev-8steps-lora"), {"sampler_name": TCD}),
        (Settings(sampler="keep"), {"sampler_name": TCD}),
        (Settings(hires="keep"), {"hr_sampler_name": TCD, "hr_scheduler": "Automatic"}),
    ],
)
def test_a_hires_pass_on_a_flow_checkpoint_is_judged_by_that_one(
    everything: LoraIndex, checkpoint: Checkpoint, settings: Settings | None, fields: dict[str, Any]
) -> None:
    given = hires(scheduler="Automatic", **fields)
    inputs = Inputs(given, SDXL, everything, checkpoint)
    plan = make.make_plan(inputs, settings) if settings else make.plan_for_own_sampling(inputs)
    assert plan is not None
    done = result(given, plan)
    assert (done.hr_sampler_name or done.sampler_name) == "Euler"
    assert (done.hr_scheduler or done.scheduler) == SGM
    assert "taken instead: sampler Euler" in plan.notice


def test_tcd_by_name_is_not_the_hires_passes_on_a_flow_checkpoint(everything: LoraIndex) -> None:
    given = hires(scheduler="Automatic")
    plan = make_plan(given, Settings(sampler=TCD, steps=4), SDXL, everything, FLOW_SDXL)
    done = result(given, plan)
    assert (done.sampler_name, done.scheduler, done.hr_sampler_name, done.hr_scheduler) == (TCD, TCD, "Euler", SGM)
    assert "this is a flow model" in plan.notice


def test_a_flow_variant_is_not_said_to_be_no_sdxl(everything: LoraIndex) -> None:
    notice = make_plan(request(), Settings(sampler=TCD), FLOW_SDXL, everything).notice
    assert notice.startswith("rectified-xl is a flow model, and Hyper-SD TCD is for models that predict noise")


def test_a_sampler_that_an_axis_replaces_is_no_reason_to_refuse(everything: LoraIndex) -> None:
    given = request(sampler_name="Euler", explicit=frozenset({"sampler_name"}))
    plan = make_plan(given, Settings(sampler=TCD), FLUX, everything)
    assert plan.active
    assert result(given, plan).sampler_name == "Euler"


def test_another_extensions_sampler_of_our_name_is_left_alone() -> None:
    asked = request(sampler_name=TCD, scheduler=TCD, steps=51, own_samplers=frozenset(), own_schedules=frozenset())
    assert plan_for_own_sampling(asked, SD15) is None
    assert plan_for_own_sampling(asked, FLUX) is None
