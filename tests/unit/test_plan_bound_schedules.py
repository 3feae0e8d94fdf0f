"""The plan on hosts without schedule types, where "Euler on SGM Uniform" is a sampler of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from plans import build_request, make_plan, request_with

from lib_hypersd.models.checkpoint import describe
from lib_hypersd.models.lora_index import LoraIndex
from lib_hypersd.panel.paste import panel_value
from lib_hypersd.plan.infotext import NAME
from lib_hypersd.plan.result import Plan
from lib_hypersd.request.request import Request
from lib_hypersd.request.settings import HostLists, Settings, SettingsError, with_listed_names
from lib_hypersd.sampling.names import BOUND, ONE_STEP_UNET, SCHEDULES, TCD

SD15, SDXL = describe("dreamshaper_8", "sd15"), describe("sd_xl_base_1.0", "sdxl")
JOINED = "Euler SGMUniform"


def request(**fields: Any) -> Request:
    defaults: dict[str, Any] = {
        "prompts": ("a cat",),
        "main_prompt": "a cat",
        "steps": 20,
        "cfg_scale": 7.0,
        "sampler_name": "DPM++ 2M Karras",
        "scheduler": None,
        "own_samplers": frozenset(SCHEDULES),
        "own_schedules": frozenset(),
        "bound_samplers": frozenset(BOUND),
    }
    return build_request(**{**defaults, **fields})


def hires(**fields: Any) -> Request:
    return request(enable_hr=True, hr_prompts=("a cat",), **{"denoising_strength": 0.55, **fields})


def result(asked: Request, plan: Plan) -> Request:
    return replace(asked, **{c.field: c.after for c in plan.settings_changes})


def told(plan: Plan, *words: str) -> bool:
    return any(word in notice for word in words for notice in plan.notices)


def test_the_recipe_takes_the_sampler_that_brings_its_schedule(everything: LoraIndex) -> None:
    plan = make_plan(request(), Settings(), SD15, everything)
    done = result(request(), plan)
    assert (done.sampler_name, done.scheduler) == (JOINED, None)
    assert plan.summary.endswith(f" · {JOINED}")
    assert not plan.notices
    assert not make_plan(done, Settings(), SD15, everything).settings_changes


def test_without_such_a_sampler_a_notice_says_what_could_not_be_set(everything: LoraIndex) -> None:
    asked = request(bound_samplers=frozenset())
    plan = make_plan(asked, Settings(), SD15, everything)
    assert result(asked, plan).sampler_name == "Euler"
    assert told(plan, "SGM Uniform could not be set")


def test_where_there_are_schedule_types_a_sampler_of_that_name_means_nothing(everything: LoraIndex) -> None:
    asked = request(scheduler="Automatic", sampler_name=JOINED)
    done = result(asked, make_plan(asked, Settings(), SD15, everything))
    assert (done.sampler_name, done.scheduler) == ("Euler", "SGM Uniform")


@pytest.mark.parametrize("settings", [Settings(sampler="Euler"), Settings(sampler="keep")])
def test_a_sampler_that_was_asked_for_stays_and_the_better_one_is_named(
    everything: LoraIndex, settings: Settings
) -> None:
    asked = request(sampler_name="Euler")
    plan = make_plan(asked, settings, SD15, everything)
    assert result(asked, plan).sampler_name == "Euler"
    assert told(plan, f"take {JOINED}")


def test_an_axis_on_samplers_wins(everything: LoraIndex) -> None:
    asked = request(sampler_name="Heun", explicit=frozenset({"sampler_name"}))
    plan = make_plan(asked, Settings(), SD15, everything)
    assert result(asked, plan).sampler_name == "Heun"
    assert told(plan, f"not the recipe's {JOINED}")


@pytest.mark.parametrize(
    ("asked", "settings"),
    [
        (request(), Settings(scheduler="keep")),
        # X/Y/Z plot's axis of that name sets an option, which the samplers with a schedule of their own don't heed.
        (request(explicit=frozenset({"scheduler"})), Settings()),
    ],
)
def test_a_schedule_that_is_kept_leaves_the_plain_sampler(
    everything: LoraIndex, asked: Request, settings: Settings
) -> None:
    assert result(asked, make_plan(asked, settings, SD15, everything)).sampler_name == "Euler"
    already = replace(asked, sampler_name=JOINED)
    assert result(already, make_plan(already, settings, SD15, everything)).sampler_name == JOINED


def test_the_hires_pass_takes_it_likewise(everything: LoraIndex) -> None:
    asked = hires(hr_sampler_name="Heun")
    assert result(asked, make_plan(asked, Settings(), SD15, everything)).hr_sampler_name == JOINED
    inherits = hires()
    assert result(inherits, make_plan(inherits, Settings(), SD15, everything)).hr_sampler_name is None


def test_a_hires_pass_on_another_checkpoint_takes_its_own(everything: LoraIndex) -> None:
    asked = hires(sampler_name="Euler")
    settings = Settings(lora="Hyper-SD15-1step-lora", steps=8)
    done = result(asked, make_plan(asked, settings, SD15, everything, SDXL))
    assert (done.sampler_name, done.hr_sampler_name) == (TCD, JOINED)


def test_the_one_step_unet_has_its_own_and_without_ours_the_ancestral_one(everything: LoraIndex) -> None:
    unet = describe("Hyper-SDXL-1step-Unet", "sdxl")
    assert result(request(), make_plan(request(), Settings(), unet, everything)).sampler_name == ONE_STEP_UNET
    bare = request(own_samplers=frozenset())
    assert result(bare, make_plan(bare, Settings(), unet, everything)).sampler_name == "Euler A SGMUniform"


def test_what_of_ours_cannot_be_drawn_falls_back_to_it(everything: LoraIndex) -> None:
    asked = request(sampler_name=TCD, steps=51)
    plan = make_plan(asked, Settings(steps="keep", sampler="keep"), SD15, everything)
    assert result(asked, plan).sampler_name == JOINED
    assert told(plan, f"taken instead: sampler {JOINED}")


def test_a_tag_in_a_hires_prompts_comment_counts_where_comments_stay_there(everything: LoraIndex) -> None:
    """Such hosts take comments out of the first pass's prompts alone: a second tag would double the LoRA."""
    tag = "<lora:Hyper-SD15-8steps-lora:1>"
    prompt = f"a cat # not now {tag}"
    asked = hires(prompts=(prompt,), main_prompt=prompt)
    asked = request_with(asked, hr_prompts=(prompt,), comments_stay_in_hires=True)
    plan = make_plan(asked, Settings(), SD15, everything)
    assert plan.prompts == (f"{prompt}\n{tag}",)
    assert plan.hr_prompts == (prompt,)
    again = replace(result(asked, plan), prompts=plan.prompts, main_prompt=plan.main_prompt)
    assert not make_plan(again, Settings(), SD15, everything).changes


