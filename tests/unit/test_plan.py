"""The plan, by the contract's words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from files import index_of, lora
from hypothesis import given
from hypothesis import strategies as st
from plans import build_request, make_plan, plan_for_tags, request_with

from lib_hypersd.models.catalog import BY_NAME
from lib_hypersd.models.checkpoint import describe
from lib_hypersd.models.lora_index import LoraIndex
from lib_hypersd.panel.paste import panel_value
from lib_hypersd.plan.infotext import entries
from lib_hypersd.plan.result import FIELD_TITLES, PROMPT_FIELDS, Plan
from lib_hypersd.request.request import Request
from lib_hypersd.request.settings import KEYS, PANEL_DEFAULTS, Settings, from_positional
from lib_hypersd.request.tag_rule import Lookups, requested_by_tags
from lib_hypersd.sampling.names import BOUND, ONE_STEP_UNET, SCHEDULES, TCD, is_own

SD15, SDXL = describe("dreamshaper_8", "sd15"), describe("sd_xl_base_1.0", "sdxl")
FLUX, SD3 = describe("flux1-dev", "flux-dev"), describe("sd3_medium", "sd3")
TAG = "<lora:Hyper-SD15-8steps-lora:1>"


def request(prompt: str = "a cat", **fields: Any) -> Request:
    defaults: dict[str, Any] = {
        "prompts": (prompt,),
        "main_prompt": prompt,
        "steps": 20,
        "cfg_scale": 7.0,
        "sampler_name": "DPM++ 2M",
        "scheduler": "Karras",
        "denoising_strength": 0.75,
    }
    return build_request(**{**defaults, **fields})


def hires(**fields: Any) -> Request:
    return request(**{"enable_hr": True, "hr_prompts": ("a cat",), "denoising_strength": 0.55, **fields})


def applied(asked: Request, plan: Plan) -> Request:
    """The request that the plan makes of a request."""
    values = {c.field: c.after for c in plan.settings_changes}
    return replace(asked, prompts=plan.prompts, main_prompt=plan.main_prompt, hr_prompts=plan.hr_prompts, **values)


def after(asked: Request, plan: Plan, name: str) -> Any:
    return getattr(applied(asked, plan), name)


# The recipe


@pytest.mark.parametrize(
    ("checkpoint", "summary"),
    [
        (SD15, "Hyper-SD15-8steps-lora × 1 · 8 steps · CFG 1 · Euler · SGM Uniform"),
        (SDXL, "Hyper-SDXL-8steps-lora × 0.75 · 8 steps · CFG 1 · Euler · SGM Uniform"),
        (SD3, "Hyper-SD3-8steps-CFG-lora × 0.125 · 8 steps · CFG 5 · Euler · SGM Uniform"),
        (FLUX, "Hyper-FLUX.1-dev-8steps-lora × 0.125 · 8 steps · CFG 1 · distilled CFG 3.5 · Euler · SGM Uniform"),
    ],
)
def test_each_familys_recipe(everything: LoraIndex, checkpoint: Any, summary: str) -> None:
    plan = make_plan(request(distilled_cfg_scale=5.0), Settings(), checkpoint, everything)
    assert plan.summary == summary


def test_every_change_is_in_the_account(everything: LoraIndex) -> None:
    plan = make_plan(request(), Settings(), SD15, everything)
    told = [(c.field, c.before, c.after) for c in plan.changes]
    assert told == [
        ("steps", 20, 8),
        ("cfg_scale", 7.0, 1.0),
        ("sampler_name", "DPM++ 2M", "Euler"),
        ("scheduler", "Karras", "SGM Uniform"),
        ("prompt", "", TAG),
    ]
    assert all(c.reason for c in plan.changes)


@pytest.mark.parametrize(
    ("policy", "given_cfg", "cfg"),
    [("clamp", 1.2, 1.2), ("clamp", 7.0, 1.0), ("recipe", 1.2, 1.0), ("keep", 7.0, 7.0), (2.5, 7.0, 2.5)],
)
def test_cfg_policies(everything: LoraIndex, policy: Any, given_cfg: float, cfg: float) -> None:
    asked = request(cfg_scale=given_cfg)
    plan = make_plan(asked, Settings(cfg=policy), SD15, everything)
    assert after(asked, plan, "cfg_scale") == cfg
    assert any("burnt" in n for n in plan.notices) == (cfg > 1.5)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(sampler="keep"), "DPM++ 2M"),
        (Settings(scheduler="Simple"), "Simple"),
        (Settings(eta=0.3), "Eta"),
        (Settings(hires_steps=5), "hires fix is off"),
        (Settings(hires_scale="keep"), "hires fix is off"),
        (Settings(steps="keep"), "20 steps"),
        (Settings(weight=-1.0), "Weight -1"),
    ],
)
def test_what_was_asked_for_is_done_and_what_will_look_bad_is_said(
    everything: LoraIndex, settings: Settings, words: str
) -> None:
    plan = make_plan(request(), settings, SD15, everything)
    assert plan.active
    assert any(words in n for n in plan.notices)


def test_the_plain_recipe_has_no_notices(everything: LoraIndex) -> None:
    for checkpoint in (SD15, SDXL, FLUX, SD3):
        assert make_plan(hires(distilled_cfg_scale=3.5, hr_cfg=7.0), Settings(), checkpoint, everything).notices == ()


def test_a_hires_cfg_that_was_kept_gets_a_notice(everything: LoraIndex) -> None:
    plan = make_plan(hires(hr_cfg=7.0), Settings(hires="keep"), SD15, everything)
    assert any("Hires CFG 7" in n for n in plan.notices)


def test_cfg_preserved_keeps_a_cfg_within_its_range(everything: LoraIndex) -> None:
    plan = make_plan(request(), Settings(lora="Hyper-SD15-8steps-CFG-lora"), SD15, everything)
    assert not any(c.field == "cfg_scale" for c in plan.changes)


def test_nf4_flux_gets_its_own_distilled_cfg(everything: LoraIndex) -> None:
    nf4 = describe("flux1-dev-bnb-nf4", "flux-dev")
    asked = request(distilled_cfg_scale=7.0)
    assert after(asked, make_plan(asked, Settings(), nf4, everything), "distilled_cfg_scale") == 2.5


def test_a_field_that_means_shift_is_never_touched(everything: LoraIndex) -> None:
    flow = describe("flow-sdxl", "sdxl", uses_shift=True)
    plan = make_plan(request(distilled_cfg_scale=12.0), Settings(distilled_cfg=3.0), flow, everything)
    assert not any(c.field == "distilled_cfg_scale" for c in plan.changes)
    assert any("Distilled CFG was not set" in n for n in plan.notices)


@pytest.mark.parametrize(("steps", "expected"), [("auto", 8), ("keep", 20), (6, 6)])
def test_steps_policies(everything: LoraIndex, steps: Any, expected: int) -> None:
    asked = request()
    assert after(asked, make_plan(asked, Settings(steps=steps), SD15, everything), "steps") == expected


def test_explicit_steps_choose_the_variant(everything: LoraIndex) -> None:
    assert make_plan(request(), Settings(steps=2), SD15, everything).lora == "Hyper-SD15-2steps-lora"


def test_what_an_axis_set_is_never_touched(everything: LoraIndex) -> None:
    asked = request(explicit=frozenset({"steps", "cfg_scale"}))
    plan = make_plan(asked, Settings(), SD15, everything)
    assert {c.field for c in plan.changes} == {"sampler_name", "scheduler", "prompt"}
    assert any("far from" in n for n in plan.notices)


# What is refused


@pytest.mark.parametrize(
    ("checkpoint", "settings", "word"),
    [
        (describe("sd21", "sd2"), Settings(), "SD 2"),
        (describe("refiner", "sdxl-refiner"), Settings(), "refiner"),
        (describe("sd3.5_large", "sd35"), Settings(), "SD 3.5"),
        (describe("chroma", "other"), Settings(), "another architecture"),
        (describe("sdxl_lightning_4step", "sdxl"), Settings(), "lightning"),
        (describe("flux1-schnell", "flux-schnell"), Settings(), "schnell"),
        (SD15, Settings(lora="Hyper-SDXL-8steps-lora"), "SDXL"),
        (SD15, Settings(lora="Hyper-SDXL"), "SDXL"),
    ],
)
def test_nothing_changes_and_one_notice_says_why(
    everything: LoraIndex, checkpoint: Any, settings: Settings, word: str
) -> None:
    plan = make_plan(request(), settings, checkpoint, everything)
    assert not plan.active
    assert plan.changes == ()
    assert plan.prompts == ("a cat",)
    (notice,) = plan.notices
    assert word in notice


def test_a_missing_file_is_named_with_its_source(tmp_path: Path) -> None:
    plan = make_plan(request(), Settings(), SD15, LoraIndex())
    assert not plan.active
    assert "Hyper-SD15-8steps-lora.safetensors" in plan.notice
    assert "ByteDance/Hyper-SD" in plan.notice
    plan = make_plan(request(), Settings(lora="Hyper-SD15-2steps-lora"), SD15, index_of(tmp_path, ["other"]))
    assert "Hyper-SD15-2steps-lora.safetensors" in plan.notice


@pytest.mark.parametrize("name", ["my-lora", "speed/my-lora", "Hyper-SD15-4steps"])
def test_a_lora_that_vanished_since_it_was_looked_up_is_a_refusal_that_names_it(name: str) -> None:
    plan = make_plan(request(), Settings(lora=name), SD15, LoraIndex())
    assert not plan.active
    assert plan.notice is not None
    assert name in plan.notice
    assert "nothing was changed" in plan.notice


def test_a_distilled_checkpoint_is_done_where_a_file_or_tag_says_so(everything: LoraIndex) -> None:
    turbo = describe("model_turbo", "sdxl")
    for asked, settings in (
        (request(), Settings(lora="Hyper-SDXL-8steps-lora")),
        (request("a cat <lora:Hyper-SDXL-8steps-lora:0.75>"), Settings()),
    ):
        plan = make_plan(asked, settings, turbo, everything)
        assert plan.active
        assert any("turbo" in n for n in plan.notices)


@pytest.mark.parametrize(("name", "steps"), [("sdxl_lightning_4step", 4), ("merged-hyper-8s", 8), ("merged-hyper", 8)])
def test_lora_none_tunes_the_settings_alone(everything: LoraIndex, name: str, steps: int) -> None:
    asked = request()
    plan = make_plan(asked, Settings(lora="none"), describe(name, "sdxl"), everything)
    assert plan.prompts == ("a cat",)
    assert (plan.lora, plan.weight) == ("none", None)
    assert (after(asked, plan, "steps"), after(asked, plan, "cfg_scale")) == (steps, 1.0)


@pytest.mark.parametrize(
    ("own_schedules", "settings", "steps", "schedule"),
    [
        (frozenset(SCHEDULES), Settings(), 1, ONE_STEP_UNET),
        (frozenset(SCHEDULES), Settings(steps=3), 3, ONE_STEP_UNET),
        (frozenset(), Settings(), 2, "SGM Uniform"),
    ],
)
def test_the_one_step_unet_runs_as_published_or_as_the_article_runs_it(
    everything: LoraIndex, own_schedules: frozenset[str], settings: Settings, steps: int, schedule: str
) -> None:
    asked = request(own_schedules=own_schedules)
    plan = make_plan(asked, settings, describe("Hyper-SDXL-1step-Unet", "sdxl"), everything)
    result = applied(asked, plan)
    assert (result.steps, result.sampler_name, result.scheduler, result.cfg_scale) == (steps, "Euler a", schedule, 1.0)
    assert result.prompts == ("a cat",)
    assert any("hires" in n for n in plan.notices) == (not own_schedules)


def test_a_file_of_unknown_steps_asks_once(tmp_path: Path) -> None:
    index = LoraIndex([lora(tmp_path, "fast-one")])
    assert "Trained steps" in make_plan(request(), Settings(lora="fast-one"), SD15, index).notice
    assert make_plan(request(), Settings(lora="fast-one", steps=8), SD15, index).prompts == ("a cat <lora:fast-one:1>",)


# Tags


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (f"a {TAG} cat", f"a {TAG} cat"),
        ("a <lora:Hyper-SD15-8steps-lora:0.8> cat", "a <lora:Hyper-SD15-8steps-lora:0.8> cat"),
        ("a <lora:Hyper-SD15-8steps-lora> cat", f"a {TAG} cat"),
        ("a <lora:hyper-sd15> cat", f"a {TAG} cat"),
        ("a <lora:Hyper-SD15-8step:0.9> cat", "a <lora:Hyper-SD15-8steps-lora:0.9> cat"),
        ("a <lora:Hyper-SD15:te=0:unet=1> cat", "a <lora:Hyper-SD15-8steps-lora:te=0:unet=1> cat"),
        (f"({TAG}:1.2) cat", f"({TAG}:1.2) cat"),
        (f"{TAG} a {TAG} cat", f"{TAG} a cat"),
        (f"{TAG} a <lora:Hyper-SD15-4steps-lora:1> cat", f"{TAG} a cat"),
        (f"{TAG} a <lora:Hyper-SD15-4steps> cat", f"{TAG} a cat"),
        (f"# {TAG}\na cat", f"# {TAG}\na cat {TAG}"),
        (f"a cat # {TAG}", f"a cat # {TAG}\n{TAG}"),
        ("<lora:style:0.7> a cat", f"<lora:style:0.7> a cat {TAG}"),
    ],
)
def test_every_prompt_holds_the_tag_once(everything: LoraIndex, typed: str, expected: str) -> None:
    plan = make_plan(request(typed), Settings(), SD15, everything)
    assert plan.prompts == (expected,)
    assert plan.main_prompt == expected


def test_a_second_tag_is_taken_out_with_a_notice(everything: LoraIndex) -> None:
    plan = make_plan(request(f"{TAG} <lora:Hyper-SD15-4steps-lora:1>"), Settings(), SD15, everything)
    assert any("Hyper-SD15-4steps-lora" in n for n in plan.notices)


def test_a_typed_tag_beats_lora_and_weight(everything: LoraIndex) -> None:
    settings = Settings(lora="Hyper-SD15-2steps-lora", weight=0.3)
    plan = make_plan(request("a <lora:Hyper-SD15-4steps-lora:0.9>"), settings, SD15, everything)
    assert (plan.lora, plan.weight) == ("Hyper-SD15-4steps-lora", 0.9)


def test_a_batch_with_differing_prompts_has_one_tag_each(everything: LoraIndex) -> None:
    prompts = ("a cat", "a dog <lora:Hyper-SD15-8steps-lora:0.9>", "a cat")
    plan = make_plan(request(prompts=prompts), Settings(), SD15, everything)
    tag = "<lora:Hyper-SD15-8steps-lora:0.9>"
    assert plan.prompts == (f"a cat {tag}", f"a dog {tag}", f"a cat {tag}")


def test_a_files_own_name_wins_over_an_alias(tmp_path: Path) -> None:
    index = LoraIndex([lora(tmp_path, "Hyper-SD15"), lora(tmp_path, "Hyper-SD15-8steps-lora")])
    plan = plan_for_tags(request("a <lora:Hyper-SD15:1>"), SD15, index)
    assert plan.prompts == ("a <lora:Hyper-SD15:1>",)


@pytest.mark.parametrize("alias", ["<lora:Hyper-SDXL:0.75>", "<lora:Hyper-FLUX-8steps>"])
def test_an_alias_of_another_family_is_taken_out(everything: LoraIndex, alias: str) -> None:
    plan = plan_for_tags(request(f"a cat {alias}"), SD15, everything)
    assert plan.prompts == ("a cat",)
    assert plan.settings_changes == ()
    assert not plan.active
    assert "not for this checkpoint" in plan.notice


def test_a_missing_file_of_another_family_is_not_offered(tmp_path: Path) -> None:
    index = index_of(tmp_path, ["Hyper-SD15-8steps-lora"])
    name = "Hyper-SDXL-8steps-lora"
    for asked, lora_ in ((request(), name), (request(), "hyper-sdxl"), (request(f"a <lora:{name}:1>"), "auto")):
        plan = make_plan(asked, Settings(lora=lora_), SD15, index)
        assert (plan.active, plan.missing, plan.unfit) == (False, None, True)
        assert f"{name} is for SDXL, but dreamshaper_8 is SD 1.5" in plan.notice


def test_a_damaged_file_behind_an_alias_is_told_as_such(tmp_path: Path) -> None:
    index = index_of(tmp_path, ["Hyper-SD15-8steps-lora"])
    (tmp_path / "Hyper-SD15-8steps-lora.safetensors").write_bytes(b"")
    plan = plan_for_tags(request("a <lora:Hyper-SD15>"), SD15, index)
    assert plan.prompts == ("a",)
    assert "the file of Hyper-SD15-8steps-lora is empty; download it again" in plan.notice
    assert "found no file" not in plan.notice


def test_an_alias_without_a_file_is_taken_out(tmp_path: Path) -> None:
    plan = plan_for_tags(request("a cat <lora:Hyper-SD15-4steps>"), SD15, LoraIndex())
    assert plan.prompts == ("a cat",)
    assert "Hyper-SD15-4steps-lora.safetensors" in plan.notice


@pytest.mark.parametrize("args", [":abc", "::0.5", ":nan", ":1:1:x"])
def test_a_weight_that_the_host_can_not_read_is_the_recipes_and_said(everything: LoraIndex, args: str) -> None:
    for name in ("Hyper-SD15", "Hyper-SD15-8steps-lora"):
        plan = make_plan(request(f"a <lora:{name}{args}>"), Settings(), SD15, everything)
        assert plan.prompts == (f"a {TAG}",)
        assert any("is no number" in n for n in plan.notices)


@pytest.mark.parametrize(
    ("alias", "said"),
    [("Hyper-SD15-3steps", True), ("Hyper-SD15-4steps-CFG", True), ("Hyper-SD15-8steps", False), ("Hyper-SD15", False)],
)
def test_an_alias_that_stands_for_another_file_is_said(everything: LoraIndex, alias: str, said: bool) -> None:
    plan = make_plan(request(f"a <lora:{alias}>"), Settings(), SD15, everything)
    assert any("stands for" in n for n in plan.notices) == said


def test_a_far_weight_gets_a_notice(everything: LoraIndex) -> None:
    plan = make_plan(request("a <lora:Hyper-FLUX.1-dev-8steps-lora:1>"), Settings(), FLUX, everything)
    assert any("Weight 1 is far from 0.125" in n for n in plan.notices)


def test_a_negative_prompt_at_cfg_1_gets_a_notice(everything: LoraIndex) -> None:
    plan = make_plan(request(negative_prompt=True), Settings(), SD15, everything)
    assert "The negative prompt has no effect at CFG 1." in plan.notices


@pytest.mark.parametrize(
    ("prompt", "by_reaction"),
    [
        ("a cat", {"aliases": "nothing", "all": "nothing", "none": "nothing"}),
        ("a <lora:Hyper-SD15>", {"aliases": "plan", "all": "plan", "none": "nothing"}),
        (f"a {TAG}", {"aliases": "hint", "all": "plan", "none": "hint"}),
        (f"a {TAG} <lora:Hyper-SD15>", {"aliases": "plan", "all": "plan", "none": "hint"}),
        (f"a # {TAG}", {"aliases": "nothing", "all": "nothing", "none": "nothing"}),
        ("a <lora:style:1>", {"aliases": "nothing", "all": "nothing", "none": "nothing"}),
    ],
)
def test_requested_by_tags_for_with_the_panel_off(
    everything: LoraIndex, prompt: str, by_reaction: dict[str, str]
) -> None:
    for reaction, asked in by_reaction.items():
        assert requested_by_tags([prompt], Lookups(everything), reaction, comments="hash") == asked


# Hires and img2img


def test_hires_tune_lands_on_trained_timesteps(everything: LoraIndex) -> None:
    asked = hires(hr_cfg=7.0, hr_sampler_name="DPM++ 2M", hr_scheduler="Karras")
    result = applied(asked, make_plan(asked, Settings(), SD15, everything))
    assert (result.hr_second_pass_steps, result.denoising_strength) == (5, 0.56)
    assert (result.hr_cfg, result.hr_sampler_name, result.hr_scheduler) == (1.0, "Euler", "SGM Uniform")
    assert (result.hr_scale, result.hr_upscaler) == (asked.hr_scale, asked.hr_upscaler)
    assert result.hr_prompts == (f"a cat {TAG}",)


def test_use_same_stays_as_such(everything: LoraIndex) -> None:
    plan = make_plan(hires(), Settings(), SD15, everything)
    assert not any(c.field in ("hr_sampler_name", "hr_scheduler") for c in plan.changes)


def test_hires_keep_leaves_the_pass_alone(everything: LoraIndex) -> None:
    plan = make_plan(hires(hr_cfg=7.0), Settings(hires="keep"), SD15, everything)
    assert not any(c.field.startswith("hr_") or c.field == "denoising_strength" for c in plan.changes)


def test_hires_always_turns_it_on_last(everything: LoraIndex) -> None:
    asked = request(hr_cfg=1.0)
    plan = make_plan(asked, Settings(hires="always"), SD15, everything)
    result = applied(asked, plan)
    assert (result.enable_hr, result.hr_scale, result.hr_upscaler) == (True, 1.5, "None")
    assert (result.denoising_strength, result.hr_second_pass_steps) == (0.56, 5)
    assert result.hr_prompts == result.prompts
    assert plan.settings_changes[-1].field == "enable_hr"


def test_hires_always_uses_the_articles_denoise_for_sdxl_cfg(everything: LoraIndex) -> None:
    asked = request()
    plan = make_plan(asked, Settings(hires="always", lora="Hyper-SDXL-8steps-CFG-lora"), SDXL, everything)
    assert after(asked, plan, "denoising_strength") == 0.6


def test_hires_is_never_turned_on_over_a_resize_by_pixels(everything: LoraIndex) -> None:
    plan = make_plan(request(hires_obstacle="a resize is set"), Settings(hires="always"), SD15, everything)
    assert not any(c.field == "enable_hr" for c in plan.changes)
    assert any("was not turned on" in n for n in plan.notices)


def test_hires_values_that_were_asked_for_are_kept(everything: LoraIndex) -> None:
    settings = Settings(hires_steps=3, hires_denoise=0.33, hires_scale=2.0, hires_upscaler="Latent")
    asked = hires()
    result = applied(asked, make_plan(asked, settings, SD15, everything))
    assert (result.hr_second_pass_steps, result.denoising_strength) == (3, 0.33)
    assert (result.hr_scale, result.hr_upscaler) == (2.0, "Latent")


def test_a_strength_without_trained_timesteps_is_left_and_said(everything: LoraIndex) -> None:
    asked = hires(denoising_strength=0.33)
    plan = make_plan(asked, Settings(steps=4), SD15, everything)
    assert after(asked, plan, "denoising_strength") == 0.33
    assert any("0.33" in n for n in plan.notices)


def test_a_hires_checkpoint_of_another_family_gets_its_own_lora(everything: LoraIndex) -> None:
    plan = make_plan(hires(), Settings(), SD15, everything, SDXL)
    assert plan.prompts == (f"a cat {TAG}",)
    assert plan.hr_prompts == ("a cat <lora:Hyper-SDXL-8steps-lora:0.75>",)


def test_a_tag_in_the_hires_prompt_is_for_the_hires_checkpoint(everything: LoraIndex) -> None:
    for typed in ("<lora:Hyper-SDXL-8steps-lora:0.7>", "<lora:Hyper-SDXL-4steps>"):
        asked = hires(hr_prompts=(f"a cat {typed}",))
        plan = make_plan(asked, Settings(), SD15, everything, SDXL)
        assert plan.prompts == (f"a cat {TAG}",)
        assert "Hyper-SDXL" in plan.hr_prompts[0]
        assert not any("taken out" in n for n in plan.notices)
        assert plan_for_tags(asked, SD15, everything, SDXL).active


def test_hires_always_knows_the_hires_checkpoint(everything: LoraIndex) -> None:
    plan = make_plan(request(), Settings(hires="always"), SD15, everything, SDXL)
    assert plan.hr_prompts == ("a cat <lora:Hyper-SDXL-8steps-lora:0.75>",)
    plan = make_plan(request(), Settings(hires="always"), SD15, everything, describe("sd21", "sd2"))
    assert not any(c.field == "enable_hr" for c in plan.changes)
    assert any("was not turned on" in n for n in plan.notices)


@pytest.mark.parametrize("steps", ["keep", 0, 8, 5])
def test_hires_always_brings_its_denoise_whatever_the_steps(everything: LoraIndex, steps: Any) -> None:
    asked = request()
    plan = make_plan(asked, Settings(hires="always", hires_steps=steps), SD15, everything)
    assert after(asked, plan, "denoising_strength") in (0.55, 0.56)


def test_hires_always_takes_the_requests_own_hires_prompt(everything: LoraIndex) -> None:
    plan = make_plan(request(own_hr_prompt="a dog"), Settings(hires="always"), SD15, everything)
    assert plan.hr_prompts == (f"a dog {TAG}",)


def test_a_lora_of_a_foreign_family_is_refused(tmp_path: Path) -> None:
    index = LoraIndex([lora(tmp_path, "mine-8steps", context=1024)])
    assert "is not for" in make_plan(request(), Settings(lora="mine-8steps"), SD15, index).notice


def test_the_unets_name_is_told_to_be_a_checkpoint(everything: LoraIndex) -> None:
    assert "is a checkpoint" in make_plan(request(), Settings(lora="Hyper-SDXL-1step-Unet"), SDXL, everything).notice


def test_a_lora_on_the_one_step_unet_is_done_with_a_notice(everything: LoraIndex) -> None:
    unet = describe("Hyper-SDXL-1step-Unet", "sdxl")
    plan = make_plan(request("a <lora:Hyper-SDXL>"), Settings(), unet, everything)
    assert plan.active
    assert any("1-step" in n for n in plan.notices)


def test_lyco_is_written_as_every_host_reads_it(everything: LoraIndex) -> None:
    plan = make_plan(request("a <lyco:Hyper-SD15-8steps-lora:0.9>"), Settings(), SD15, everything)
    assert plan.prompts == ("a <lora:Hyper-SD15-8steps-lora:0.9>",)


def test_a_second_alias_of_another_kind_is_said(everything: LoraIndex) -> None:
    asked = request(prompts=("a <lora:Hyper-SD15>", "b <lora:Hyper-SD15-CFG>"))
    plan = make_plan(asked, Settings(), SD15, everything)
    assert plan.prompts == (f"a {TAG}", f"b {TAG}")
    assert any("Hyper-SD15-CFG" in n for n in plan.notices)


def test_a_hires_checkpoint_without_a_lora_keeps_what_it_had(everything: LoraIndex) -> None:
    asked = hires()
    plan = make_plan(asked, Settings(), SD15, everything, describe("sd21", "sd2"))
    result = applied(asked, plan)
    assert (result.hr_second_pass_steps, result.hr_sampler_name, result.hr_scheduler) == (20, "DPM++ 2M", "Karras")
    assert result.hr_prompts == ("a cat",)
    assert any("sd21" in n for n in plan.notices)


@pytest.mark.parametrize(("fixed", "steps", "denoise"), [(False, 8, 0.55), (True, 5, 0.56)])
def test_img2img_evaluates_what_the_recipe_means(
    everything: LoraIndex, fixed: bool, steps: int, denoise: float
) -> None:
    asked = request(mode="img2img", denoising_strength=0.55, img2img_fixed_steps=fixed)
    result = applied(asked, make_plan(asked, Settings(), SD15, everything))
    assert (result.steps, result.denoising_strength) == (steps, denoise)


def test_reforges_hires_cfg_zero_stays(everything: LoraIndex) -> None:
    plan = make_plan(hires(hr_cfg=0.0, hr_cfg_zero_is_same=True), Settings(), SD15, everything)
    assert not any(c.field == "hr_cfg" for c in plan.changes)


# Once is enough

WORDS = st.sampled_from(
    ["a cat", "<lora:Hyper-SD15>", "<lora:Hyper-SD15-4steps:0.8>", TAG, "<lora:x:1>", "# note", "\n", "AND", "BREAK",
     "<lora:Hyper-SDXL>", "<lora:Hyper-SDXL-4steps-lora:0.7>", "<lora:Hyper-SD15-2steps-lora>", "(a:1.2)",
     "<lora:Hyper-SD15-12steps-CFG:te=1:unet=0.5>"]
)  # fmt: skip
PROMPTS = st.lists(WORDS, max_size=5).map(" ".join)
SETTINGS = st.builds(
    Settings,
    lora=st.sampled_from(
        ["auto", "none", "Hyper-SD15-2steps-lora", "Hyper-SD15-8steps-CFG-lora", "Hyper-SD15-12steps-CFG",
         "Hyper-SD15-1step-lora"]
    ),
    steps=st.sampled_from(["auto", "keep", 1, 3, 6, 16]),
    weight=st.sampled_from(["auto", 0.5, -1.0]),
    cfg=st.sampled_from(["clamp", "recipe", "keep", 4.0]),
    sampler=st.sampled_from(["auto", "keep", "Euler a", TCD]),
    scheduler=st.sampled_from(["auto", "keep", "Simple", TCD, ONE_STEP_UNET]),
    hires=st.sampled_from(["tune", "keep", "always"]),
    hires_steps=st.sampled_from(["auto", "keep", 0, 4, 10]),
    hires_denoise=st.sampled_from(["auto", "keep", 0.33, 0.55]),
    hires_scale=st.sampled_from(["auto", "keep", 2.0]),
    hires_upscaler=st.sampled_from(["auto", "keep", "Latent"]),
    eta=st.sampled_from(["auto", 0.0, 0.3, 0.7]),
)  # fmt: skip
CHECKPOINTS = st.sampled_from(
    [SD15, SDXL, FLUX, SD3, describe("sd21", "sd2"), describe("x-turbo", "sdxl"), describe("x-1step-unet", "sdxl")]
)
HIRES_CHECKPOINTS = st.one_of(st.none(), CHECKPOINTS, st.just(describe("other_xl", "sdxl")))


HELD = st.frozensets(st.sampled_from([name for name in FIELD_TITLES if name not in PROMPT_FIELDS]), max_size=3)
"""Fields that axes of X/Y/Z plot hold."""


@st.composite
def requests(draw: st.DrawFn) -> Request:
    prompt = draw(PROMPTS)
    on = draw(st.booleans())
    return request(
        prompt,
        prompts=(prompt, draw(PROMPTS)),
        mode=draw(st.sampled_from(["txt2img", "img2img"])) if not on else "txt2img",
        steps=draw(st.integers(1, 60)),
        sampler_name=draw(st.sampled_from(["DPM++ 2M", "Euler", TCD])),
        scheduler=draw(st.sampled_from(["Karras", "Automatic", "SGM Uniform", TCD, ONE_STEP_UNET])),
        noise_levels=draw(st.sampled_from([None, 1000, 999])),
        own_samplers=draw(st.sampled_from([frozenset({TCD}), frozenset()])),
        own_schedules=draw(st.sampled_from([frozenset(SCHEDULES), frozenset()])),
        cfg_scale=draw(st.sampled_from([1.0, 1.3, 7.0])),
        distilled_cfg_scale=draw(st.sampled_from([None, 3.0, 9.0])),
        denoising_strength=draw(st.floats(0, 1)),
        enable_hr=on,
        hr_prompts=(draw(PROMPTS), draw(PROMPTS)) if on else (),
        own_hr_prompt="" if on else draw(PROMPTS),
        hr_cfg=draw(st.sampled_from([None, -1.0, 0.0, 1.0, 7.0])),
        hr_second_pass_steps=draw(st.sampled_from([0, 5, 20])),
        hr_sampler_name=draw(st.sampled_from([None, "Euler", "DPM++ 2M", TCD])),
        hr_scheduler=draw(st.sampled_from([None, "Karras", TCD])),
        img2img_fixed_steps=draw(st.booleans()),
        explicit=draw(HELD),
        comments=draw(st.sampled_from(["hash", "none", "c"])),
        hr_cfg_zero_is_same=draw(st.booleans()),
        flow=draw(st.sampled_from([None, None, True, False])),
        refiner=draw(st.booleans()),
        hires_obstacle=draw(st.sampled_from([None, None, "a resize is set"])),
        negative_prompt=draw(st.booleans()),
        hr_negative_prompt=draw(st.booleans()),
    )


@given(requests(), SETTINGS, CHECKPOINTS, HIRES_CHECKPOINTS)
def test_a_plan_applied_to_its_own_result_changes_nothing(
    everything: LoraIndex, asked: Request, settings: Settings, checkpoint: Any, hr: Any
) -> None:
    plan = make_plan(asked, settings, checkpoint, everything, hr)
    again = make_plan(applied(asked, plan), settings, checkpoint, everything, hr)
    assert again.changes == ()
    assert again.active == plan.active


@given(
    requests(), SETTINGS, CHECKPOINTS, HIRES_CHECKPOINTS, st.sampled_from(["Heun", "Euler", "Euler SGMUniform", TCD])
)
def test_nor_does_one_on_a_host_without_schedule_types(
    everything: LoraIndex, asked: Request, settings: Settings, checkpoint: Any, hr: Any, sampler: str
) -> None:
    own, bound = (
        frozenset(SCHEDULES if asked.host.own_samplers else ()),
        frozenset(BOUND if asked.host.own_schedules else ()),
    )
    asked = request_with(asked, sampler_name=sampler, own_samplers=own, own_schedules=frozenset(), bound_samplers=bound)
    asked = replace(asked, scheduler=None, hr_scheduler=None)
    settings = replace(settings, scheduler="keep" if settings.scheduler == "keep" else "auto")
    plan = make_plan(asked, settings, checkpoint, everything, hr)
    again = make_plan(applied(asked, plan), settings, checkpoint, everything, hr)
    assert again.changes == ()
    assert not any(change.field in ("scheduler", "hr_scheduler") for change in plan.changes)


def pasted_page(given: Request, plan: Plan) -> Request:
    """The page after a paste: it has the plan's values, and no axis holds one of them."""
    return replace(applied(given, plan), explicit=frozenset())


