"""The panel's values come back with the checkpoint, after Reload UI, and in the other tab with a picture."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from webui_page import WebuiPage

PROFILES = ["forge", "a1111"]
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("profile", PROFILES)]

PANEL = "hypersd_txt2img"
BADGE, OUTLOOK = f"{PANEL}_badge", f"{PANEL}_outlook"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each profile's data folder, with its own options."""
    found = {profile: tmp_path_factory.mktemp(f"data-{profile}") for profile in PROFILES}
    for folder in found.values():
        (folder / "config.json").write_text(json.dumps({"hypersd_remember": True}))
    return found


@pytest.fixture
def page(webuis, open_page, folders: dict[str, Path], profile: str) -> WebuiPage:
    for each in PROFILES:
        webuis.start(each, "--data-dir", str(folders[each]))
    return open_page(profile, "--data-dir", str(folders[profile]))


def _set_options(page: WebuiPage, options: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{page.url}/sdapi/v1/options", json.dumps(options).encode(), headers)
    urllib.request.urlopen(request).close()


def _select(page: WebuiPage, tab: str, checkpoint: str) -> None:
    """The checkpoint's, and a change in the page, as another tab or a client may make it."""
    _set_options(page, {"sd_model_checkpoint": checkpoint})
    page.set(f"{tab}_steps", str(int(page.value(f"{tab}_steps")) + 1))


@pytest.mark.parametrize("tab", ["txt2img", "img2img"])
def test_the_panel_of_a_checkpoint_comes_back_with_it(page: WebuiPage, tab: str) -> None:
    panel, badge = f"hypersd_{tab}", f"hypersd_{tab}_badge"
    page.unfold(panel)
    page.wait(lambda: "Hyper-SD15-8steps-lora" in page.text(badge), "the first family")
    page.set(f"{panel}_weight", "0.9")
    page.wait(lambda: "× 0.9" in page.text(badge), "the weight")
    _select(page, tab, "miniature-sdxl")
    page.wait(lambda: "Hyper-SDXL" in page.text(badge), "the other family")
    page.set(f"{panel}_weight", "0.7")
    page.wait(lambda: "× 0.7" in page.text(badge), "the other weight")
    _select(page, tab, "miniature-sd15")
    page.wait(lambda: page.value(f"{panel}_weight") == "0.9", "the first weight")
    page.wait(lambda: "Hyper-SD15-8steps-lora × 0.9" in page.text(badge), "the badge")
    _select(page, tab, "miniature-sdxl")
    page.wait(lambda: page.value(f"{panel}_weight") == "0.7", "the second weight")
    _select(page, tab, "miniature-sd15")
    page.wait(lambda: page.value(f"{panel}_weight") == "0.9", "the first weight")
    assert page.faults() == []

    page.open()  # a new page, with the panel as it was left
    page.wait(lambda: page.checked(f"{panel}-checkbox"), "the toggle")
    page.wait(lambda: page.value(f"{panel}_weight") == "0.9", "the weight")
    assert page.faults() == []


def test_the_panel_works_after_reload_ui(page: WebuiPage) -> None:
    _set_options(page, {"hypersd_remember": False, "sd_model_checkpoint": "miniature-sd15"})
    page.driver.execute_script("window.hypersdBefore = true")
    page.click("settings_restart_gradio")
    page.wait(lambda: page.driver.execute_script("return !window.hypersdBefore"), "the new page")
    page.open()
    page.unfold(PANEL)
    page.wait(lambda: "will change 4 settings" in page.text(BADGE), "the badge")
    page.set("txt2img_prompt", "a red circle")
    page.generate()
    page.wait(lambda: "Hyper-SD: Hyper-SD15-8steps-lora" in page.text("html_info_txt2img"), "the infotext")
    assert page.faults() == []


def test_send_to_img2img_under_the_gallery_brings_the_panel_along(page: WebuiPage) -> None:
    _set_options(page, {"hypersd_remember": False, "sd_model_checkpoint": "miniature-sd15"})
    page.open()
    page.unfold(PANEL)
    page.set(f"{PANEL}_weight", "0.9")
    page.wait(lambda: "× 0.9" in page.text(BADGE), "the weight")
    page.set("txt2img_prompt", "a red circle")
    page.generate()
    page.click("txt2img_send_to_img2img")
    page.wait(lambda: page.checked("hypersd_img2img-checkbox"), "the other panel's toggle")
    page.wait(lambda: page.value("hypersd_img2img_weight") == "0.9", "its weight")
