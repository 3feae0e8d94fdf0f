"""Who brings the LoRA to the model, and what is said where it would not arrive as it was written."""

from __future__ import annotations

from typing import Any

import pytest
from files import whole_catalog
from plans import build_request

from lib_hypersd.models.checkpoint import Checkpoint
from lib_hypersd.models.lora_index import LoraFile, LoraIndex
from lib_hypersd.models.storage import Merged
from lib_hypersd.plan import infotext, make
from lib_hypersd.plan.draft import Inputs
from lib_hypersd.plan.how_applied import remark
from lib_hypersd.plan.result import Plan
from lib_hypersd.request.settings import Settings, from_object

NAME = "Hyper-SD15-8steps-lora"
OTHER = "Hyper-SD15-4steps-lora"
SD15 = Checkpoint("model", "sd15")
LOW_BIT = ("nf4", "fp4", "fp8", "fp8_e5m2", "q4_0", "q8_0", "q4_k", "int8")
FULL = ("fp32", "fp16", "bf16", None)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> LoraIndex:
    return whole_catalog(tmp_path_factory.mktemp("Lora"))


def kept(share: float, error: float | None = None) -> Any:
    def measure(_file: LoraFile, _weight: float) -> Merged:
        return Merged(0.02, share, error=1 - share if error is None else error)

    return measure


def inputs_of(index: LoraIndex, prompt: str = "a cat", **fields: Any) -> Inputs:
    known = {key: fields.pop(key) for key in ("storage", "is_merged", "measure") if key in fields}
    request = build_request(
        **{
            "prompts": (prompt,),
            "main_prompt": prompt,
            "steps": 20,
            "cfg_scale": 7.0,
            "sampler_name": "Euler",
            "scheduler": "Automatic",
            **fields,
        }
    )
    return Inputs(request, SD15, index, **{"measure": kept(0.03), **known})


def plan(index: LoraIndex, values: dict[str, Any] | None = None, prompt: str = "a cat", **fields: Any) -> Plan:
    return make.make_plan(inputs_of(index, prompt, **fields), from_object(values or {}))


def remark_on(index: LoraIndex, **known: Any) -> str:
    inputs = inputs_of(index, **known)
    return remark(inputs, make.make_plan(inputs, Settings()))


def way(plan: Plan, storage: str | None = None) -> str:
    assert plan.active
    assert plan.application is not None
    return plan.application.way(storage)


@pytest.mark.parametrize("storage", FULL)
def test_the_host_merges_into_full_precision(index: LoraIndex, storage: str | None) -> None:
    made = plan(index, storage=storage)
    assert way(made, storage) == "host"
    assert made.notices == ()
    assert remark_on(index, storage=storage) == ""


@pytest.mark.parametrize("storage", LOW_BIT)
def test_low_bit_storage_gets_a_bypass(index: LoraIndex, storage: str) -> None:
    assert way(plan(index, storage=storage), storage) == "bypass"


@pytest.mark.parametrize("storage", [*FULL, *LOW_BIT])
@pytest.mark.parametrize("requested", ["host", "bypass"])
def test_what_is_requested_is_done(index: LoraIndex, requested: str, storage: str | None) -> None:
    assert way(plan(index, {"apply": requested}, storage=storage), storage) == requested


@pytest.mark.parametrize("values", [{"weight": "1@0,0.5@1"}, {"hires_weight": "1@0,0.5@1"}])
def test_a_schedule_gets_a_bypass(index: LoraIndex, values: dict[str, Any]) -> None:
    assert way(plan(index, values), "fp16") == "bypass"


@pytest.mark.parametrize("arguments", ["1@0,0.5@1", "te=1:unet=1@0,0@1", "1:hr=0.5"])
def test_a_typed_schedule_gets_a_bypass_and_stays_as_typed(index: LoraIndex, arguments: str) -> None:
    prompt = f"a cat <lora:{NAME}:{arguments}>"
    made = plan(index, prompt=prompt)
    assert way(made, "fp16") == "bypass"
    assert made.prompts == (prompt,)


def test_a_typed_schedule_is_loractls_where_that_is_on(index: LoraIndex) -> None:
    made = plan(index, prompt=f"a cat <lora:{NAME}:1@0,0.5@1>", schedules_weights=True)
    assert way(made, "nf4") == "host"


@pytest.mark.parametrize("installed", [False, True])
def test_block_weights_are_their_extensions_where_that_is_here(index: LoraIndex, installed: bool) -> None:
    made = plan(index, prompt=f"a cat <lora:{NAME}:0.5:IN03>", weights_blocks=installed)
    assert way(made, "nf4") == ("host" if installed else "bypass")
    assert made.weight == 0.5


def test_a_plain_hires_weight_is_a_tag_of_its_own(index: LoraIndex) -> None:
    hires = {"enable_hr": True, "hr_prompts": ("a cat",), "denoising_strength": 0.6}
    made = plan(index, {"hires_weight": 0.4}, **hires)
    assert made.hr_prompts == (f"a cat <lora:{NAME}:0.4>",)
    assert made.prompts == (f"a cat <lora:{NAME}:1>",)
    assert way(made, "fp16") == "host"


def test_a_hires_weight_without_a_pass_gets_a_notice(index: LoraIndex) -> None:
    assert "hires weight" in plan(index, {"hires_weight": 0.4}).notice


