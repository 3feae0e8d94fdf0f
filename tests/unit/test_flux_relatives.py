"""FLUX.1-dev's relatives: known by the width of their input or by name, and left what is theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from files import write_safetensors
from plans import make_plan
from test_plan import FLUX, after, applied, hires, request

from lib_hypersd.models.checkpoint import Checkpoint, describe, identify
from lib_hypersd.models.flux_variants import OWN_GUIDANCE, flux_variant
from lib_hypersd.models.headers import read_header
from lib_hypersd.models.lora_index import LoraIndex
from lib_hypersd.request.preferences import Preferences
from lib_hypersd.request.settings import Settings

LORA = "Hyper-FLUX.1-dev-8steps-lora"
LDM, DIFFUSERS = ("img_in.weight", "guidance_in."), ("x_embedder.weight", "time_text_embed.guidance_embedder.")
BLOCKS = {LDM: "double_blocks.0.img_attn.qkv.weight", DIFFUSERS: "single_transformer_blocks.0.attn.to_q.weight"}


def checkpoint(
    folder: Path, name: str, width: int, layout: tuple[str, str] = LDM, *, guided: bool = True, prefix: str = ""
) -> Checkpoint:
    """A FLUX.1 checkpoint's file whose first layer takes inputs of this width, as it is known before it is loaded."""
    shapes = {prefix + layout[0]: (3072, width), prefix + BLOCKS[layout]: (9216, 3072)}
    if guided:
        shapes[f"{prefix}{layout[1]}in_layer.weight"] = (3072, 256)
    header = read_header(str(write_safetensors(folder / f"{name}.safetensors", shapes)))
    return describe(name, identify(name, header), header)


# What they are


@pytest.mark.parametrize(
    ("name", "width", "variant"),
    [
        ("anything", 384, "fill"),
        ("flux1-fill-dev", 384, "fill"),
        ("flux1-depth-dev", 128, "depth"),
        ("flux1-canny-dev", 128, "canny"),
        ("anything", 128, "control"),
        ("flux1-fill-dev", 128, "control"),
        ("flux1-dev", 64, None),
        ("flux_depth_of_field_v2", 64, None),
        ("flux_canny_style", 64, None),
        ("flux1-fill-dev", 64, None),
        ("flux1-redux-dev", 64, "redux"),
        ("flux1-dev-kontext_fp8_scaled", 64, "kontext"),
        ("flux1-krea-dev", 64, "krea"),
        ("flux-dev-de-distill", 64, "de-distilled"),
        ("FLUX.1-dev2pro", 64, "de-distilled"),
        ("fluxDevRealCFG_v1", 64, "de-distilled"),
        ("flux-fill-dedistill", 384, "fill"),
    ],
)
@pytest.mark.parametrize("layout", [LDM, DIFFUSERS])
def test_the_inputs_width_wins_over_the_name(
    tmp_path: Path, name: str, width: int, variant: str | None, layout: tuple[str, str]
) -> None:
    assert checkpoint(tmp_path, name, width, layout).flux_variant == variant


def test_a_prefix_before_the_tensors_names_changes_nothing(tmp_path: Path) -> None:
    assert checkpoint(tmp_path, "x", 384, prefix="model.diffusion_model.").flux_variant == "fill"


@pytest.mark.parametrize(
    ("name", "variant"), [("flux1-fill-dev", "fill"), ("fluxDedistilled_q4", "de-distilled"), ("flux1-dev", None)]
)
def test_without_a_width_the_name_tells(name: str, variant: str | None) -> None:
    assert describe(name, "flux-dev").flux_variant == variant
    assert flux_variant("fill", 1) == "fill"  # packed weights


def test_other_architectures_have_none() -> None:
    assert describe("sdxl_inpaint_fill", "sdxl").flux_variant is None
    assert describe("flux2-fill", "flux2").flux_variant is None


def test_a_de_distilled_one_without_a_guidance_layer_is_not_schnell(tmp_path: Path) -> None:
    found = checkpoint(tmp_path, "flux-dev-de-distill", 64, guided=False)
    assert (found.architecture, found.distilled) == ("flux-dev", None)
    assert identify("flux-dev-de-distill", None, "flux-schnell") == "flux-dev"
    assert checkpoint(tmp_path, "some-flux", 64, guided=False).architecture == "flux-schnell"


# Fill, Depth, Canny, Redux: their own distilled CFG


@pytest.mark.parametrize(
    ("name", "title", "wanted"),
    [
        ("flux1-fill-dev", "FLUX.1 Fill", "30"),
        ("flux1-depth-dev", "FLUX.1 Depth", "10"),
        ("flux1-canny-dev", "FLUX.1 Canny", "30"),
        ("flux1-redux-dev", "FLUX.1 Redux", "2.5"),
    ],
)
def test_distilled_cfg_is_left_alone_and_the_right_one_named(
    everything: LoraIndex, name: str, title: str, wanted: str
) -> None:
    asked = request(distilled_cfg_scale=20.0)
    plan = make_plan(asked, Settings(), describe(name, "flux-dev"), everything)
    done = applied(asked, plan)
    assert (done.steps, done.cfg_scale, done.sampler_name) == (8, 1.0, "Euler")
    assert done.distilled_cfg_scale == 20.0
    assert plan.notices == (
        f"Distilled CFG was left at 20, and {name} is {title}, which is made for {wanted}: set that.",
    )


@pytest.mark.parametrize("value", [10.0, 30.0])
def test_a_right_value_needs_no_notice(tmp_path: Path, everything: LoraIndex, value: float) -> None:
    control = checkpoint(tmp_path, "anything", 128)
    plan = make_plan(request(distilled_cfg_scale=value), Settings(), control, everything)
    assert plan.active
    assert plan.notices == ()


