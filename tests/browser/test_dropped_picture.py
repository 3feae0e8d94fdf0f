"""The panel comes back from a picture: dropped on the page, or sent from the PNG Info tab; on gradio 4 and gradio 3."""

from __future__ import annotations

import json
import urllib.request

import pytest
from webui_page import WebuiPage

PROFILES = ["forge", "a1111"]
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("profile", PROFILES)]

PROMPT = "a small yellow star at the top, purple background"
DRAWN = f"{PROMPT} <lora:Hyper-SD15-4steps-lora:0.9>"

_DROP = """const [target, base64] = arguments;
const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
const dropped = new DataTransfer();
dropped.items.add(new File([bytes], "star.png", {type: "image/png"}));
for (const kind of ["dragenter", "dragover", "drop"]) {
    target.dispatchEvent(new DragEvent(kind, {dataTransfer: dropped, bubbles: true, cancelable: true, composed: true}));
}"""


@pytest.fixture
def page(webuis, open_page, profile):
    for each in PROFILES:  # both start while the first one's tests run
        webuis.start(each)
    return open_page(profile)


def _picture(page: WebuiPage) -> str:
    """A PNG with its infotext, drawn by the recipe, in base64."""
    body = {
        "prompt": PROMPT,
        "seed": 5,
        "width": 128,
        "height": 128,
        "alwayson_scripts": {"Hyper-SD": {"args": [{"steps": 4, "weight": 0.9}]}},
    }
    request = urllib.request.Request(
        f"{page.url}/sdapi/v1/txt2img", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["images"][0]


def _drop(page: WebuiPage, selector: str) -> None:
    page.driver.execute_script(_DROP, page.find(selector), _picture(page))


def _assert_restored(page: WebuiPage, tab: str) -> None:
    page.wait(lambda: page.checked(f"hypersd_{tab}-checkbox"), "the panel to be ticked")
    page.wait(lambda: page.value(f"{tab}_prompt") == DRAWN, "the prompt")
    values = {key: page.value(f"hypersd_{tab}_{key}") for key in ("lora", "steps", "weight", "cfg")}
    assert values == {"lora": "Hyper-SD15-4steps-lora", "steps": "auto", "weight": "auto", "cfg": "clamp"}
    page.wait(lambda: "× 0.9 · 4 steps" in page.text(f"hypersd_{tab}_badge"), "the badge")


def test_a_picture_dropped_on_the_prompt_fills_the_panel(page: WebuiPage) -> None:
    _drop(page, "#txt2img_prompt textarea")
    page.wait(lambda: "Hyper-SD: Hyper-SD15-4steps-lora" in page.value("txt2img_prompt"), "the infotext")
    page.click("paste")
    _assert_restored(page, "txt2img")


@pytest.mark.parametrize("tab", ["txt2img", "img2img"])
def test_a_picture_dropped_on_png_info_and_sent_fills_the_panel(page: WebuiPage, tab: str) -> None:
    _drop(page, "#pnginfo_image [data-testid=image] :has(> input[type=file])")
    page.wait(lambda: "Hyper-SD weight: 0.9" in page.text("pnginfo_html_info"), "the infotext")
    page.click(f"{tab}_tab")
    _assert_restored(page, tab)