def infotext_of(done: Request, plan: Plan) -> dict[str, Any]:
    """The parameters that the host's parser gives for the picture's infotext."""
    params: dict[str, Any] = {
        "Prompt": done.main_prompt,
        "Steps": str(done.steps),
        "Sampler": done.sampler_name,
        "Schedule type": done.scheduler,
        "CFG scale": str(done.cfg_scale),
        "Distilled CFG Scale": done.distilled_cfg_scale,
        **entries(plan),
    }
    if done.enable_hr:
        params["Hires upscale"] = done.hr_scale
        params["Denoising strength"] = done.denoising_strength
        params["Hires steps"] = done.hr_second_pass_steps or None
        params["Hires CFG Scale"] = done.hr_cfg
        params["Hires sampler"] = done.hr_sampler_name if done.hr_sampler_name != done.sampler_name else None
        params["Hires schedule type"] = done.hr_scheduler if done.hr_scheduler != done.scheduler else None
    return {key: value for key, value in params.items() if value is not None}


@given(requests().filter(lambda r: r.mode == "txt2img"), SETTINGS, CHECKPOINTS)
def test_a_pasted_infotext_fills_the_panel_so_that_nothing_changes_again(
    everything: LoraIndex, asked: Request, settings: Settings, checkpoint: Any
) -> None:
    # Where another extension has taken our names, the paste can't tell its sampler from ours.
    asked = request_with(asked, own_samplers=frozenset({TCD}), own_schedules=frozenset(SCHEDULES))
    plan = make_plan(asked, settings, checkpoint, everything)
    if plan.active:
        done = pasted_page(asked, plan)
        params = infotext_of(done, plan)
        pasted = from_positional([panel_value(key, params) for key in KEYS])
        assert pasted.enabled
        assert make_plan(done, pasted, checkpoint, everything).changes == ()


def test_an_infotext_without_us_turns_the_panel_off() -> None:
    assert from_positional([panel_value(key, {"Steps": "20"}) for key in KEYS]) == PANEL_DEFAULTS


@given(requests(), SETTINGS, CHECKPOINTS)
def test_a_plan_is_all_or_nothing(everything: LoraIndex, asked: Request, settings: Settings, checkpoint: Any) -> None:
    plan = make_plan(asked, settings, checkpoint, everything)
    if not plan.active:
        assert all(change.after in ("Euler", "Automatic", "SGM Uniform") for change in plan.settings_changes)
        named = (asked.sampler_name, asked.scheduler, asked.hr_sampler_name, asked.hr_scheduler)
        assert is_own(*named) or not plan.settings_changes
        assert plan.notices
    if plan.active and plan.lora in BY_NAME:
        assert all(prompt.count(f"<lora:{plan.lora}:") == 1 for prompt in plan.prompts if "#" not in prompt)
