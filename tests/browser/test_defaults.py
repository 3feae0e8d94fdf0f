"""A page that the person has arranged: the Defaults tab keeps the panel's values, the scripts may come first.

On gradio 4 (forge) and gradio 3 (a1111).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from webui_page import WebuiPage

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("profile", ["forge", "a1111"])]

PANEL = "hypersd_txt2img"
KEPT = {"weight": "0.9", "hires_denoise": "0.4", "steps": "4", "cfg": "keep"}
"""Forge and A1111 take no value back that their own lists of choices don't have."""


@pytest.fixture
def data(tmp_path_factory, profile: str) -> Path:
    """A data folder for each profile, the same for all tests; the scripts stand before everything else."""
    folder = tmp_path_factory.getbasetemp() / f"defaults-{profile}"
    folder.mkdir(exist_ok=True)
    config = folder / "config.json"
    if not config.exists():
        config.write_text(json.dumps({"ui_reorder_list": ["scripts"]}), encoding="utf-8")
    return folder


@pytest.fixture
def page(open_page, profile: str, data: Path) -> WebuiPage:
    return open_page(profile, "--data-dir", str(data))


def _reload_ui(page: WebuiPage) -> None:
    """Press "Reload UI" and open the page that is built then."""
    page.driver.execute_script("window.isOld = true")
    page.click("settings_restart_gradio")
    page.wait(lambda: page.driver.execute_script("return !window.isOld"), "the new page")
    page.open()


def _panel(page: WebuiPage) -> dict[str, str]:
    return {key: page.value(f"{PANEL}_{key}") for key in KEPT}


def test_the_panels_defaults_come_back(page: WebuiPage, profile: str, data: Path) -> None:
    before = _panel(page)
    assert before == {"weight": "auto", "hires_denoise": "auto", "steps": "auto", "cfg": "clamp"}
    page.unfold(PANEL)
    page.unfold(f"{PANEL}_details")
    for key in ("weight", "hires_denoise"):
        page.set(f"{PANEL}_{key}", KEPT[key])
    for key in ("steps", "cfg"):
        page.choose(f"{PANEL}_{key}", KEPT[key])
    page.click("ui_defaults_view")
    page.wait(lambda: "0.9" in page.text("ui_defaults_review"), "the changes")
    page.click("ui_defaults_apply")
    page.wait(lambda: "Wrote" in page.text("ui_defaults_review"), "the changes to be written")
    kept = json.loads((data / "ui-config.json").read_text(encoding="utf-8"))
    assert kept["customscript/hypersd.py/txt2img/Weight/value"] == "0.9"

    _reload_ui(page)
    assert _panel(page) == KEPT
    assert page.value("hypersd_img2img_weight") == "auto"
    # Forge's Defaults tab passes over the checkboxes of accordions.
    ticked = profile == "a1111"
    assert page.checked(f"{PANEL}-checkbox") == ticked
    if not ticked:
        page.unfold(PANEL)
    page.wait(lambda: "× 0.9 · 4 steps" in page.text(f"{PANEL}_badge"), "the badge")


def test_nothing_but_the_panels_controls_is_kept(page: WebuiPage, data: Path) -> None:
    kept = json.loads((data / "ui-config.json").read_text(encoding="utf-8"))
    own = [key for key in kept if "hypersd" in key.lower() and key.endswith("/value")]
    assert {key.split("/")[2] for key in own} == {"txt2img", "img2img"}
    assert not any(mark in str(kept[key]) for key in own for mark in "<{")


def test_the_panel_follows_a_page_in_which_the_scripts_come_first(page: WebuiPage) -> None:
    panel, sampler, steps = (
        page.find(f"#{part}").location["y"] for part in (PANEL, "txt2img_sampling", "txt2img_steps")
    )
    assert panel < min(sampler, steps)
    page.unfold(PANEL)
    page.set("txt2img_steps", "33")
    page.wait(lambda: "33 →" in page.text(f"{PANEL}_outlook"), "the slider's steps")
    page.set("txt2img_prompt", "a red circle")
    page.generate()
    page.wait(lambda: "Hyper-SD: Hyper-SD15" in page.text("html_info_txt2img"), "the infotext")
