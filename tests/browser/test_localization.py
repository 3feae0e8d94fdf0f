"""The host's localization files translate the panel: labels, buttons, placeholders, the badge, the table.

docs/localization.json has all texts that don't change with what they tell of.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from webui_page import WebuiPage

from lib_hypersd.models.catalog import VARIANTS
from lib_hypersd.panel import markup
from lib_hypersd.panel.outlook import KEEPS
from lib_hypersd.plan.result import FIELD_TITLES

pytestmark = pytest.mark.browser
on_both = pytest.mark.parametrize("profile", ["forge", "a1111"])

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "docs" / "localization.json"

PANEL = "hypersd_txt2img"
TEXTS = {
    "LoRA": "LoRA-Datei",
    "Hires steps": "Hires-Schritte",
    "Details": "Einzelheiten",
    "Set these values in the page": "Diese Werte übernehmen",
    "auto, −2 to 2, or 1@0,0.5@1": "auto oder −2 bis 2",
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


@on_both
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


# What changes with the plan is left out: the header's text, the table's cells, the notices. So are lists of choices,
# and the seconds that gradio shows while it waits.
_TEXTS = """const [panel, settings] = arguments;
const found = [], changing = ".hypersd-badge, tbody, .hypersd-notice, .hypersd-hidden, ul, option, input, textarea, " +
    "[data-testid=status-tracker], .meta-text, .progress-text";
const read = (root) => {
    const nodes = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (nodes.nextNode()) if (!nodes.currentNode.parentElement.closest(changing)) found.push(nodes.currentNode.data);
    root.querySelectorAll?.("[placeholder]").forEach((field) => found.push(field.placeholder));
};
document.querySelectorAll(`${panel}, ${settings}`).forEach(read);
for (const beside of [opts._comments_before, opts._comments_after]) {
    for (const [key, comment] of Object.entries(beside)) {
        if (key.startsWith("hypersd_")) read(new DOMParser().parseFromString(comment, "text/html").body);
    }
}
return found.map((text) => text.trim()).filter((text) => /\\p{L}/u.test(text));"""


def _texts_in_html() -> set[str]:
    """What lib_hypersd/panel/markup.py writes between tags, where nothing is filled in."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(Path(markup.__file__).read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            parts = iter([node.value])
        else:
            continue
        found |= {text.strip() for text in re.findall(r">([^<>{}]*[A-Za-z][^<>{}]*)<", "".join(map(str, parts)))}
    return found


def _counted() -> set[str]:
    return {f"will change {count} {'setting' if count == 1 else 'settings'}" for count in range(1, len(KEEPS) + 1)}


def test_the_template_has_every_text_of_panel_and_settings(open_page) -> None:
    page = open_page("forge")
    page.unfold(PANEL)
    page.wait(lambda: "now → then" in page.text(f"{PANEL}_outlook"), "the table")
    shown = set(page.driver.execute_script(_TEXTS, f"#{PANEL}", "#settings_hypersd, #column_settings_hypersd"))
    words = {*markup._STATE_TEXT.values(), *FIELD_TITLES.values(), *(variant.licence for variant in VARIANTS)}
    template = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    texts = shown | words | _texts_in_html() | _counted()
    assert sorted(texts - set(template)) == [], "texts that docs/localization.json lacks"
    assert sorted(set(template) - texts) == [], "texts of docs/localization.json that are no more"
    assert all(text == translation for text, translation in template.items())
