"""What Forge Classic does otherwise: samplers that bring their schedule, and what its prompts and LoRAs are like."""

from __future__ import annotations

import pytest
from server import PROMPT, Server, request

LORA = "<lora:Hyper-SD15-4steps-lora:1>"
HIRES = {"enable_hr": True, "hr_upscaler": "None", "hr_scale": 2, "denoising_strength": 0.55, "cfg_scale": 1}


def timesteps(server: Server) -> list[int]:
    return [round(t) for t in server.stats()["timesteps"]]


@pytest.mark.parametrize(
    ("sampler", "expected"),
    [
        ("Euler", [999, 666, 333, 0]),
        ("Euler SGMUniform", [999, 749, 500, 250]),
        ("Euler A Turbo", [999, 749, 499, 249]),
    ],
)
def test_a_sampler_brings_its_schedule(classic, sampler, expected):
    drawn = classic.draw(sampler_name=sampler, scheduler="Karras")  # a field that it passes over
    assert timesteps(classic) == expected
    assert f"Sampler: {sampler}, CFG scale" in drawn.text


def test_an_option_overrides_the_schedules_of_k_diffusions_samplers_alone(classic):
    plain = {name: classic.draw(sampler_name=name).pixels for name in ("Euler", "Euler SGMUniform")}
    classic.post("/sdapi/v1/options", {"k_sched_type": "karras"})
    try:
        euler, bound = (classic.draw(sampler_name=name) for name in plain)
        assert euler.pixels != plain["Euler"]
        assert "Schedule type: karras" in euler.text
        assert bound.pixels == plain["Euler SGMUniform"]
        assert "Schedule type" not in bound.text
        unknown = {"override_settings": {"k_sched_type": "SGM Uniform"}}
        assert classic.call("/sdapi/v1/txt2img", request(**unknown))[0] == 500
    finally:
        classic.post("/sdapi/v1/options", {"k_sched_type": "Automatic"})


def test_a_samplers_name_is_one_or_nothing(classic):
    assert classic.call("/sdapi/v1/txt2img", request(sampler_name="Euler Karras"))[0] == 404


def test_the_first_step_has_no_guidance(classic):
    one_step = {"steps": 1, "negative_prompt": "a red circle", "sampler_name": "Euler SGMUniform"}
    assert classic.draw(cfg_scale=7, **one_step).pixels == classic.draw(cfg_scale=1, **one_step).pixels


def test_comments_stay_in_hires_prompts(classic):
    commented = f"{PROMPT} # {LORA}"
    assert classic.draw(prompt=commented, **HIRES).pixels != classic.draw(prompt=PROMPT, **HIRES).pixels