def test_a_schedule_is_written_into_the_infotext(index: LoraIndex) -> None:
    made = plan(index, {"weight": "1@0, 0.5@1"})
    assert infotext.entries(made)["Hyper-SD weight"] == "1@0,0.5@1"
    assert made.prompts == (f"a cat <lora:{NAME}:1>",)
    assert "× 1@0,0.5@1" in made.summary


def test_a_schedule_is_not_judged_as_a_far_weight(index: LoraIndex) -> None:
    assert "far from" not in plan(index, {"weight": "0@0,1@1"}).notice
    assert "far from" in plan(index, {"weight": 0.1}).notice


def test_the_panel_says_what_a_merge_would_keep(index: LoraIndex) -> None:
    assert remark_on(index, storage="nf4") == (
        "Merged, this nf4 checkpoint would keep 3 % of the LoRA: it is applied beside the layers instead."
    )
    assert "GGUF Q4_0" in remark_on(index, storage="q4_0")


def test_a_generation_with_a_bypass_waits_for_no_measuring(index: LoraIndex) -> None:
    def measure(_file: LoraFile, _weight: float) -> Merged:
        raise AssertionError("measured")

    assert not plan(index, storage="nf4", measure=measure).notices


def test_a_merge_that_loses_the_lora_gets_a_notice(index: LoraIndex) -> None:
    lost = plan(index, {"apply": "host"}, storage="nf4")
    assert "3 % of the LoRA is kept" in lost.notice
    assert "unfinished" in lost.notice
    assert "kept" not in plan(index, {"apply": "host"}, storage="q8_0", measure=kept(0.99)).notice
    assert "kept" not in plan(index, {"apply": "host"}, storage="fp16").notice


def test_a_merge_that_drowns_it_in_noise_gets_a_notice(index: LoraIndex) -> None:
    noisy = kept(1.0, error=2.4)
    assert "noise 2.4 times as large" in plan(index, {"apply": "host"}, storage="fp8", measure=noisy).notice
    assert "noise 2.4 times as large" in remark_on(index, storage="fp8", measure=noisy)


def test_where_the_host_adds_it_in_each_evaluation_nothing_is_lost(index: LoraIndex) -> None:
    assert "kept" not in plan(index, {"apply": "host"}, storage="q4_0", is_merged=False).notice
    assert "keep" not in remark_on(index, storage="q4_0", is_merged=False)


def test_a_schedule_that_only_the_host_may_apply_gets_a_notice(index: LoraIndex) -> None:
    assert "step to step" in plan(index, {"apply": "host", "weight": "1@0,0.5@1"}).notice


@pytest.mark.parametrize("drops_all", [False, True])
def test_a_lora_that_is_not_there_is_named(index: LoraIndex, drops_all: bool) -> None:
    made = plan(index, prompt="a cat <lora:deletedStyle:0.7>", drops_all_loras=drops_all)
    assert "<lora:deletedStyle>" in made.notice
    assert ("drops every LoRA" in made.notice) == drops_all
    assert way(made, "fp16") == ("bypass" if drops_all else "host")
    assert made.prompts == (f"a cat <lora:deletedStyle:0.7> <lora:{NAME}:1>",)


@pytest.mark.parametrize("typed", [f"speed/{NAME}", f"{NAME}.safetensors", f"a\\b\\{NAME}.ckpt"])
def test_a_tag_by_folder_or_extension_is_that_file(index: LoraIndex, typed: str) -> None:
    made = plan(index, prompt=f"a <lora:{typed}:0.8> cat")
    assert made.prompts == (f"a <lora:{NAME}:0.8> cat",)
    assert made.lora == NAME
    assert not made.notices


def test_the_option_that_adds_a_network_adds_no_second_hyper_sd_file(index: LoraIndex) -> None:
    made = plan(index, {"steps": 4}, standing_lora=NAME)
    assert made.lora == OTHER
    assert made.leaves_out_standing
    assert NAME in made.notice
    same = plan(index, standing_lora=NAME)
    assert same.leaves_out_standing
    assert not same.notices
    assert not plan(index, standing_lora="my-style").leaves_out_standing


@pytest.mark.parametrize(
    "values", [{}, {"apply": "bypass"}, {"weight": "1@0,0.5@1"}, {"hires_weight": 0.4}, {"hires_weight": "1@0,0@1"}]
)
def test_applied_to_its_own_result_it_changes_nothing(index: LoraIndex, values: dict[str, Any]) -> None:
    hires = {"enable_hr": True, "hr_prompts": ("a cat",), "denoising_strength": 0.56, "hr_second_pass_steps": 5}
    once = plan(index, values, **hires)
    after = {c.field: c.after for c in once.settings_changes}
    again = plan(index, values, once.prompts[0], **{**hires, **after, "hr_prompts": once.hr_prompts})
    assert (again.changes, again.prompts, again.hr_prompts) == ((), once.prompts, once.hr_prompts)
    assert (way(again), again.schedule) == (way(once), once.schedule)
    if again.application is not None and again.application.varies:
        assert (again.hires_weight, again.hr_application) == (once.hires_weight, once.hr_application)


@pytest.mark.parametrize("typed", ["0.8", "1:hr=0.5", "1@0,0@1", "1:IN03"])
def test_a_typed_weight_beats_the_settings_schedule(index: LoraIndex, typed: str) -> None:
    made = plan(index, {"weight": "1@0,0.5@1"}, f"a cat <lora:{NAME}:{typed}>")
    assert str(made.schedule) != "1@0,0.5@1"
    assert made.prompts == (f"a cat <lora:{NAME}:{typed}>",)
