"""The panel's badge, its table and its two buttons, on gradio 4 (forge) and gradio 3 (a1111)."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator

import pytest
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.keys import Keys
from webui_page import WebuiPage

PROFILES = ["forge", "a1111"]
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("profile", PROFILES)]

PANEL = "hypersd_txt2img"
OUTLOOK, BADGE = f"{PANEL}_outlook", f"{PANEL}_badge"
READY = "Hyper-SD15-8steps-lora × 1 · 8 steps · CFG 1 · Euler · SGM Uniform"
PROMPT = "a small yellow star at the top, purple background"


@pytest.fixture
def page(webuis, open_page, profile) -> Iterator[WebuiPage]:
    for each in PROFILES:  # both start while the first one's tests run
        webuis.start(each)
    page = open_page(profile)
    yield page
    assert page.faults() == []


def _state(page: WebuiPage, state: str, says: str, tab: str = "txt2img") -> None:
    badge = f"hypersd_{tab}_badge"
    shown = f"#{badge} [data-state={state}]"
    try:
        page.wait(lambda: page.driver.find_elements("css selector", shown) and says in page.text(badge), "the badge")
    except TimeoutException:
        pytest.fail(f"the badge never told {state}, {says!r}; it tells {page.text(badge)!r}")


def _select_checkpoint(page: WebuiPage, name: str) -> None:
    body = json.dumps({"sd_model_checkpoint": name}).encode()
    headers = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(f"{page.url}/sdapi/v1/options", body, headers)).close()


def _keep(page: WebuiPage, key: str):
    return page.find(f"#{OUTLOOK} [data-hypersd-keep={key}]")


@pytest.mark.parametrize("tab", ["txt2img", "img2img"])
def test_the_badge_has_a_state_for_each_case(page: WebuiPage, tab: str) -> None:
    page.show_tab(tab)
    _state(page, "off", "off", tab)
    page.unfold(f"hypersd_{tab}")
    _state(page, "changes", f"will change 4 settings: {READY}", tab)
    page.type_into(f"hypersd_{tab}_lora", "Hyper-SDXL-8steps-lora")
    _state(page, "unfit", "not for this checkpoint: ", tab)
    page.type_into(f"hypersd_{tab}_lora", "auto")
    page.set(f"hypersd_{tab}_weight", "heavy")
    _state(page, "bad", "not possible: weight is heavy", tab)
    page.set(f"hypersd_{tab}_weight", "auto")
    _state(page, "changes", "will change 4 settings", tab)
    page.wait(lambda: page.enabled(f"hypersd_{tab}_fill"), "the button")
    page.click(f"hypersd_{tab}_fill")
    _state(page, "ready", f"ready: {READY}", tab)


def test_with_the_panel_off_the_badge_follows_the_tags(page: WebuiPage) -> None:
    page.set("txt2img_prompt", f"{PROMPT} <lora:Hyper-SD15-4steps>")
    _state(page, "changes", "by tag, will change 4 settings: Hyper-SD15-4steps-lora × 1 · 4 steps")
    page.set("txt2img_prompt", f"{PROMPT} <lora:Hyper-SD15-4steps-lora:1>")
    _state(page, "hint", "tick Hyper-SD")
    page.set("txt2img_prompt", PROMPT)
    _state(page, "off", "off")


def test_the_table_says_why_and_a_tick_keeps_a_value(page: WebuiPage) -> None:
    page.unfold(PANEL)
    _state(page, "changes", "will change 4 settings")
    assert "steps 20 → 8 trained for 8" in page.text(OUTLOOK)
    assert "prompt + <lora:Hyper-SD15-8steps-lora:1> the tag that loads the LoRA" in page.text(OUTLOOK)
    _keep(page, "steps").click()
    _state(page, "changes", "will change 3 settings")
    assert page.value(f"{PANEL}_steps") == "keep"
    assert "steps 20 kept; else 8, trained for 8" in page.text(OUTLOOK)
    _keep(page, "steps").click()
    _state(page, "changes", "will change 4 settings")
    assert page.value(f"{PANEL}_steps") == "auto"


def test_a_tick_that_comes_back_brings_the_number_that_stood_there(page: WebuiPage) -> None:
    page.unfold(PANEL)
    page.type_into(f"{PANEL}_steps", "6")
    page.wait(lambda: "steps 20 → 6" in page.text(OUTLOOK), "the number")
    _keep(page, "steps").click()
    page.wait(lambda: "steps 20 kept" in page.text(OUTLOOK), "the kept row")
    _keep(page, "steps").click()
    page.wait(lambda: "steps 20 → 6" in page.text(OUTLOOK), "the number again")


def test_the_table_goes_by_keyboard_and_keeps_the_place(page: WebuiPage) -> None:
    page.unfold(PANEL)
    _state(page, "changes", "will change 4 settings")
    page.driver.execute_script("arguments[0].focus()", _keep(page, "cfg"))
    for said in ("CFG 7 kept; else 1", "CFG 7 → 1"):
        page.driver.switch_to.active_element.send_keys(Keys.SPACE)
        page.wait(lambda said=said: said in page.text(OUTLOOK), said)
        page.wait(lambda: page.driver.switch_to.active_element.get_attribute("data-hypersd-keep") == "cfg", "the focus")


def test_the_values_in_the_page_draw_the_picture_without_the_panel(page: WebuiPage) -> None:
    page.set("txt2img_prompt", PROMPT)
    page.set("txt2img_seed", "5")
    page.unfold(PANEL)
    _state(page, "changes", "will change 4 settings")
    page.wait(lambda: page.enabled(f"{PANEL}_fill"), "the button")
    page.click(f"{PANEL}_fill")
    _state(page, "ready", READY)
    values = [page.value(f"txt2img_{field}") for field in ("prompt", "steps", "cfg_scale", "sampling", "scheduler")]
    assert values == [f"{PROMPT} <lora:Hyper-SD15-8steps-lora:1>", "8", "1", "Euler", "SGM Uniform"]
    assert not page.enabled(f"{PANEL}_fill")
    page.generate()
    page.wait(lambda: "Hyper-SD: Hyper-SD15-8steps-lora" in page.text("html_info_txt2img"), "the infotext")
    assert "Hyper-SD changes" not in page.text("html_info_txt2img")


def test_the_hires_pass_is_set_in_the_page_too(page: WebuiPage) -> None:
    page.unfold("txt2img_hr")
    page.set("hires_prompt", "a large star")
    page.unfold(PANEL)
    page.wait(lambda: "hires steps 0 → " in page.text(OUTLOOK), "the hires row")
    page.click(f"{PANEL}_fill")
    _state(page, "ready", READY)
    assert page.value("hires_prompt") == "a large star <lora:Hyper-SD15-8steps-lora:1>"
    assert page.value("txt2img_hires_steps") != "0"


def test_one_press_sets_up_the_comparison(page: WebuiPage) -> None:
    page.set("txt2img_prompt", PROMPT)
    page.unfold(PANEL)
    for _ in range(2):  # a second press leaves it as it is
        page.click(f"{PANEL}_compare")
        page.wait(lambda: page.value("script_txt2img_xyz_plot_x_type") == "[Hyper-SD] Steps", "the axis")
    assert page.value("script_list") == "X/Y/Z plot"
    page.generate()
    page.wait(lambda: "X Values" in page.text("html_info_txt2img"), "the grid's infotext")
    assert "1,2,4,8,off" in page.text("html_info_txt2img").replace(", ", ",")


def test_the_pages_checkpoint_is_followed(page: WebuiPage) -> None:
    page.unfold(PANEL)
    _state(page, "changes", "Hyper-SD15-8steps-lora")
    try:
        field = page.find("#setting_sd_model_checkpoint input, .model_selection input")
        page.driver.execute_script("arguments[0].scrollIntoView({block: 'center'}); arguments[0].focus()", field)
        entry = "//ul//li[starts-with(normalize-space(@aria-label), 'miniature-sdxl.')]"
        [choice] = page.wait(lambda: page.driver.find_elements("xpath", entry), "the list of checkpoints")
        press = "arguments[0].dispatchEvent(new MouseEvent('mousedown', {bubbles: true})); arguments[1].blur()"
        page.driver.execute_script(press, choice, field)
        page.wait(lambda: "Hyper-SDXL-8steps-lora" in page.text(BADGE), "the other family")
    finally:
        _select_checkpoint(page, "miniature-sd15")


_LOSE = """let left = arguments[0];
document.addEventListener("click", (event) => {
    if (event.target.closest("#hypersd_txt2img_ask") && left-- > 0) event.stopImmediatePropagation();
}, true)"""


def test_a_question_that_is_lost_is_asked_again(page: WebuiPage) -> None:
    page.unfold(PANEL)
    _state(page, "changes", "will change 4 settings")
    page.driver.execute_script(_LOSE, 1)
    page.set("txt2img_steps", "33")
    page.wait(lambda: "steps 33 → 8" in page.text(OUTLOOK), "the answer")


_HOLD = """window.keepBack = (body) => {
    if (!body.includes(arguments[0])) return;
    delete window.keepBack;
    return new Promise((go) => { window.letGo = go; });
}"""
"""Keeps back the answer to the first call that has a text in it, until letGo()."""
_AT_REST = """const {newest, answered, pause} = hypersdTabs.txt2img;
return pause === null && newest === answered ? answered : 0"""


def _answered(page: WebuiPage) -> int:
    """The number of the last question, once it is answered and nothing else is to be asked."""
    return page.driver.execute_script(_AT_REST)


def test_a_tick_stays_where_an_earlier_ones_answer_comes_after_its_own(page: WebuiPage, profile: str) -> None:
    if profile == "a1111":
        pytest.skip("gradio 3 asks nothing while an answer is on its way")
    page.unfold(PANEL)
    _state(page, "changes", "will change 4 settings")
    page.driver.execute_script(_HOLD, r"\"value\":\"keep\"")
    _keep(page, "steps").click()
    _state(page, "changes", "will change 3 settings")  # the second try's answer
    _keep(page, "steps").click()
    _state(page, "changes", "will change 4 settings")
    asked = page.wait(lambda: _answered(page), "the page at rest")
    page.driver.execute_script("letGo()")
    page.wait(lambda: _answered(page) > asked, "a new answer")
    _state(page, "changes", "will change 4 settings")
    assert page.value(f"{PANEL}_steps") == "auto"


def test_two_ticks_at_once_both_count(page: WebuiPage) -> None:
    page.unfold(PANEL)
    _state(page, "changes", "will change 4 settings")
    both = "document.querySelectorAll(`#${arguments[0]} :is([data-hypersd-keep=steps], [data-hypersd-keep=cfg])`)"
    page.driver.execute_script(f"{both}.forEach((box) => box.click())", OUTLOOK)
    _state(page, "changes", "will change 2 settings")
    assert [page.value(f"{PANEL}_{key}") for key in ("steps", "cfg")] == ["keep", "keep"]


_TICK = """for (let i = 0; i < arguments[0]; i += 1)
    hypersdRequest("txt2img", {key: "steps", value: i % 2 ? "auto" : "keep"});"""
_SIZE = "return JSON.stringify(hypersdTabs.txt2img).length"


def test_a_page_that_stays_open_keeps_no_more_of_what_was_ticked(page: WebuiPage) -> None:
    page.unfold(PANEL)
    _state(page, "changes", "will change 4 settings")
    sizes = []
    for ticks in (2, 40):
        before = _answered(page)
        page.driver.execute_script(_TICK, ticks)
        page.wait(lambda before=before: _answered(page) > before, "the page at rest")  # type: ignore[misc]
        sizes.append(page.driver.execute_script(_SIZE))
    assert sizes[1] - sizes[0] < 20  # its counters have more digits


def test_an_untick_while_an_answer_is_on_its_way_ends_at_off(page: WebuiPage) -> None:
    page.unfold(PANEL)
    _state(page, "changes", "will change 4 settings")
    hurry = """hypersdChanged("txt2img", 0);
        setTimeout(() => document.querySelector("#hypersd_txt2img > .label-wrap").click(), 1)"""
    page.driver.execute_script(hurry)
    _state(page, "off", "off")


def test_an_answer_that_comes_too_late_does_not_stay(page: WebuiPage) -> None:
    page.unfold(PANEL)
    _state(page, "changes", "will change 4 settings")
    late = """clearTimeout(hypersdCheckpointAgain);
        const old = document.querySelector("#hypersd_txt2img_answer [data-hypersd-answer]");
        const before = JSON.parse(old.dataset.hypersdAnswer).number;
        const marks = {...JSON.parse(old.dataset.hypersdAnswer), number: 0};
        const mark = document.createElement("i");
        mark.dataset.hypersdAnswer = JSON.stringify(marks);
        old.replaceWith(mark);
        return before"""
    before = page.driver.execute_script(late)
    number = "return JSON.parse(document.querySelector('#hypersd_txt2img_answer i').dataset.hypersdAnswer).number"
    page.wait(lambda: page.driver.execute_script(number) > before, "a later answer")


def test_nothing_moves_while_the_page_loads(page: WebuiPage) -> None:
    panel = f"return document.querySelector('#{PANEL}').getBoundingClientRect().height"
    height = page.driver.execute_script(panel)
    page.driver.execute_script("hypersdChanged('txt2img')")
    moved = page.driver.execute_async_script(
        """const done = arguments[0];
        const moved = [];
        new PerformanceObserver((list) => list.getEntries().forEach((entry) => moved.push(...entry.sources
            .map(({node}) => node?.closest?.("[id^=hypersd_]")?.id).filter(Boolean))))
            .observe({type: "layout-shift", buffered: true});
        setTimeout(() => done(moved), 300);"""
    )
    assert moved == []
    assert page.driver.execute_script(panel) == height  # closed and off; what stands below it has not moved either


def test_nothing_moves_while_an_answer_is_on_its_way(page: WebuiPage) -> None:
    page.unfold(PANEL)
    _state(page, "changes", "will change 4 settings")
    page.wait(lambda: _answered(page), "the page at rest")
    tops = f"""return [...document.querySelectorAll("#{PANEL} :is(.label-wrap, input, button, #{OUTLOOK})")]
        .map((element) => element.getBoundingClientRect().top)"""
    before = page.driver.execute_script(tops)
    page.driver.execute_script(_HOLD, "checkpoint")
    page.driver.execute_script("hypersdChanged('txt2img', 0)")
    page.wait(lambda: page.driver.execute_script("return Boolean(window.letGo)"), "an answer that is kept back")
    assert page.driver.execute_script(tops) == before
    page.driver.execute_script("letGo()")
    page.wait(lambda: _answered(page), "the answer")
