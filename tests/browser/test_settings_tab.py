"""The extension's section of the settings page, as a person fills it in."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from webui_page import WebuiPage

pytestmark = pytest.mark.browser


def tick(page: WebuiPage, elem_id: str, word: str) -> None:
    labels = page.driver.find_elements(By.CSS_SELECTOR, f"#{elem_id} label")
    label = next(label for label in labels if label.get_attribute("textContent").strip() == word)
    box = label.find_element(By.CSS_SELECTOR, "input")
    page.driver.execute_script("arguments[0].click()", box)


@pytest.mark.parametrize("profile", ["forge", "a1111"])
def test_what_is_ticked_and_written_is_applied(
    open_page: Callable[..., WebuiPage], profile: str, tmp_path: Any
) -> None:
    page = open_page(profile, "--data-dir", str(tmp_path))
    lines = "sdxl: weight 0.8\nHyper-SD15-2steps-lora: cfg 1.2"
    tick(page, "setting_hypersd_policy_sd15", "keep steps")
    tick(page, "setting_hypersd_policy_flux", "recipe distilled CFG")
    page.driver.execute_script("document.querySelector(arguments[0]).click()", "#setting_hypersd_stop input")
    page.set("setting_hypersd_recipes", lines)
    page.click("settings_submit")
    page.wait(lambda: "4 settings changed" in page.text("settings_result"), "the settings to be applied")
    wanted = {
        "hypersd_policy_sd15": ["keep steps"],
        "hypersd_policy_flux": ["recipe distilled CFG"],
        "hypersd_stop": True,
        "hypersd_recipes": lines,
    }
    saved = json.loads((tmp_path / "config.json").read_text(encoding="utf8"))
    assert {name: saved[name] for name in wanted} == wanted
    assert not [name for name in saved if name.startswith("hypersd_about")]
    page.open()
    page.wait(lambda: page.value("setting_hypersd_recipes") == lines, "the recipes to be there again")
    page.wait(lambda: page.checked("setting_hypersd_stop"), "the tick to be there again")


def set_options(page: WebuiPage, **values: Any) -> None:
    data = json.dumps({f"hypersd_{name}": value for name, value in values.items()}).encode()
    request = urllib.request.Request(f"{page.url}/sdapi/v1/options", data, {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()


@pytest.mark.parametrize("profile", ["forge", "a1111"])
def test_a_stopped_generation_says_why_under_the_gallery(open_page: Callable[..., WebuiPage], profile: str) -> None:
    page = open_page(profile)
    set_options(page, stop=True)
    try:
        page.set("txt2img_prompt", "a red circle <lora:Hyper-SDXL>")
        page.click("txt2img_generate")
        page.wait(lambda: "is for SDXL" in page.text("html_log_txt2img"), "the notice")
        assert "The generation was stopped" in page.text("html_log_txt2img")
        assert "The generation was stopped" in page.text("html_info_txt2img")
        assert page.pictures() == []
        set_options(page, notices=False)
        page.click("txt2img_generate")
        page.wait(lambda: "Hyper-SD" not in page.text("html_log_txt2img"), "the notices to go")
        page.wait(lambda: "The generation was stopped" in page.text("html_info_txt2img"), "the infotext")
    finally:
        set_options(page, stop=False, notices=True)
    page.set("txt2img_prompt", "a red circle <lora:Hyper-SD15-2steps>")
    assert len(page.generate()) == 1
