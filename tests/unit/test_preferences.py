"""A person's preferences: policies of each family, recipes of their own, and what a plan makes of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from files import lora
from hypothesis import given
from hypothesis import strategies as st
from plans import make_plan, plan_for_tags, request_with
from test_plan import (
    CHECKPOINTS,
    FLUX,
    HIRES_CHECKPOINTS,
    SD3,
    SD15,
    SDXL,
    SETTINGS,
    after,
    applied,
    hires,
    infotext_of,
    pasted_page,
    request,
    requests,
)

from lib_hypersd.models.catalog import BY_NAME
from lib_hypersd.models.checkpoint import describe
from lib_hypersd.models.lora_index import LoraIndex
from lib_hypersd.models.recipes import RECIPES, Dial, recipe_for, recipe_name
from lib_hypersd.panel.paste import panel_value
from lib_hypersd.plan.result import Plan
from lib_hypersd.request.preferences import NO_PREFERENCES, Preferences, policies_of
from lib_hypersd.request.recipe_lines import LineError, parse_line, read_overrides
from lib_hypersd.request.request import Request
from lib_hypersd.request.settings import KEYS, Settings, from_object, from_positional
from lib_hypersd.sampling.names import SCHEDULES, TCD


def preferring(*words: str, family: Any = "sd15", recipes: str = "") -> Preferences:
    return Preferences.read({family: words}, recipes)


def planned(index: LoraIndex, asked: Request, settings: Settings, preferences: Preferences, checkpoint=SD15) -> Plan:  # type: ignore[no-untyped-def]
    return make_plan(asked, settings, checkpoint, index, preferences=preferences)


# Policies


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        (["keep steps"], "steps", 20),
        (["keep CFG"], "cfg_scale", 1.4),
        (["recipe CFG"], "cfg_scale", 1.0),
        ([], "cfg_scale", 1.4),
        (["keep sampler and schedule"], "sampler_name", "DPM++ 2M"),
        (["keep sampler and schedule"], "scheduler", "Karras"),
        (["hires always"], "enable_hr", True),
    ],
)
def test_a_policy_says_what_a_default_means(everything: LoraIndex, words: list[str], field: str, value: Any) -> None:
    asked = request(cfg_scale=1.4)
    panel, tags = from_positional([True]), request(f"a <lora:{'Hyper-SD15'}>", cfg_scale=1.4)
    for settings in (Settings(), from_object({}), panel):
        assert after(asked, planned(everything, asked, settings, preferring(*words)), field) == value
    assert after(tags, plan_for_tags(tags, SD15, everything, preferences=preferring(*words)), field) == value


def test_a_policy_is_its_own_familys(everything: LoraIndex) -> None:
    for checkpoint, steps in ((SD15, 20), (SDXL, 8)):
        plan = planned(everything, request(), Settings(), preferring("keep steps"), checkpoint)
        assert after(request(), plan, "steps") == steps


def test_what_an_object_says_by_name_comes_before_a_policy(everything: LoraIndex) -> None:
    words = ("keep steps", "keep CFG", "keep sampler and schedule", "hires always")
    by_name = {"steps": "auto", "cfg": "clamp", "sampler": "auto", "scheduler": "auto", "hires": "tune"}
    plain = planned(everything, request(), Settings(), NO_PREFERENCES)
    assert planned(everything, request(), from_object(by_name), preferring(*words)) == plain


def test_a_panel_value_other_than_the_default_comes_before_a_policy(everything: LoraIndex) -> None:
    panel = from_positional([True, "auto", "4", "auto", "recipe"])
    plan = planned(everything, request(cfg_scale=1.4), panel, preferring("keep steps", "keep CFG"))
    assert (after(request(), plan, "steps"), after(request(), plan, "cfg_scale")) == (4, 1.0)


def test_keeping_hires_leaves_the_pass_alone(everything: LoraIndex) -> None:
    plan = planned(everything, hires(hr_cfg=7.0), Settings(), preferring("keep hires"))
    assert not any(c.field.startswith("hr_") or c.field == "denoising_strength" for c in plan.settings_changes)


def test_whether_there_is_a_hires_pass_is_the_first_familys_to_say(everything: LoraIndex) -> None:
    plan = make_plan(hires(hr_cfg=7.0), Settings(), SD15, everything, SDXL, preferring("keep hires"))
    assert not any(c.field.startswith("hr_") for c in plan.settings_changes)
    plan = make_plan(hires(hr_cfg=7.0), Settings(), SD15, everything, SDXL, preferring("keep hires", family="sdxl"))
    assert any(c.field.startswith("hr_") for c in plan.settings_changes)


def test_hires_always_says_nothing_of_itself_in_img2img(everything: LoraIndex) -> None:
    plan = planned(everything, request(mode="img2img"), Settings(), preferring("hires always"))
    assert not any("Hires" in notice for notice in plan.notices)


def test_flux_has_policies_of_its_own(everything: LoraIndex) -> None:
    asked = request(distilled_cfg_scale=9.0)
    for word, value in (("keep distilled CFG", 9.0), ("recipe distilled CFG", 3.5)):
        assert word in list(policies_of("flux"))
        assert word not in list(policies_of("sdxl"))
        plan = planned(everything, asked, Settings(), preferring(word, family="flux"), FLUX)
        assert after(asked, plan, "distilled_cfg_scale") == value


def test_the_hires_checkpoints_family_decides_for_its_pass(everything: LoraIndex) -> None:
    asked = hires(cfg_scale=7.0, hr_cfg=1.4, hr_sampler_name="DPM++ 2M")
    preferences = preferring("recipe CFG", "keep sampler and schedule", family="sdxl")
    result = applied(asked, make_plan(asked, Settings(), SD15, everything, SDXL, preferences))
    assert (result.sampler_name, result.hr_sampler_name, result.hr_cfg) == ("Euler", "DPM++ 2M", 1.0)


@pytest.mark.parametrize(
    ("ticked", "cfg", "words"),
    [
        (["keep CFG", "recipe CFG"], 1.4, ['"recipe CFG" contradicts "keep CFG", which counts']),
        (["recipe CFG", "keep CFG"], 1.0, ['"keep CFG" contradicts "recipe CFG"']),
        (["keep cfg", "keep CFG"], 1.4, ['"keep cfg" is none of', "SD 1.5"]),
    ],
)
def test_a_tick_that_does_not_count_is_told(
    everything: LoraIndex, ticked: list[str], cfg: float, words: list[str]
) -> None:
    asked = request(cfg_scale=1.4)
    plan = planned(everything, asked, Settings(), preferring(*ticked))
    assert after(asked, plan, "cfg_scale") == cfg
    assert all(word in plan.notice for word in words)
    other = planned(everything, asked, Settings(), preferring(*ticked), SDXL)
    assert not any(word in other.notice for word in words)
    for_hires = make_plan(hires(), Settings(), SDXL, everything, SD15, preferring(*ticked))
    assert all(word in for_hires.notice for word in words)


# Recipes


@pytest.mark.parametrize(
    ("line", "checkpoint", "field", "value"),
    [
        ("sd15: weight 0.9", SD15, "weight", 0.9),
        ("SD15 : cfg 1.2", SD15, "cfg_scale", 1.2),
        ("sd15: cfg 2", SD15, "cfg_scale", 2.0),
        ("sd15: range 1.8 – 3", SD15, "cfg_scale", 1.8),
        ("sdxl: weight 0.9", SD15, "weight", 1.0),
        ("sd15 cfg: weight 0.9", SD15, "weight", 1.0),
        ("sd3 8: cfg 4.5, range 4-5", SD3, "cfg_scale", 4.5),
        ("flux: distilled 3", FLUX, "distilled_cfg_scale", 3.0),
        ("flux nf4: distilled 3", FLUX, "distilled_cfg_scale", 3.5),
        ("Hyper-SD15-8steps-lora: weight 0.7", SD15, "weight", 0.7),
        ("Hyper-SD15-4steps-lora: weight 0.7", SD15, "weight", 1.0),
        ("Hyper-SD15-8steps-lora: weight 0.7\nsd15: weight 0.9, cfg 1.2", SD15, "weight", 0.7),
        ("Hyper-SD15-8steps-lora: weight 0.7\nsd15: weight 0.9, cfg 1.2", SD15, "cfg_scale", 1.2),
        ("\n# sd15: weight 0.1\nsd15: weight 0.9\n", SD15, "weight", 0.9),
    ],
)
def test_a_line_changes_its_recipe(everything: LoraIndex, line: str, checkpoint: Any, field: str, value: float) -> None:
    asked = request(cfg_scale=20.0, distilled_cfg_scale=20.0)
    plan = planned(everything, asked, Settings(), preferring(recipes=line), checkpoint)
    assert (plan.weight if field == "weight" else after(asked, plan, field)) == value
    if field == "weight":
        assert f":{value:g}>" in plan.prompts[0]
    assert not any("Settings >" in notice for notice in plan.notices)


def test_a_line_holds_for_typed_tags_hints_and_warnings(everything: LoraIndex) -> None:
    preferences = preferring(recipes="sd15: weight 0.4, range 1-8")
    typed = request("a <lora:Hyper-SD15-8steps-lora> <lora:x:1>")
    assert ":0.4>" in plan_for_tags(typed, SD15, everything, preferences=preferences).prompts[0]
    heavy = request("a <lora:Hyper-SD15-8steps-lora:0.9>")
    plan = planned(everything, heavy, Settings(), preferences)
    assert plan.weight == 0.9, "a typed weight wins"
    assert "Weight 0.9 is far from 0.4" in plan.notice
    assert not any(c.field == "cfg_scale" for c in plan.changes), "7 is within 1-8"
    assert "burnt" not in plan.notice


def test_nothing_said_is_as_published() -> None:
    for variant in BY_NAME.values():
        known = (variant.family, variant.kind, variant.steps)
        assert NO_PREFERENCES.recipe(*known, file=variant.name) == recipe_for(*known)
    named = {recipe_name(v.family, v.kind, v.steps, nf4=nf4) for v in BY_NAME.values() for nf4 in (False, True)}
    assert named == set(RECIPES)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sdxl weight 0.8", ["sdxl cfg", "flux nf4"]),
        (": weight 0.8", ["sdxl cfg"]),
        ("sdxl:", ["weight", "distilled range"]),
        ("sdxl: wieght 1", ['"wieght 1"', "weight, cfg, range, distilled, distilled range"]),
        ("sdxl: weight", ["weight", "a number from -2 to 2"]),
        ("sdxl: weight 3", ['"3"', "-2 to 2"]),
        ("sdxl: weight nan", ["-2 to 2"]),
        ("sdxl: weight 1e999", ["-2 to 2"]),
        ("sdxl: cfg -1", ["0 to 30"]),
        ("sdxl: cfg 31", ["0 to 30"]),
        ("sdxl: cfg 1, 2", ['"2"']),
        ("sdxl: range 2-1", ["two numbers", "0 to 30"]),
        ("sdxl: range 2", ["two numbers"]),
        ("sdxl: cfg 3, range 1-2", ["cfg is 3", "1 to 2"]),
        ("flux: distilled 5, distilled range 2.5-4", ["distilled is 5", "2.5 to 4"]),
        ("sdxl: distilled 3", ["no distilled CFG", "flux"]),
        ("Hyper-SDXL-8steps-lora: distilled range 2-3", ["no distilled CFG"]),
        ("sdxl: cfg 1, cfg 1", ["twice"]),
    ],
)
def test_a_bad_line_says_what_is_wrong_and_what_is_allowed(line: str, words: list[str]) -> None:
    with pytest.raises(LineError) as told:
        parse_line(line)
    assert all(word in str(told.value) for word in words), told.value


def test_a_bad_line_changes_nothing_and_the_others_count(everything: LoraIndex) -> None:
    text = "sd15: cfg 1.2\nsd15: weight 0.9, wieght 1\nsdxl: weight 9\nsd15: weight 0.5"
    plan = planned(everything, request(), Settings(), preferring(recipes=text))
    assert plan.weight == 1.0
    assert after(request(), plan, "cfg_scale") == 1.2
    told = [notice for notice in plan.notices if "Settings >" in notice]
    assert len(told) == 1
    assert 'line 2, "sd15: weight 0.9, wieght 1"' in told[0]
    assert "Others that can't be read: 2." in told[0]


def test_a_second_line_for_a_recipe_is_told() -> None:
    read = read_overrides("sd15: weight 0.9\nSD15: weight 0.8")
    assert read.recipes["sd15"].given == {"weight": 0.9}
    assert "line 2" in read.notice


def test_a_name_that_is_nothing_here_is_told(everything: LoraIndex) -> None:
    plan = planned(everything, request(), Settings(), preferring(recipes="sdlx: weight 0.9"))
    assert '"sdlx" is no LoRA file on this machine, and no recipe' in plan.notice
    plan = planned(everything, request(), Settings(), preferring(recipes="Hyper-SDXL-8steps-lora: weight 0.9"))
    assert "no recipe" not in plan.notice


def test_a_files_line_goes_by_its_own_name_not_by_its_alias(tmp_path: Path) -> None:
    index = LoraIndex([lora(tmp_path, "mine-8steps", metadata={"ss_output_name": "hyper-sd"})])
    wish = Settings(lora="mine-8steps")
    plan = planned(index, request(), wish, preferring(recipes="mine-8steps: weight 0.7"))
    assert (plan.weight, plan.notices) == (0.7, ())
    plan = planned(index, request(), wish, preferring(recipes="hyper-sd: weight 0.7"))
    assert plan.weight == 1.0
    assert '"hyper-sd" is no LoRA file on this machine' in plan.notice


def test_a_range_moves_the_value_and_a_value_the_range() -> None:
    assert preferring(recipes="sd15: cfg 3").recipe("sd15", "plain", 8).cfg == Dial(3.0, 1.0, 3.0)
    assert preferring(recipes="sd15: range 2-3").recipe("sd15", "plain", 8).cfg == Dial(2.0, 2.0, 3.0)


@given(st.text(alphabet="sdxl15cfgweihtran dstl:,.-–0123456789\n#flux", max_size=200))
def test_any_text_is_read(text: str) -> None:
    read_overrides(text)


def test_a_files_line_never_gives_a_distilled_cfg_where_there_is_none() -> None:
    assert preferring(recipes="mine: distilled 3").recipe("sd15", "plain", 8, file="mine").distilled_cfg is None


# The rules that hold always

NUMBER = st.sampled_from(["0", "0.3", "1", "1.2", "2", "3.5", "8", "30"])
SPANS = st.sampled_from(["0-1", "1-1", "1-2", "1.1-1.3", "2.5-4", "3-9", "0-30"])
LINES = st.builds(
    "{}: {}".format,
    st.sampled_from([*RECIPES, "Hyper-SD15-2steps-lora", "Hyper-SD15-8steps-lora", "Hyper-SDXL-8steps-lora", "nobody"]),
    st.lists(
        st.one_of(
            NUMBER.map("weight {}".format),
            NUMBER.map("cfg {}".format),
            SPANS.map("range {}".format),
            NUMBER.map("distilled {}".format),
            SPANS.map("distilled range {}".format),
        ),
        min_size=1,
        max_size=3,
    ).map(", ".join),
)
TICKS = st.fixed_dictionaries(
    {
        family: st.lists(st.sampled_from([*list(policies_of(family)), "nonsense"]), max_size=4, unique=True)
        for family in ("sd15", "sdxl", "sd3", "flux")
    }
)
PREFERENCES = st.builds(Preferences.read, TICKS, st.lists(LINES, max_size=4).map("\n".join))
NAMED = st.builds(
    Settings().naming,
    st.fixed_dictionaries(
        {},
        optional={
            "steps": st.sampled_from(["auto", "keep", 4]),
            "cfg": st.sampled_from(["clamp", "recipe", "keep", 4.0]),
            "sampler": st.sampled_from(["auto", "keep", TCD]),
            "hires": st.sampled_from(["tune", "keep", "always"]),
        },
    ),
)


@given(requests(), st.one_of(SETTINGS, NAMED), CHECKPOINTS, HIRES_CHECKPOINTS, PREFERENCES)
def test_a_plan_applied_to_its_own_result_changes_nothing(
    everything: LoraIndex, asked: Request, settings: Settings, checkpoint: Any, hr: Any, preferences: Preferences
) -> None:
    plan = make_plan(asked, settings, checkpoint, everything, hr, preferences)
    again = make_plan(applied(asked, plan), settings, checkpoint, everything, hr, preferences)
    assert again.changes == ()
    assert again.active == plan.active


@given(
    requests().filter(lambda r: r.mode == "txt2img"), st.one_of(SETTINGS, NAMED), CHECKPOINTS, st.data(), PREFERENCES
)
def test_a_pasted_infotext_changes_nothing_again(
    everything: LoraIndex, asked: Request, settings: Settings, checkpoint: Any, data: Any, preferences: Preferences
) -> None:
    asked = request_with(asked, own_samplers=frozenset({TCD}), own_schedules=frozenset(SCHEDULES))
    plan = make_plan(asked, settings, checkpoint, everything, preferences=preferences)
    if plan.active:
        done = pasted_page(asked, plan)
        # Preferences may have changed since.
        now = data.draw(st.one_of(st.just(preferences), PREFERENCES))
        params = infotext_of(done, plan)
        pasted = from_positional([panel_value(key, params, now) for key in KEYS])
        assert make_plan(done, pasted, checkpoint, everything, preferences=now).changes == ()


SD15_PICTURE = {"Hyper-SD": "Hyper-SD15-8steps-lora", "Steps": "8", "CFG scale": "1.3"}
HIRES_LEFT_ALONE = SD15_PICTURE | {
    "Prompt": "a <lora:Hyper-SD15-8steps-lora:1>",
    "Hires prompt": "a",
    "Hires upscale": "2",
    "Hires steps": "5",
    "Denoising strength": "0.56",
    "Hires checkpoint": "some_turbo.safetensors",
}
HIRES_TAGGED = HIRES_LEFT_ALONE | {"Hires prompt": "a <lora:Hyper-SDXL-4steps-lora:0.75>"}
FLUX_PICTURE = {"Hyper-SD": "Hyper-FLUX.1-dev-8steps-lora", "Distilled CFG Scale": "3.5"}


@pytest.mark.parametrize(
    ("preferences", "params", "key", "value"),
    [
        (preferring(), SD15_PICTURE, "cfg", "clamp"),
        (preferring("keep CFG", recipes="sd15: range 4-5"), SD15_PICTURE, "cfg", "clamp"),
        (preferring("recipe CFG"), SD15_PICTURE, "cfg", "keep"),
        (preferring("recipe CFG", recipes="sd15: cfg 1.3"), SD15_PICTURE, "cfg", "clamp"),
        (preferring(recipes="sd15: range 4-5"), SD15_PICTURE, "cfg", "keep"),
        (preferring(recipes="Hyper-SD15-8steps-lora: range 4-5"), SD15_PICTURE, "cfg", "keep"),
        (preferring(), FLUX_PICTURE, "distilled_cfg", "clamp"),
        (preferring(recipes="flux nf4: distilled range 4-5"), FLUX_PICTURE, "distilled_cfg", "keep"),
        (preferring("recipe distilled CFG", family="flux"), FLUX_PICTURE, "distilled_cfg", "keep"),
        (preferring(), SD15_PICTURE, "hires", "tune"),
        (preferring("hires always"), SD15_PICTURE, "hires", "keep"),
        (preferring("hires always"), SD15_PICTURE | {"Hires upscale": "2"}, "hires", "tune"),
        (preferring("hires always"), FLUX_PICTURE, "hires", "tune"),
        (preferring("hires always"), {"Hyper-SD": "my-lora"}, "hires", "keep"),
        *((preferring(), HIRES_LEFT_ALONE, key, "keep") for key in ("cfg", "sampler", "scheduler", "hires_steps")),
        (preferring(), HIRES_LEFT_ALONE, "hires", "keep"),
        (preferring(), HIRES_LEFT_ALONE, "lora", "none"),
        (preferring(), HIRES_TAGGED, "lora", "Hyper-SD15-8steps-lora"),
        (preferring(), HIRES_TAGGED, "hires", "tune"),
        (preferring(), HIRES_TAGGED, "hires_denoise", "keep"),
    ],
)
def test_a_pasted_value_is_what_leaves_the_picture_alone(
    preferences: Preferences, params: dict[str, str], key: str, value: str
) -> None:
    assert panel_value(key, params, preferences) == value


@given(requests(), CHECKPOINTS, PREFERENCES)
def test_preferences_never_make_a_plan_active_or_half_of_one(
    everything: LoraIndex, asked: Request, checkpoint: Any, preferences: Preferences
) -> None:
    # "hires always" is as if the request had hires fix on: a tag in its own hires prompt counts then.
    asked = replace(asked, own_hr_prompt="")
    plain = make_plan(asked, Settings(), checkpoint, everything)
    plan = make_plan(asked, Settings(), checkpoint, everything, preferences=preferences)
    assert plan.active == plain.active
    if not plain.active:
        assert plan == plain


@given(requests(), CHECKPOINTS, PREFERENCES)
def test_all_keys_by_name_leave_policies_nothing_to_say(
    everything: LoraIndex, asked: Request, checkpoint: Any, preferences: Preferences
) -> None:
    named = from_object({key: getattr(Settings(), key) for key in KEYS})
    policies = replace(preferences, overrides=NO_PREFERENCES.overrides, policy_notices={})
    plain = make_plan(asked, Settings(), checkpoint, everything)
    assert make_plan(asked, named, checkpoint, everything, preferences=policies) == plain


def test_naming_does_not_count_in_comparisons() -> None:
    assert from_object({"cfg": "clamp"}) == Settings()
    assert from_object({"cfg": "clamp"}).named == {"cfg"}
    assert replace(from_object({"cfg": "clamp"}), steps=4).named == {"cfg"}
    assert Settings(True, "none", 4).lora == "none"
    assert "named" not in KEYS


def test_an_nf4_checkpoint_has_its_own_line(everything: LoraIndex) -> None:
    asked = request(distilled_cfg_scale=9.0)
    nf4 = describe("flux1-dev-bnb-nf4", "flux-dev")
    plan = planned(everything, asked, Settings(), preferring(recipes="flux nf4: distilled 3.25"), nf4)
    assert after(asked, plan, "distilled_cfg_scale") == 3.25
