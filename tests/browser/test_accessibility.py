"""axe-core finds no serious fault in the panel: on gradio 4 (forge) and 3 (a1111), in both themes, wide and narrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import pytest
from webui_page import WebuiPage

PROFILES = ["forge", "a1111"]
pytestmark = pytest.mark.browser

PANEL = "hypersd_txt2img"
SERIOUS = ("serious", "critical")
WIDE, NARROW = 1400, 400
HEIGHT = 1500

HOSTS_OWN = {
    # The host's InputAccordion puts its checkbox into the accordion's button, which is gradio 4's.
    "nested-interactive": ".label-wrap",
}
"""Rule → the parts that are at fault in the stock page's accordions, too; `STOCK` is one of them."""
STOCK = "#txt2img_hr"

_RUN = """const [selector, hostsOwn, done] = arguments;
const isHostsOwn = (rule, node) => hostsOwn[rule] && document.querySelector(node.target.at(-1)).matches(hostsOwn[rule]);
const said = (rule, node) => `${rule.id}: ${node.html.slice(0, 200)} ${node.failureSummary || ""}`;
axe.run(document.querySelector(selector), {resultTypes: ["violations", "passes"]}).then((found) => done({
    faults: found.violations.flatMap((rule) =>
        rule.nodes.map((node) => [rule.id, rule.impact, isHostsOwn(rule.id, node) || false, said(rule, node)])),
    passed: Object.fromEntries(found.passes.map((rule) => [rule.id, rule.nodes.length])),
}), (error) => done(String(error)))"""

_NOT_FAINT = """const style = document.createElement("style");
style.textContent = ".pending { opacity: 1 !important }";
document.head.append(style)"""
"""gradio's HTML is faint for the moment in which an answer is on its way; axe-core must not happen to look then."""

THEMES = ["light", "dark"]


@pytest.fixture(scope="module")
def no_loras(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Arguments for a WebUI without any LoRA."""
    return "--lora-dir", str(tmp_path_factory.mktemp("no-loras"))


@pytest.fixture
def set_width(chromium) -> Iterator[Callable[[int], None]]:
    """Sets the window's width, narrower than Chromium's own windows can be."""

    def set_(width: int) -> None:
        size = {"width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    yield set_
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def _axe(page: WebuiPage, selector: str) -> dict[str, Any]:
    """axe-core's faults below a selector, [rule, impact, whether the host's own, text] each, and what passed."""
    script = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    page.driver.execute_script(script)
    found = page.driver.execute_async_script(_RUN, selector, HOSTS_OWN)
    assert isinstance(found, dict), found
    return found


def _assert_no_serious_fault(page: WebuiPage, state: str, set_width: Callable[[int], None]) -> None:
    shows = f"#{PANEL}_badge [data-state={state}]"
    page.wait(lambda: page.driver.find_elements("css selector", shows), state)
    for width in (WIDE, NARROW):
        set_width(width)
        found = _axe(page, f"#{PANEL}")
        assert found["passed"]["color-contrast"] > 20, "the panel was not in sight"
        faults = [text for _, impact, hosts_own, text in found["faults"] if impact in SERIOUS and not hosts_own]
        assert faults == [], f"{state}, {width} pixels"


def _unfold(page: WebuiPage) -> None:
    """Everything in sight; a folded panel has nothing that axe could find fault with."""
    page.driver.execute_script(_NOT_FAINT)
    page.unfold(PANEL)  # ticks it, too
    page.unfold(f"{PANEL}_details")


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("theme", THEMES)
def test_the_panel_has_no_serious_fault(webuis, chromium, no_loras, set_width, profile: str, theme: str) -> None:
    for each in PROFILES:  # all start while the first one's tests run
        webuis.start(each)
        webuis.start(each, *no_loras)
    page = WebuiPage(chromium, webuis.address(profile))
    page.open(f"/?__theme={theme}")
    _unfold(page)
    page.set("txt2img_neg_prompt", "blur")  # for a notice
    page.set(f"{PANEL}_cfg", "keep")  # for a row without a tick
    _assert_no_serious_fault(page, "changes", set_width)
    page.set(f"{PANEL}_weight", "heavy")
    _assert_no_serious_fault(page, "bad", set_width)
    page.click(f"{PANEL}-visible-checkbox")
    _assert_no_serious_fault(page, "off", set_width)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("theme", THEMES)
def test_the_panel_has_none_where_the_file_is_missing(
    webuis, chromium, no_loras, set_width, profile: str, theme: str
) -> None:
    page = WebuiPage(chromium, webuis.address(profile, *no_loras))
    page.open(f"/?__theme={theme}")
    _unfold(page)
    _assert_no_serious_fault(page, "missing", set_width)


@pytest.mark.parametrize("profile", PROFILES)
def test_what_is_left_to_the_host_is_at_fault_in_its_own_parts(open_page, profile: str) -> None:
    page = open_page(profile, "--without-extension")
    rules = {rule for rule, impact, hosts_own, _ in _axe(page, STOCK)["faults"] if impact in SERIOUS and hosts_own}
    assert rules == set(HOSTS_OWN) - ({"nested-interactive"} if profile == "a1111" else set())


@pytest.mark.parametrize("profile", PROFILES)
def test_the_header_holds_nothing_to_press_but_the_hosts_checkbox(webuis, open_page, profile: str) -> None:
    page = open_page(profile)
    focusable = ":is(a, button, input, select, textarea, [tabindex])"
    held = page.driver.find_elements("css selector", f"#{PANEL} > .label-wrap {focusable}")
    assert [element.get_attribute("id") for element in held] == [f"{PANEL}-visible-checkbox"]
