"""An axis of X/Y/Z plot owns its field: what depends on the field is computed from the axis's value."""

from __future__ import annotations

from typing import Any

import pytest
from plans import make_plan
from test_plan import FLUX, SD15, after, applied, hires, request

from lib_hypersd.models.checkpoint import describe
from lib_hypersd.models.lora_index import LoraIndex
from lib_hypersd.request.settings import Settings


@pytest.mark.parametrize("hires_denoise", ["auto", "keep", 0.3, 0.9])
@pytest.mark.parametrize(
    ("steps", "denoise", "k"), [(8, 0.5, 4), (8, 0.75, 6), (16, 0.5, 8), (4, 0.5, 2), (2, 0.5, 1), (8, 1.0, 8)]
)
def test_the_hires_pass_of_a_denoising_axis_lands_at_its_strength(
    everything: LoraIndex, steps: int, denoise: float, k: int, hires_denoise: Any
) -> None:
    given = request(denoising_strength=denoise, explicit=frozenset({"denoising_strength"}))
    settings = Settings(hires="always", steps=steps, hires_denoise=hires_denoise)
    plan = make_plan(given, settings, SD15, everything)
    done = applied(given, plan)
    assert (done.hr_second_pass_steps, done.denoising_strength, done.enable_hr) == (k, denoise, True)
    assert not any("Denoising" in notice for notice in plan.notices)
    assert make_plan(done, settings, SD15, everything).changes == ()


def test_a_strength_of_the_axis_that_fits_no_steps_is_named_and_left(everything: LoraIndex) -> None:
    given = request(denoising_strength=0.33, explicit=frozenset({"denoising_strength"}))
    plan = make_plan(given, Settings(hires="always", steps=4), SD15, everything)
    assert after(given, plan, "denoising_strength") == 0.33
    assert "Denoising strength 0.33 does not fit 4 trained steps" in plan.notice
    assert "0.55" not in plan.notice


@pytest.mark.parametrize(("axis", "denoise"), [(5, 0.56), (4, 0.5), (8, 0.55)])
def test_the_strength_is_nudged_for_the_hires_steps_of_an_axis(
    everything: LoraIndex, axis: int, denoise: float
) -> None:
    given = hires(hr_second_pass_steps=axis, explicit=frozenset({"hr_second_pass_steps"}))
    done = applied(given, make_plan(given, Settings(hires_steps=3), SD15, everything))
    assert (done.hr_second_pass_steps, done.denoising_strength) == (axis, denoise)
    by_number = applied(hires(), make_plan(hires(), Settings(hires_steps=axis), SD15, everything))
    assert by_number.denoising_strength == denoise


@pytest.mark.parametrize(("steps", "advice"), [(4, "0.5"), (2, "0.25"), (20, "other steps")])
def test_steps_of_an_axis_in_img2img_get_advice_for_these_steps(everything: LoraIndex, steps: int, advice: str) -> None:
    given = request(
        mode="img2img", steps=steps, denoising_strength=0.7, img2img_fixed_steps=True, explicit=frozenset({"steps"})
    )
    plan = make_plan(given, Settings(), SD15, everything)
    assert after(given, plan, "steps") == steps
    assert f"Denoising strength 0.7 at {steps} steps does not fit 8 trained steps" in plan.notice
    assert f"try {advice}." in plan.notice


def test_hires_that_an_axis_holds_is_not_turned_on(everything: LoraIndex) -> None:
    plan = make_plan(request(explicit=frozenset({"enable_hr"})), Settings(hires="always"), SD15, everything)
    assert not any(change.field.startswith("hr_") or change.field == "enable_hr" for change in plan.changes)
    assert "Hires fix was not turned on: an axis holds it." in plan.notices


@pytest.mark.parametrize(
    ("steps", "denoise", "words", "not_words"),
    [
        (4, 0.5, "the last 2 of 4 steps", "4 trained"),
        (8, 0.55, "the last 5 of 8 trained steps", "of 8 steps"),
        (1, 0.3, "Denoising strength 0.3 does not fit 1 step,", "1 trained"),
        (2, 0.1, "Denoising strength 0.1 does not fit 2 steps,", "2 trained"),
    ],
)
def test_only_the_steps_of_the_file_are_called_trained(
    everything: LoraIndex, steps: int, denoise: float, words: str, not_words: str
) -> None:
    plan = make_plan(hires(denoising_strength=denoise), Settings(steps=steps), FLUX, everything)
    said = " ".join([*(change.reason for change in plan.changes), plan.notice])
    assert words in said
    assert not_words not in said


def test_one_step_is_far(everything: LoraIndex) -> None:
    assert "1 step is far from the 8 that Hyper-FLUX.1-dev-8steps-lora was trained for." in (
        make_plan(request(), Settings(steps=1), FLUX, everything).notices
    )


@pytest.mark.parametrize(
    ("steps", "sampler", "schedule", "expected"),
    [
        (2, "Euler a", "SGM Uniform", False),
        (3, "Euler a", "SGM Uniform", False),
        (1, "Euler a", "SGM Uniform", True),
        (2, "Euler", "SGM Uniform", True),
        (2, "Euler a", "Karras", True),
    ],
)
def test_the_articles_own_way_with_the_one_step_unet_gets_no_doubt(
    everything: LoraIndex, steps: int, sampler: str, schedule: str, expected: bool
) -> None:
    settings = Settings(steps=steps, sampler=sampler, scheduler=schedule)
    plan = make_plan(request(), settings, describe("Hyper-SDXL-1step-Unet", "sdxl"), everything)
    assert ("expect noise or blur" in plan.notice) == expected
    assert ("draws soft pictures" in plan.notice) != expected


_IDLE = "The negative prompt has no effect"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"negative_prompt": True, "cfg_scale": 1.0}, "at CFG 1."),
        ({"negative_prompt": True, "hr_negative_prompt": True, "cfg_scale": 1.0, "hr_cfg": 1.0}, "at CFG 1."),
        ({"negative_prompt": True, "hr_negative_prompt": True, "cfg_scale": 1.0}, "at CFG 1."),
        ({"negative_prompt": True, "hr_negative_prompt": True, "cfg_scale": 1.0, "hr_cfg": 4.0}, "in the first pass,"),
        ({"negative_prompt": True, "hr_negative_prompt": True, "cfg_scale": 4.0, "hr_cfg": 1.0}, "in the hires pass,"),
        ({"hr_negative_prompt": True, "cfg_scale": 1.0}, "in the hires pass,"),
        ({"hr_negative_prompt": True, "cfg_scale": 4.0, "hr_cfg": 1.0}, "in the hires pass,"),
        ({"hr_negative_prompt": True, "cfg_scale": 1.0, "hr_cfg": 4.0}, None),
        ({"negative_prompt": True, "cfg_scale": 4.0, "hr_cfg": 1.0}, None),
        ({"hr_negative_prompt": True, "cfg_scale": 1.0, "hr_cfg": 0.0, "hr_cfg_zero_is_same": True}, "in the hires"),
        ({"hr_negative_prompt": True, "cfg_scale": 1.0, "enable_hr": False, "hr_prompts": ()}, None),
    ],
)
def test_each_pass_is_judged_by_its_own_negative_prompt_and_cfg(
    everything: LoraIndex, fields: dict[str, Any], said: str | None
) -> None:
    plan = make_plan(hires(**fields), Settings(cfg="keep"), SD15, everything)
    notices = [notice for notice in plan.notices if notice.startswith(_IDLE)]
    assert len(notices) == (said is not None)
    assert all(notice.startswith(f"{_IDLE} {said}") for notice in notices)
