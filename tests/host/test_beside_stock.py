"""A host with the extension beside the same host without it, on every profile."""

from __future__ import annotations

from typing import Any

import pytest
from live.client import Drawn
from live.published import VARIANTS, clamped
from live.target import Target

HIRES = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "None", "denoising_strength": 0.55}
OFF = {"enabled": False}
QUICK = {"lora": "Hyper-SD15-2steps-lora"}
STOCK_REQUESTS = {
    "plain": {},
    "a full name": {"prompt": "a red circle <lora:Hyper-SD15-4steps-lora:0.7>"},
    "a full name without a weight": {"prompt": "a red circle <lora:Hyper-SD15-4steps-lora>"},
    "full names of two families": {"prompt": "a <lora:Hyper-SDXL-4steps-lora:1> <lora:Hyper-SD15-8steps-lora:1>"},
    "an unknown tag": {"prompt": "a red circle <lora:nobody-has-this:1>"},
    "negative prompt": {"negative_prompt": "blue, square"},
    "batch": {"batch_size": 2, "n_iter": 2},
    "hires": HIRES,
    "hires with its own prompt": HIRES | {"hr_prompt": "a blue square <lora:Hyper-SD15-8steps-lora:0.5>"},
    "comments": {"prompt": "a red circle # <lora:Hyper-SD15:1>\n# note"},
    "other sampler": {"sampler_name": "DPM++ 2M", "scheduler": "SGM Uniform"},
    "CFG 1": {"cfg_scale": 1.0, "negative_prompt": "blur"},
    "styles": {"styles": ["shiny"]},
    "noise": {"subseed_strength": 0.3, "s_noise": 1.1, "eta": 0.5},
}


def assert_same(got: Drawn, wanted: Drawn) -> None:
    assert [i.text for i in got.infotexts] == [i.text for i in wanted.infotexts]
    assert [p.pixels for p in got.pictures] == [p.pixels for p in wanted.pictures]


@pytest.mark.parametrize("request_name", STOCK_REQUESTS)
def test_off_is_bit_identical_to_not_installed(target: Target, without_extension: Target, request_name: str) -> None:
    request: dict[str, Any] = STOCK_REQUESTS[request_name]
    wanted = without_extension.draw(**request)
    assert_same(target.draw(**request), wanted)
    assert_same(target.draw(hypersd=OFF, **request), wanted)


def test_off_is_bit_identical_after_an_active_run(target: Target, without_extension: Target) -> None:
    target.draw(fresh=True, hypersd={})
    target.draw(fresh=True, hypersd=QUICK, **HIRES)
    assert_same(target.draw(fresh=True), without_extension.draw())


@pytest.mark.parametrize("mask", [False, True])
def test_img2img_off_is_bit_identical_to_not_installed(target: Target, without_extension: Target, mask: bool) -> None:
    wanted = without_extension.draw_over(mask=mask)
    assert_same(target.draw_over(mask=mask), wanted)
    assert_same(target.draw_over(mask=mask, hypersd=OFF), wanted)


ACTIVE = {
    "auto": ({}, {}),
    "explicit": ({"steps": 3, "weight": 0.6, "cfg": 1.5, "sampler": "DPM++ 2M", "scheduler": "Karras"}, {}),
    "negative prompt": (QUICK, {"negative_prompt": "blue"}),
    "CFG-preserved": ({"lora": "Hyper-SD15-8steps-CFG-lora"}, {"negative_prompt": "blue"}),
    "no LoRA": ({"lora": "none", "steps": 3}, {}),
    "multi-line": (QUICK, {"prompt": 'a "red" circle,\nBREAK (green:1.2) \\(x\\)\n[small:large:0.5]'}),
    "AND": (QUICK, {"prompt": "a red circle AND a green square :0.7"}),
    "comment": (QUICK, {"prompt": "a red circle # note"}),
    "styles": (QUICK, {"styles": ["shiny"]}),
    "hires": (QUICK, HIRES),
    "hires turned on": (QUICK | {"hires": "always"}, {}),
    "hires, its own prompt": (QUICK, HIRES | {"hr_prompt": "a blue square", "hr_negative_prompt": "red"}),
    "hires, latent": (QUICK, HIRES | {"hr_upscaler": "Latent", "denoising_strength": 0.7}),
    "hires, explicit": (QUICK | {"hires_steps": 3, "hires_denoise": 0.37, "hires": "always"}, {}),
    "hires kept": (QUICK | {"hires": "keep"}, HIRES | {"hr_second_pass_steps": 3}),
}


