"""The host's localization files translate the panel: labels, buttons, placeholders, the badge, the table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from webui_page import WebuiPage

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("profile", ["forge", "a1111"])]

PANEL = "hypersd_txt2img"
TEXTS = {
    "LoRA": "LoRA-Datei",
    "Hires steps": "Hires-Schritte",
    "Details": "Einzelheiten",
    "Set these values in the page": "Diese Werte übernehmen",
    "auto, or −2 to 2": "auto oder −2 bis 2",
    "off": "aus",
    "now → then": "jetzt → dann",
    "Reload UI": "Seite neu laden",
}


@pytest.fixture
def page(open_page, tmp_path_factory, profile: str) -> WebuiPage:
    """A page in the language of an extension's file."""
    folder: Path = tmp_path_factory.mktemp(f"language-{profile}")
    files = {
        folder / "extension" / "localizations" / "de_TEST.json": TEXTS,
        folder / "data" / "config.json": {"localization": "de_TEST"},
    }
    for file, content in files.items():
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(content), encoding="utf-8")
    return open_page(profile, "--extra-extension", str(folder / "extension"), "--data-dir", str(folder / "data"))


def test_a_localization_file_translates_the_panel(page: WebuiPage) -> None:
    assert "aus" in page.text(f"{PANEL}_badge").split()
    page.unfold(PANEL)
    page.unfold(f"{PANEL}_details")
    shown = page.text(PANEL)
    for text in ("LoRA-Datei", "Hires-Schritte", "Einzelheiten", "Diese Werte übernehmen"):
        assert text in shown, text
    page.wait(lambda: "jetzt → dann" in page.text(f"{PANEL}_outlook"), "the table's head")
    assert page.text("settings_restart_gradio") == "Seite neu laden"
    placeholder = page.find(f"#{PANEL}_weight :is(input, textarea)").get_attribute("placeholder")
    assert placeholder == "auto oder −2 bis 2"