@pytest.mark.parametrize("policy", ["clamp", "recipe", "keep"])
def test_no_policy_moves_it_and_a_number_does(everything: LoraIndex, policy: str) -> None:
    fill, asked = describe("flux1-fill-dev", "flux-dev"), request(distilled_cfg_scale=3.5)
    plan = make_plan(asked, Settings(distilled_cfg=policy), fill, everything)
    assert after(asked, plan, "distilled_cfg_scale") == 3.5
    plan = make_plan(asked, Settings(distilled_cfg=25.0), fill, everything)
    assert after(asked, plan, "distilled_cfg_scale") == 25.0
    assert plan.notices == ("Distilled CFG is 25, and flux1-fill-dev is FLUX.1 Fill, which is made for 30: set that.",)


def test_the_hires_pass_of_fill_is_left_its_own_too(everything: LoraIndex) -> None:
    fill = describe("flux1-fill-dev", "flux-dev")
    asked = hires(distilled_cfg_scale=30.0, hr_distilled_cfg=3.5, hr_cfg=1.0)
    plan = make_plan(asked, Settings(), fill, everything)
    assert after(asked, plan, "hr_distilled_cfg") == 3.5
    assert [n for n in plan.notices if "istilled CFG" in n] == [
        "Hires distilled CFG was left at 3.5, and flux1-fill-dev is FLUX.1 Fill, which is made for 30: set that."
    ]
    plan = make_plan(asked, Settings(), FLUX, everything, fill)
    assert after(asked, plan, "distilled_cfg_scale") == 3.5
    assert after(asked, plan, "hr_distilled_cfg") == 3.5
    assert "Hires distilled CFG was left at 3.5" in plan.notice


def test_where_the_host_has_no_distilled_cfg_nothing_is_said(everything: LoraIndex) -> None:
    assert make_plan(request(), Settings(), describe("flux1-fill-dev", "flux-dev"), everything).notices == ()


# Kontext and Krea: as dev


@pytest.mark.parametrize("name", ["flux1-dev-kontext_fp8_scaled", "flux1-krea-dev"])
def test_kontext_and_krea_are_as_dev(everything: LoraIndex, name: str) -> None:
    asked = request(distilled_cfg_scale=7.0)
    plan = make_plan(asked, Settings(), describe(name, "flux-dev"), everything)
    dev = make_plan(asked, Settings(), FLUX, everything)
    assert (plan.changes, plan.notices) == (dev.changes, dev.notices)


# De-distilled: the LoRA and the steps alone


@pytest.mark.parametrize("name", ["flux-dev-de-distill", "FLUX.1-dev2pro", "flux_true_cfg_dev"])
@pytest.mark.parametrize("lora", ["auto", LORA])
def test_of_a_de_distilled_one_the_lora_and_the_steps_are_set(everything: LoraIndex, name: str, lora: str) -> None:
    asked = request(distilled_cfg_scale=7.0, cfg_scale=4.0)
    plan = make_plan(asked, Settings(lora=lora), describe(name, "flux-dev"), everything)
    assert [change.field for change in plan.changes] == ["steps", "prompt"]
    assert plan.prompts == (f"a cat <lora:{LORA}:0.125>",)
    assert len(plan.notices) == 1
    assert plan.notices[0].startswith(f"{name} is de-distilled and needs real CFG")


def test_its_hires_pass_gets_steps_alone(everything: LoraIndex) -> None:
    asked = hires(cfg_scale=4.0, hr_cfg=5.0, hr_distilled_cfg=7.0, hr_sampler_name="Euler a", hr_scheduler="Simple")
    plan = make_plan(asked, Settings(), describe("flux-dedistill", "flux-dev"), everything)
    assert {change.field for change in plan.settings_changes} == {"steps", "hr_second_pass_steps", "denoising_strength"}


def test_ticks_for_flux_do_not_reach_a_de_distilled_one(everything: LoraIndex) -> None:
    ticks = Preferences.read({"flux": ["recipe CFG", "recipe distilled CFG"]}, "")
    asked = request(distilled_cfg_scale=7.0)
    plan = make_plan(asked, Settings(), describe("flux-dedistill", "flux-dev"), everything, preferences=ticks)
    assert [change.field for change in plan.settings_changes] == ["steps"]


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"cfg": 3.0}, "cfg_scale", 3.0),
        ({"sampler": "Euler"}, "sampler_name", "Euler"),
        ({"distilled_cfg": 2.0}, "", 0),
    ],
)
def test_what_is_given_by_name_is_done(everything: LoraIndex, given: dict[str, Any], field: str, value: Any) -> None:
    asked = request(distilled_cfg_scale=7.0)
    plan = make_plan(asked, Settings().naming(given), describe("flux-dedistill", "flux-dev"), everything)
    assert after(asked, plan, field or "distilled_cfg_scale") == (value if field else 2.0)


def test_a_plan_for_a_relative_applied_to_its_own_result_changes_nothing(everything: LoraIndex) -> None:
    for name in ("flux1-fill-dev", "flux1-redux-dev", "flux1-krea-dev", "flux-dev-de-distill"):
        asked, one = hires(distilled_cfg_scale=7.0, hr_distilled_cfg=7.0, hr_cfg=2.0), describe(name, "flux-dev")
        once = applied(asked, make_plan(asked, Settings(), one, everything))
        assert make_plan(once, Settings(), one, everything).changes == (), name


def test_every_row_has_a_source() -> None:
    assert all(own.source and own.distilled_cfg for own in OWN_GUIDANCE.values())