@pytest.mark.parametrize("name", ACTIVE)
def test_the_infotext_redraws_the_picture_without_the_extension(
    target: Target, without_extension: Target, name: str
) -> None:
    hypersd, request = ACTIVE[name]
    if "hr_upscaler" in request:
        request = request | {"hr_upscaler": request["hr_upscaler"].replace("Latent", target.upscaler)}
    drawn = target.draw(hypersd=hypersd, **request)
    redrawn = without_extension.draw(**without_extension.pasted(drawn.infotext))
    assert redrawn.picture.distance(drawn.picture) <= target.tolerance
    if "Hires upscale" in drawn.infotext.fields:
        return  # the hosts' own API answers 500 to a hires infotext: it takes "Use same sampler" for a name
    pasted = {"infotext": drawn.infotext.text, "save_images": False}
    by_host = Drawn.read(without_extension.client.post("/sdapi/v1/txt2img", pasted))
    assert by_host.picture.distance(drawn.picture) <= target.tolerance


def test_an_img2img_infotext_redraws_the_picture_without_the_extension(
    target: Target, without_extension: Target
) -> None:
    for mask in (False, True):
        drawn = target.draw_over(hypersd=QUICK, mask=mask)
        redrawn = without_extension.draw_over(mask=mask, **without_extension.pasted(drawn.infotext))
        assert redrawn.picture.distance(drawn.picture) <= target.tolerance


def test_a_request_by_hand_draws_the_same_without_the_extension(target: Target, without_extension: Target) -> None:
    for variant in VARIANTS:
        if variant.family != "sd15" or variant.steps == 1:
            continue
        drawn = target.draw(hypersd={"lora": variant.name})
        by_hand = without_extension.draw(
            prompt=f"{target.request()['prompt']} {variant.tag}",
            steps=variant.steps,
            cfg_scale=clamped(7.0, variant.cfg),
            sampler_name="Euler",
            scheduler="SGM Uniform",
        )
        assert by_hand.picture.distance(drawn.picture) <= target.tolerance
        assert by_hand.infotext.foreign() == drawn.infotext.foreign()


@pytest.mark.parametrize("hypersd", [{"bogus": 1}, {"steps": 99}, {"lora": "x" * 10_000}, None, {"enabled": None}])
def test_bad_input_draws_as_not_installed(target: Target, without_extension: Target, hypersd: Any) -> None:
    drawn, wanted = target.draw(args=[hypersd]), without_extension.draw()
    assert drawn.picture.pixels == wanted.picture.pixels
    assert drawn.infotext.foreign() == wanted.infotext.foreign()
    assert list(drawn.infotext.own()) == ["Hyper-SD error"]


def test_the_hosts_api_is_the_same_otherwise(target: Target, without_extension: Target) -> None:
    def paths(host: Target) -> set[str]:
        return {p for p in host.client.get("/openapi.json")["paths"] if not p.startswith("/hypersd/")}

    assert paths(target) == paths(without_extension)
    added_to = {"samplers": 1, "schedulers": 2, "upscalers": 0}
    if not target.has_schedule_types:
        added_to = {"samplers": 2, "upscalers": 0}
    for path, added in added_to.items():
        stock = without_extension.client.get(f"/sdapi/v1/{path}")
        listed = target.client.get(f"/sdapi/v1/{path}")
        assert listed[: len(stock)] == stock
        assert len(listed) == len(stock) + added