@pytest.mark.parametrize(
    ("pasted", "found"),
    [
        ({"Sampler": JOINED, "Schedule type": "Automatic"}, "auto"),  # the hosts' parsers fill this in
        ({"Sampler": "Euler", "Schedule type": "Automatic"}, "keep"),
        ({"Sampler": "DPM++ 2M SGMUniform", "Schedule type": "Automatic"}, "keep"),
        ({"Sampler": JOINED, "Schedule type": "Automatic", "Hires sampler": "Use same sampler"}, "auto"),
        ({"Sampler": JOINED, "Schedule type": "Automatic", "Hires sampler": JOINED}, "auto"),
        ({"Sampler": JOINED, "Schedule type": "Automatic", "Hires sampler": "Euler"}, "keep"),
    ],
)
def test_a_pasted_infotext_is_read_by_the_samplers_name(pasted: dict[str, str], found: str) -> None:
    params = {NAME: "Hyper-SD15-8steps-lora", "Steps": "8", **pasted}
    assert panel_value("sampler", params) == panel_value("scheduler", params) == found


def test_a_schedule_type_by_name_is_told_that_there_are_none() -> None:
    lists = HostLists(lambda: [JOINED], dict, list, lambda _: True)
    with pytest.raises(SettingsError, match="no schedule types"):
        with_listed_names(Settings(scheduler="SGM Uniform"), lists)
