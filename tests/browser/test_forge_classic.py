"""The panel in Forge Classic's page, which has no schedule types: there a sampler brings its schedule."""

from __future__ import annotations

import pytest
from webui_page import WebuiPage

pytestmark = pytest.mark.browser

PANEL = "hypersd_txt2img"
RECIPE = "Hyper-SD15-8steps-lora × 1 · 8 steps · CFG 1 · Euler SGMUniform"


@pytest.fixture
def page(open_page) -> WebuiPage:
    return open_page("classic")


def _tick(page: WebuiPage) -> None:
    page.click(f"{PANEL}-visible-checkbox")
    page.wait(lambda: f": {RECIPE}" in page.text(f"{PANEL}_badge"), "the recipe in the header")


def test_the_panel_tells_sampler_and_no_schedule_type(page: WebuiPage) -> None:
    assert not page.driver.find_elements("css selector", "#txt2img_scheduler, #hr_scheduler")
    assert page.value("txt2img_sampling") == "DPM++ 2M Karras"
    _tick(page)
    told = page.text(f"{PANEL}_outlook")
    assert "DPM++ 2M Karras → Euler SGMUniform" in told
    assert "schedule" not in told
    page.generate()
    page.wait(lambda: "Sampler: Euler SGMUniform, CFG scale: 1" in page.text("html_info_txt2img"), "the infotext")
    assert not page.faults()


def test_its_values_can_be_set_in_the_page(page: WebuiPage) -> None:
    _tick(page)
    page.wait(lambda: page.enabled(f"{PANEL}_fill"), "the button")
    page.click(f"{PANEL}_fill")
    page.wait(lambda: page.value("txt2img_sampling") == "Euler SGMUniform", "the sampler")
    page.wait(lambda: "right as they are" in page.text(f"{PANEL}_outlook"), "nothing to change")


def test_a_pasted_picture_fills_panel_and_page(page: WebuiPage) -> None:
    pasted = (
        "a cat <lora:Hyper-SD15-8steps-lora:1>\nSteps: 8, Sampler: Euler SGMUniform, CFG scale: 1.0, Seed: 5, "
        "Size: 128x128, Hyper-SD: Hyper-SD15-8steps-lora, Hyper-SD weight: 1, Version: classic"
    )
    page.paste(pasted, done=lambda: page.checked(f"{PANEL}-checkbox"))
    page.wait(lambda: "right as they are" in page.text(f"{PANEL}_outlook"), "nothing to change")
    assert (page.value("txt2img_sampling"), page.value(f"{PANEL}_sampler")) == ("Euler SGMUniform", "auto")


def test_the_compare_button_finds_the_plot_by_its_title_here(page: WebuiPage) -> None:
    page.click(f"{PANEL}_compare")
    page.wait(lambda: page.value("script_txt2img_xyz_plot_x_type") == "[Hyper-SD] Steps", "the axis")
    assert page.value("script_list") == "X/Y/Z Plot"
