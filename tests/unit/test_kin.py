"""LoRAs of other distillations: never chosen, never silent beside Hyper-SD's, and driven by their own recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from files import index_of, lora, write_safetensors
from plans import make_plan, plan_for_tags
from test_plan import FLUX, SD15, SDXL, after, applied, hires, request

from lib_hypersd.models.checkpoint import Checkpoint, describe
from lib_hypersd.models.kin import KIN, KIN_TITLES, LCM, kin_of
from lib_hypersd.models.lora_index import LoraIndex, LoraQuery, RegisteredLora
from lib_hypersd.models.words import WORDS
from lib_hypersd.panel.listeners import mark
from lib_hypersd.request.preferences import Preferences
from lib_hypersd.request.settings import OTHER_LORAS, Choices, Settings, as_object, from_positional
from lib_hypersd.request.tag_rule import Lookups, requested_by_tags
from lib_hypersd.sampling.names import TCD

EULER, SGM = "Euler", "SGM Uniform"
FLUX_DOUBLE = "transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight"

# As published (FACTS: the cards of the files' repositories): name, width of the text context, checkpoint, steps,
# CFG, sampler, schedule type.
PUBLISHED: tuple[tuple[str, int, Checkpoint, int, float, str, str], ...] = (
    ("sdxl_lightning_2step_lora", 2048, SDXL, 2, 1.0, EULER, SGM),
    ("sdxl_lightning_4step_lora", 2048, SDXL, 4, 1.0, EULER, SGM),
    ("SDXLLightning8StepLora", 2048, SDXL, 8, 1.0, EULER, SGM),
    ("lcm-lora-sdv1-5", 768, SD15, 4, 1.0, LCM, SGM),
    ("LCM_LoRA_Weights_SD15", 768, SD15, 4, 1.0, LCM, SGM),
    ("lcm-lora-sdxl", 2048, SDXL, 4, 1.0, LCM, SGM),
    ("dmd2_sdxl_4step_lora_fp16", 2048, SDXL, 4, 1.0, LCM, SGM),
    ("DMD2_LoRA", 2048, SDXL, 4, 1.0, LCM, SGM),
    ("TCD-SDXL-LoRA", 2048, SDXL, 4, 1.0, TCD, TCD),
    ("TCD-SD15-LoRA", 768, SD15, 4, 1.0, TCD, TCD),
    ("pcm_sd15_smallcfg_2step_converted", 768, SD15, 2, 1.0, EULER, SGM),
    ("pcm_sdxl_smallcfg_16step_converted", 2048, SDXL, 16, 1.0, EULER, SGM),
    ("pcm_sdxl_normalcfg_8step_converted_fp16", 2048, SDXL, 8, 7.0, EULER, SGM),
    ("pcm_sdxl_lcmlike_lora_converted", 2048, SDXL, 4, 1.0, LCM, SGM),
)


def only(folder: Path, name: str, context: int) -> LoraIndex:
    return LoraIndex([lora(folder, name, context)])


def turbo_alpha(folder: Path, name: str = "FLUX.1-Turbo-Alpha") -> LoraIndex:
    path = write_safetensors(folder / f"{name}.safetensors", {FLUX_DOUBLE: (4, 3072)})
    return LoraIndex([RegisteredLora(name, name, str(path))])


# Named under `lora`: its own recipe


@pytest.mark.parametrize(("name", "context", "checkpoint", "steps", "cfg", "sampler", "schedule"), PUBLISHED)
def test_a_named_file_gets_its_own_published_recipe(
    tmp_path: Path,
    name: str,
    context: int,
    checkpoint: Checkpoint,
    steps: int,
    cfg: float,
    sampler: str,
    schedule: str,
) -> None:
    asked = request(cfg_scale=12.0)
    plan = make_plan(asked, Settings(lora=name), checkpoint, only(tmp_path, name, context))
    done = applied(asked, plan)
    assert plan.active
    assert (done.steps, done.cfg_scale, done.sampler_name, done.scheduler) == (steps, cfg, sampler, schedule)
    assert plan.prompts == (f"a cat <lora:{name}:1>",)
    assert [n for n in plan.notices if "this extension's own" not in n] == []


def test_flux_turbo_alpha_gets_its_own_weight_and_distilled_cfg(tmp_path: Path) -> None:
    asked = request(distilled_cfg_scale=2.5)
    plan = make_plan(asked, Settings(lora="FLUX.1-Turbo-Alpha"), FLUX, turbo_alpha(tmp_path))
    done = applied(asked, plan)
    assert (done.steps, done.cfg_scale, done.distilled_cfg_scale) == (8, 1.0, 3.5)
    assert plan.prompts == ("a cat <lora:FLUX.1-Turbo-Alpha:1>",)
    assert plan.notices == ()


def test_a_plan_for_kin_applied_to_its_own_result_changes_nothing(tmp_path: Path) -> None:
    for name, context, checkpoint, *_ in PUBLISHED:
        index, settings = only(tmp_path, name, context), Settings(lora=name)
        asked = hires(hr_cfg=7.0)
        once = applied(asked, make_plan(asked, settings, checkpoint, index))
        assert make_plan(once, settings, checkpoint, index).changes == (), name


@pytest.mark.parametrize(("cfg", "expected"), [(1.5, 1.5), (2.0, 2.0), (2.5, 1.0), (7.0, 1.0)])
def test_a_cfg_within_the_kins_range_is_kept(tmp_path: Path, cfg: float, expected: float) -> None:
    asked = request(cfg_scale=cfg)
    plan = make_plan(asked, Settings(lora="lcm-lora-sdxl"), SDXL, only(tmp_path, "lcm-lora-sdxl", 2048))
    assert after(asked, plan, "cfg_scale") == expected


@pytest.mark.parametrize(("cfg", "expected"), [(3.0, 3.0), (5.0, 5.0), (7.0, 7.0), (1.0, 7.0), (9.0, 7.0)])
def test_pcm_with_normal_cfg_keeps_a_cfg_from_3_to_7(tmp_path: Path, cfg: float, expected: float) -> None:
    name = "pcm_sd15_normalcfg_4step"
    asked = request(cfg_scale=cfg)
    plan = make_plan(asked, Settings(lora=name), SD15, only(tmp_path, name, 768))
    assert after(asked, plan, "cfg_scale") == expected


@pytest.mark.parametrize(("steps", "far"), [(4, False), (6, False), (8, False), (16, True)])
def test_lcm_serves_4_to_8_steps(tmp_path: Path, steps: int, far: bool) -> None:
    plan = make_plan(
        request(), Settings(lora="lcm-lora-sdxl", steps=steps), SDXL, only(tmp_path, "lcm-lora-sdxl", 2048)
    )
    assert any("steps are far" in n for n in plan.notices) == far


def test_a_lightning_file_without_its_steps_is_refused_as_any_other(tmp_path: Path) -> None:
    index = only(tmp_path, "sdxl_lightning_lora", 2048)
    assert "for how many steps" in make_plan(request(), Settings(lora="sdxl_lightning_lora"), SDXL, index).notice
    assert make_plan(request(), Settings(lora="sdxl_lightning_lora", steps=4), SDXL, index).active


def test_a_file_for_another_family_is_refused(tmp_path: Path) -> None:
    name = "sdxl_lightning_4step_lora"
    plan = make_plan(request(), Settings(lora=name), SD15, only(tmp_path, name, 2048))
    assert not plan.active
    assert "is for SDXL" in plan.notice


def test_a_distillation_without_a_row_says_so(tmp_path: Path) -> None:
    name = "SDXL_Flash_8step_lora"
    plan = make_plan(request(), Settings(lora=name), SDXL, only(tmp_path, name, 2048))
    assert plan.active
    assert f"{name} is a LoRA of another distillation (Flash)" in plan.notice


def test_a_persons_own_line_changes_a_kins_recipe(tmp_path: Path) -> None:
    name = "lcm-lora-sdxl"
    own = Preferences.read({}, f"{name}: weight 0.8, cfg 1.5")
    asked = request()
    plan = make_plan(asked, Settings(lora=name), SDXL, only(tmp_path, name, 2048), preferences=own)
    assert plan.prompts == (f"a cat <lora:{name}:0.8>",)
    assert after(asked, plan, "cfg_scale") == 1.5


def test_what_was_set_by_name_wins_over_a_kins_recipe(tmp_path: Path) -> None:
    name = "sdxl_lightning_4step_lora"
    settings = Settings(lora=name, weight=0.5, cfg=2.0, steps=6, sampler="keep", scheduler="Simple")
    asked = request()
    done = applied(asked, plan := make_plan(asked, settings, SDXL, only(tmp_path, name, 2048)))
    assert (done.steps, done.cfg_scale, done.sampler_name, done.scheduler) == (6, 2.0, "DPM++ 2M", "Simple")
    assert plan.prompts == (f"a cat <lora:{name}:0.5>",)


def test_a_typed_tag_of_the_named_file_stays_as_typed(tmp_path: Path) -> None:
    name = "sdxl_lightning_4step_lora"
    typed = f"a <lora:{name}:0.9> cat"
    plan = make_plan(request(typed), Settings(lora=name), SDXL, only(tmp_path, name, 2048))
    assert plan.prompts == (typed,)
    assert plan.notices == ()


# LCM where the host has none


def test_without_lcm_tcd_at_eta_1_is_taken_and_said(tmp_path: Path) -> None:
    asked = request(has_lcm=False)
    plan = make_plan(asked, Settings(lora="lcm-lora-sdxl"), SDXL, only(tmp_path, "lcm-lora-sdxl", 2048))
    done = applied(asked, plan)
    assert (done.sampler_name, done.scheduler, plan.eta) == (TCD, TCD, 1.0)
    assert "has no sampler LCM" in plan.notice
    assert TCD in plan.notice


def test_without_lcm_and_tcd_euler_is_taken_and_said(tmp_path: Path) -> None:
    asked = request(has_lcm=False, own_samplers=frozenset(), own_schedules=frozenset())
    plan = make_plan(asked, Settings(lora="dmd2_4step_sdxl"), SDXL, only(tmp_path, "dmd2_4step_sdxl", 2048))
    done = applied(asked, plan)
    assert (done.sampler_name, done.scheduler, plan.eta) == (EULER, SGM, None)
    assert "has no sampler LCM" in plan.notice
    assert "Euler was taken" in plan.notice


def test_a_sampler_of_the_persons_own_needs_no_word_on_lcm(tmp_path: Path) -> None:
    settings = Settings(lora="lcm-lora-sdxl", sampler="Euler a")
    plan = make_plan(request(has_lcm=False), settings, SDXL, only(tmp_path, "lcm-lora-sdxl", 2048))
    assert "has no sampler LCM" not in plan.notice


# Hires and other passes


def test_a_hires_pass_lands_on_the_kins_steps(tmp_path: Path) -> None:
    asked = hires(hr_cfg=7.0)
    plan = make_plan(asked, Settings(lora="dmd2_sdxl_4step_lora"), SDXL, only(tmp_path, "dmd2_sdxl_4step_lora", 2048))
    done = applied(asked, plan)
    assert (done.hr_second_pass_steps, done.hr_cfg, done.hr_sampler_name) == (2, 1.0, None)
    assert int(2 / min(done.denoising_strength or 0, 0.999)) == 4


def test_a_hires_checkpoint_of_the_same_family_gets_the_kin_too(tmp_path: Path) -> None:
    other, name = describe("other_xl", "sdxl"), "lcm-lora-sdxl"
    asked = hires(hr_prompts=("a dog",), hr_sampler_name="Euler a")
    plan = make_plan(asked, Settings(lora=name), SDXL, only(tmp_path, name, 2048), other)
    assert plan.hr_prompts == (f"a dog <lora:{name}:1>",)
    assert after(asked, plan, "hr_sampler_name") == LCM


def test_a_hires_checkpoint_of_another_family_gets_its_own_hyper_file(tmp_path: Path) -> None:
    index = LoraIndex([lora(tmp_path, "lcm-lora-sdxl", 2048), lora(tmp_path, "Hyper-SD15-8steps-lora")])
    plan = make_plan(hires(), Settings(lora="lcm-lora-sdxl"), SDXL, index, SD15)
    assert plan.hr_prompts == ("a cat <lora:Hyper-SD15-8steps-lora:1>",)


def test_img2img_lands_on_the_kins_steps(tmp_path: Path) -> None:
    asked = request(mode="img2img", img2img_fixed_steps=True, denoising_strength=0.5)
    plan = make_plan(asked, Settings(lora="lcm-lora-sdxl"), SDXL, only(tmp_path, "lcm-lora-sdxl", 2048))
    assert after(asked, plan, "steps") == 2


# In a prompt


def beside_hyper(folder: Path, *names: str) -> LoraIndex:
    return LoraIndex([lora(folder, name, 2048) for name in ("Hyper-SDXL-8steps-lora", *names)])


def test_a_second_distillation_in_the_prompt_is_named_once(tmp_path: Path) -> None:
    name = "sdxl_lightning_4step_lora"
    asked = hires(prompts=(f"a <lora:{name}:1>", f"b <lora:{name}:0.5>"), hr_prompts=(f"a <lora:{name}:1>",) * 2)
    plan = make_plan(asked, Settings(), SDXL, beside_hyper(tmp_path, name))
    assert plan.lora == "Hyper-SDXL-8steps-lora"
    assert [n for n in plan.notices if name in n] == [
        f"{name} (SDXL-Lightning) is a LoRA of another distillation, and two distillations ruin the picture: "
        "take it out of the prompt."
    ]
    assert plan.prompts[0] == f"a <lora:{name}:1> <lora:Hyper-SDXL-8steps-lora:0.75>"


def test_several_of_them_share_one_notice(tmp_path: Path) -> None:
    names = ("lcm-lora-sdxl", "TCD-SDXL-LoRA")
    prompt = "a " + "".join(f"<lora:{name}:1>" for name in names)
    plan = make_plan(request(prompt), Settings(), SDXL, beside_hyper(tmp_path, *names))
    assert [n for n in plan.notices if "another distillation" in n] == [
        "lcm-lora-sdxl (LCM) and TCD-SDXL-LoRA (TCD) are LoRAs of another distillation, and two distillations ruin the "
        "picture: take them out of the prompt."
    ]


@pytest.mark.parametrize(
    "prompt",
    [
        "a <lora:lcm-lora-sdxl:0>",
        "a <lora:lightning_bolts:1>",
        "a <lora:turbo_racing_car:1>",
        "a cat # <lora:lcm-lora-sdxl:1>",
        "lcm-lora-sdxl",
    ],
)
def test_what_is_no_second_distillation_gets_no_notice(tmp_path: Path, prompt: str) -> None:
    index = beside_hyper(tmp_path, "lcm-lora-sdxl", "lightning_bolts", "turbo_racing_car")
    assert "another distillation" not in make_plan(request(prompt), Settings(), SDXL, index).notice


def test_a_kin_beside_a_named_kin_is_named(tmp_path: Path) -> None:
    index = beside_hyper(tmp_path, "lcm-lora-sdxl", "TCD-SDXL-LoRA")
    plan = make_plan(request("a <lora:TCD-SDXL-LoRA:1>"), Settings(lora="lcm-lora-sdxl"), SDXL, index)
    assert "TCD-SDXL-LoRA (TCD) is a LoRA of another distillation" in plan.notice
    assert "lcm-lora-sdxl (LCM)" not in plan.notice


def test_one_that_the_hosts_option_adds_is_named(tmp_path: Path) -> None:
    asked = request(standing_lora="lcm-lora-sdxl")
    plan = make_plan(asked, Settings(), SDXL, beside_hyper(tmp_path, "lcm-lora-sdxl"))
    assert "lcm-lora-sdxl (LCM) is a LoRA of another distillation" in plan.notice


def test_with_the_panel_off_a_tag_of_kin_is_the_hosts_business(tmp_path: Path) -> None:
    index, asked = beside_hyper(tmp_path, "lcm-lora-sdxl"), request("a <lora:lcm-lora-sdxl:1>")
    for reaction in ("aliases", "all", "none"):
        assert requested_by_tags(asked.prompts, Lookups(index), reaction, comments="hash") == "nothing"
    assert not plan_for_tags(asked, SDXL, index).active


# Never chosen


def test_auto_never_takes_one(tmp_path: Path) -> None:
    names = [name for name, *_ in PUBLISHED]
    for context, family in ((768, "sd15"), (2048, "sdxl")):
        index = LoraIndex(lora(tmp_path, name, context) for name in names)
        assert index.files == ()
        assert index.choose(family, LoraQuery(4)) is None  # type: ignore[arg-type]
    assert not make_plan(request(), Settings(), SDXL, index).active


def test_the_index_lists_them_without_opening_a_file() -> None:
    names = ["sdxl_lightning_4step_lora", "lcm-lora-sdxl", "SDXL_Flash_lora", "Hyper_Realistic_v2", "lightning_bolts"]
    index = LoraIndex(RegisteredLora(name, name, f"/nowhere/{name}.safetensors") for name in names)
    assert dict(index.kin) == {names[0]: "lightning", names[1]: "lcm", names[2]: "flash"}
    assert index.unread == {}


def test_hyper_sd_files_are_none_of_them(tmp_path: Path) -> None:
    index = index_of(tmp_path, ["Hyper-SDXL-4steps-lora", "my_hyper_lightning_4step_sdxl"])
    assert set(index.kin) <= {"my_hyper_lightning_4step_sdxl"} - {file.name for file in index.files}


def test_an_alias_names_the_same_file(tmp_path: Path) -> None:
    index = LoraIndex([lora(tmp_path, "fast", 2048, {"ss_output_name": "sdxl_lightning_4step_lora"})])
    assert index.kin_name("sdxl_lightning_4step_lora") == index.kin_name("fast") == "fast"


# In the panel


def test_the_panels_list_has_them_last_under_a_line_of_their_own() -> None:
    choices = Choices(loras=["Hyper-SDXL-8steps-lora"], kin=["lcm-lora-sdxl"])
    assert choices.listed_loras == ("auto", "none", "Hyper-SDXL-8steps-lora", OTHER_LORAS, "lcm-lora-sdxl")
    assert Choices(loras=["a"]).listed_loras == ("auto", "none", "a")
    assert mark(choices) != mark(Choices(loras=choices.loras))


def test_that_line_chosen_means_auto_and_a_name_below_it_itself() -> None:
    assert from_positional([True, OTHER_LORAS]).lora == "auto"
    assert as_object([True, OTHER_LORAS]) == {}
    assert from_positional([True, "lcm-lora-sdxl"]).lora == "lcm-lora-sdxl"


# The table


def test_every_row_has_a_source_and_a_title() -> None:
    words = {row.meaning for row in WORDS if row.kind == "distillation"} - {"hyper"}
    assert words == KIN_TITLES.keys()
    for row in KIN:
        assert row.distillation in words
        assert row.source.startswith("huggingface.co/")
        assert kin_of(row.distillation, row.families[0], row.kind) is row


def test_no_row_means_none() -> None:
    values: tuple[tuple[Any, Any], ...] = (("lightning", "sd15"), ("flash", "sdxl"), (None, "sdxl"), ("turbo", "sdxl"))
    for distillation, family in values:
        assert kin_of(distillation, family, "plain") is None
