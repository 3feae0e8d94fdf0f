"""The panel in a real page, on gradio 4 (forge) and gradio 3 (a1111)."""

from __future__ import annotations

import io
import urllib.request

import pytest
from PIL import Image
from webui_page import WebuiPage

PROFILES = ["forge", "a1111"]
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("profile", PROFILES)]

TAG = "<lora:Hyper-SD15-8steps-lora:1>"
PROMPT = "a small yellow star at the top, purple background"


@pytest.fixture
def page(webuis, open_page, profile):
    for each in PROFILES:  # both start while the first one's tests run
        webuis.start(each)
    return open_page(profile)


def _toggle(page: WebuiPage, on: bool = True, tab: str = "txt2img") -> None:
    if page.checked(f"hypersd_{tab}-checkbox") != on:
        page.click(f"hypersd_{tab}-visible-checkbox")
    page.wait(lambda: page.checked(f"hypersd_{tab}-checkbox") == on, "the toggle")


def _badge(page: WebuiPage, text: str, tab: str = "txt2img") -> None:
    page.wait(lambda: text in page.text(f"hypersd_{tab}_badge"), f"{text!r} in the header")


def _pixels(page: WebuiPage) -> bytes:
    [(address, _, _)] = page.generate()
    with urllib.request.urlopen(address) as answer:
        return Image.open(io.BytesIO(answer.read())).convert("RGB").tobytes()


def _alike(one: bytes, other: bytes) -> bool:
    """A1111's uncond, skipped by a plan and evaluated without one, may move a value by one."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= 1


@pytest.mark.parametrize("tab", ["txt2img", "img2img"])
def test_the_header_says_what_will_happen(page: WebuiPage, tab: str) -> None:
    assert "off" in page.text(f"hypersd_{tab}_badge")
    _toggle(page, tab=tab)
    _badge(page, "will change 4 settings: Hyper-SD15-8steps-lora × 1 · 8 steps · CFG 1 · Euler · SGM Uniform", tab)
    assert "now → then" in page.text(f"hypersd_{tab}_outlook")


def test_the_lines_follow_the_page_and_the_panel(page: WebuiPage) -> None:
    _toggle(page)
    _badge(page, "8 steps")
    page.set("txt2img_steps", "33")
    page.wait(lambda: "steps 33 → 8" in page.text("hypersd_txt2img_outlook"), "the slider's steps")
    page.set("txt2img_neg_prompt", "blur")
    page.wait(lambda: "no effect at CFG 1" in page.text("hypersd_txt2img_outlook"), "the notice")
    page.set("hypersd_txt2img_weight", "0.9")
    _badge(page, "× 0.9")
    page.set("hypersd_txt2img_weight", "heavy")
    _badge(page, "weight is heavy")
    _toggle(page, on=False)
    _badge(page, "off")


def test_a_picture_by_the_panel_has_its_account_and_comes_back_by_paste(page: WebuiPage) -> None:
    page.set("txt2img_prompt", PROMPT)
    page.set("txt2img_seed", "5")
    _toggle(page)
    page.set("hypersd_txt2img_weight", "0.9")
    _badge(page, "× 0.9")
    first = _pixels(page)
    page.wait(lambda: "Hyper-SD changes" in page.text("html_info_txt2img"), "the infotext")
    infotext = page.text("html_info_txt2img")
    assert f"{PROMPT} <lora:Hyper-SD15-8steps-lora:0.9>" in infotext
    assert "Changed: steps 20 → 8" in page.text("html_log_txt2img")
    assert page.value("txt2img_steps") == "20"

    _toggle(page, on=False)
    page.set("hypersd_txt2img_weight", "auto")
    pasted = (
        f"{PROMPT} <lora:Hyper-SD15-8steps-lora:0.9>\nSteps: 8, Sampler: Euler, Schedule type: SGM Uniform, "
        "CFG scale: 1.0, Seed: 5, Size: 128x128, Hyper-SD: Hyper-SD15-8steps-lora, Hyper-SD weight: 0.9"
    )
    page.paste(pasted, done=lambda: page.checked("hypersd_txt2img-checkbox"))
    _badge(page, "ready: Hyper-SD15-8steps-lora × 0.9 · 8 steps")
    page.wait(lambda: "right as they are" in page.text("hypersd_txt2img_outlook"), "nothing to change")
    assert _pixels(page) == first
    _toggle(page, on=False)
    assert _alike(_pixels(page), first)

    page.paste("a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1", lambda: page.value("txt2img_seed") == "1")
    assert not page.checked("hypersd_txt2img-checkbox")


def test_a_tcd_picture_comes_back_by_paste_with_its_eta(page: WebuiPage) -> None:
    pasted = (
        f"{PROMPT} <lora:Hyper-SD15-1step-lora:1>\nSteps: 4, Sampler: Hyper-SD TCD, Schedule type: Hyper-SD TCD, "
        "CFG scale: 1.0, Seed: 5, Size: 128x128, Hyper-SD: Hyper-SD15-1step-lora, Hyper-SD weight: 1, Hyper-SD eta: 0.6"
    )
    page.paste(pasted, done=lambda: page.checked("hypersd_txt2img-checkbox"))
    _badge(page, "ready: Hyper-SD15-1step-lora × 1 · 4 steps · CFG 1 · Hyper-SD TCD")
    values = [page.value(f"hypersd_txt2img_{key}") for key in ("sampler", "scheduler", "eta")]
    assert values == ["auto", "auto", "0.6"]
    page.wait(lambda: "right as they are" in page.text("hypersd_txt2img_outlook"), "nothing to change")
    first = _pixels(page)
    page.wait(lambda: "Hyper-SD eta: 0.6" in page.text("html_info_txt2img"), "the infotext")
    _toggle(page, on=False)
    assert _alike(_pixels(page), first)  # the sampler and its eta stand in the page, ticked or not


def test_the_quick_second_pass_button_draws_by_the_recipe_too(page: WebuiPage) -> None:
    page.set("txt2img_prompt", PROMPT)
    _toggle(page)
    _badge(page, "will change")
    page.generate()
    [(_, width, height)] = page.generate(button="upscale")
    assert (width, height) == (256, 256)
    page.wait(lambda: "Hires upscale" in page.text("html_info_txt2img"), "the second pass's infotext")
    infotext = page.text("html_info_txt2img")
    assert f"{PROMPT} {TAG}" in infotext
    assert "Steps: 8, Sampler: Euler, Schedule type: SGM Uniform, CFG scale: 1.0" in infotext
    assert "Hires steps: 6" in infotext  # 6 of 8 at the page's 0.7
    assert "Denoising strength: 0.7," in infotext


def test_a_full_name_with_the_panel_off_gets_a_hint_in_the_page_only(page: WebuiPage) -> None:
    page.set("txt2img_prompt", f"{PROMPT} {TAG}")
    page.set("txt2img_steps", "3")
    page.generate()
    page.wait(lambda: "tick Hyper-SD" in page.text("html_log_txt2img"), "the hint")
    assert "Hyper-SD:" not in page.text("html_info_txt2img")
    assert "Steps: 3" in page.text("html_info_txt2img")


def test_the_browser_reports_no_fault_of_the_panel(page: WebuiPage) -> None:
    _toggle(page)
    _badge(page, "will change")
    faults = [e["message"] for e in page.driver.get_log("browser") if e["level"] == "SEVERE"]
    assert not [fault for fault in faults if "hypersd" in fault.lower()]
