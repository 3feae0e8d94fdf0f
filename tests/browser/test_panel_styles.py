"""The panel tells what the styles and the override settings of the page come to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from webui_page import WebuiPage

PROFILES = ["forge", "a1111"]
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("profile", PROFILES)]

STYLES = """name,prompt,negative_prompt
short,"{prompt}, sharp <lora:Hyper-SD15-4steps:0.8>",blur
full,"{prompt}, sharp <lora:Hyper-SD15-2steps-lora:0.9>",
"""
BADGE, OUTLOOK = "hypersd_txt2img_badge", "hypersd_txt2img_outlook"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {profile: tmp_path_factory.mktemp(f"data-{profile}") for profile in PROFILES}
    for folder in found.values():
        (folder / "styles.csv").write_text(STYLES, encoding="utf-8")
        (folder / "config.json").write_text(json.dumps({"disable_weights_auto_swap": False}))
    return found


@pytest.fixture
def page(webuis, open_page, folders: dict[str, Path], profile: str) -> WebuiPage:
    for each in PROFILES:
        webuis.start(each, "--data-dir", str(folders[each]))
    return open_page(profile, "--data-dir", str(folders[profile]))


def _choose_style(page: WebuiPage, style: str) -> None:
    """Take an entry of the list of styles, of which several may be chosen."""
    field = page.find("#txt2img_styles input")
    page.driver.execute_script("arguments[0].scrollIntoView({block: 'center'}); arguments[0].focus()", field)
    entry = f"//*[@id='txt2img_styles']//li[@aria-label='{style}' or @data-value='{style}']"
    page.wait(lambda: page.driver.find_elements(By.XPATH, entry), f"{style} in the list")
    press = "arguments[0].dispatchEvent(new MouseEvent('mousedown', {bubbles: true}))"
    page.driver.execute_script(press, page.driver.find_element(By.XPATH, entry))
    page.wait(lambda: style in page.text("txt2img_styles"), f"{style} to be chosen")
    page.driver.execute_script("arguments[0].blur()", field)


def test_a_style_with_a_short_name_shows_with_the_panel_off(page: WebuiPage) -> None:
    _choose_style(page, "short")
    page.wait(lambda: "Hyper-SD15-4steps-lora × 0.8 · 4 steps" in page.text(BADGE), "the style's tag in the header")
    page.wait(lambda: "no effect at CFG 1" in page.text(OUTLOOK), "the style's negative prompt")


def test_filling_the_page_leaves_the_style_where_it_is(page: WebuiPage) -> None:
    page.set("txt2img_prompt", "a star")
    page.click("hypersd_txt2img-visible-checkbox")
    _choose_style(page, "full")
    page.wait(lambda: "Hyper-SD15-2steps-lora × 0.9 · 2 steps" in page.text(BADGE), "the style's tag in the header")
    page.wait(lambda: page.enabled("hypersd_txt2img_fill"), "the button")
    page.click("hypersd_txt2img_fill")
    page.wait(lambda: page.value("txt2img_steps") == "2", "the steps in the page")
    page.wait(lambda: "changes" not in page.text(BADGE).split(":")[0], "a page that needs no change")
    assert page.value("txt2img_prompt") == "a star"
    assert "full" in page.text("txt2img_styles")


def test_a_checkpoint_among_the_override_settings_counts(page: WebuiPage) -> None:
    # Forge goes by the one, A1111 by the other; both look it up by name, too.
    text = "a star\nSteps: 9, Sampler: Euler, CFG scale: 1, Seed: 1, Size: 64x64"
    text += ", Model hash: miniature-sdxl, Model: miniature-sdxl"
    page.paste(text, lambda: "miniature-sdxl" in page.text("txt2img_override_settings"))
    page.click("hypersd_txt2img-visible-checkbox")
    page.wait(lambda: "Hyper-SDXL" in page.text(BADGE), "the checkpoint of the override settings")
