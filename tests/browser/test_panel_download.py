"""A missing file, from the panel: its licence, its progress, cancel; on gradio 4 (forge) and gradio 3 (a1111)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys
from webui_page import WebuiPage

from tests.hub_server import HubServer, PublishedFile, whole_lora

PROFILES = ["forge", "a1111"]
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("profile", PROFILES)]

NAME = "Hyper-SD15-8steps-lora"
PANEL = "hypersd_txt2img"
OUTLOOK, BADGE = f"{PANEL}_outlook", f"{PANEL}_badge"
BUTTON, CANCEL = (f"#{OUTLOOK} [data-hypersd-do={name}]" for name in ("download", "cancel"))
SIZE = 400_000


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with HubServer() as hub:
        yield hub


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {profile: tmp_path_factory.mktemp(f"loras-{profile}") for profile in PROFILES}


@pytest.fixture
def file(hub: HubServer, folders: dict[str, Path], profile: str) -> PublishedFile:
    """The published file, of which half comes until it is released; the folder has none yet."""
    for left in folders[profile].iterdir():
        left.unlink()
    return hub.publish(NAME, whole_lora(SIZE), hold_at=SIZE // 2)


@pytest.fixture
def page(webuis, open_page, hub: HubServer, folders: dict[str, Path], file: PublishedFile, profile: str) -> WebuiPage:
    for each in PROFILES:
        webuis.start(each, "--lora-dir", str(folders[each]), environment={"HF_ENDPOINT": hub.url, "HF_TOKEN": ""})
    page = open_page(profile, "--lora-dir", str(folders[profile]))
    page.unfold(PANEL)
    page.wait(lambda: f"LoRA missing: {NAME}.safetensors" in page.text(BADGE), "the badge")
    return page


def _press_download(page: WebuiPage) -> None:
    """By keyboard: the licence's checkbox, then the button next to it."""
    accept = page.find(f"#{OUTLOOK} [data-hypersd-do=accept]")
    page.driver.execute_script("arguments[0].focus()", accept)
    accept.send_keys(Keys.SPACE)
    page.wait(lambda: page.find(BUTTON).is_enabled(), "the button")
    page.find(BUTTON).send_keys(Keys.ENTER)


def test_a_missing_file_is_named_with_size_source_licence_and_folder(page: WebuiPage) -> None:
    text = page.text(OUTLOOK)
    for part in (f"{NAME}.safetensors (269 MB)", "huggingface.co/ByteDance/Hyper-SD", "models/Lora", "ByteDance's own"):
        assert part in text
    assert not page.find(BUTTON).is_enabled()


def test_a_tag_alone_is_offered_its_file(page: WebuiPage) -> None:
    page.click(f"{PANEL}-visible-checkbox")  # off, and open
    page.set("txt2img_prompt", "a cat <lora:Hyper-SD15-4steps>")
    page.wait(lambda: "by tag, LoRA missing: Hyper-SD15-4steps-lora.safetensors" in page.text(BADGE), "the badge")
    assert not page.find(BUTTON).is_enabled()
    page.set("txt2img_prompt", "a cat <lora:Hyper-SDXL>")
    page.wait(lambda: "by tag, not for this checkpoint" in page.text(BADGE), "the other family")


def test_a_download_shows_its_progress_and_makes_the_panel_ready(
    page: WebuiPage, file: PublishedFile, folders: dict[str, Path], profile: str
) -> None:
    _press_download(page)
    page.wait(lambda: " of 400 kB" in page.text(OUTLOOK), "the progress")
    bar = page.wait(lambda: page.driver.find_elements("css selector", f"#{OUTLOOK} progress[value]"), "the bar")[0]
    assert 0 < int(bar.get_attribute("value")) < SIZE
    file.release()
    page.wait(lambda: f"settings: {NAME}" in page.text(BADGE), "the file")
    assert (folders[profile] / f"{NAME}.safetensors").read_bytes() == file.content
    options = "return [...document.querySelectorAll('#hypersd_txt2img_lora ul li')].map(li => li.textContent.trim())"
    page.driver.execute_script("document.querySelector('#hypersd_txt2img_lora input').focus()")
    page.wait(lambda: any(NAME in o for o in page.driver.execute_script(options)), "the new file in the dropdown")
    assert page.faults() == []


def test_a_download_can_be_cancelled(
    page: WebuiPage, file: PublishedFile, folders: dict[str, Path], profile: str
) -> None:
    _press_download(page)
    page.wait(lambda: page.driver.find_elements("css selector", CANCEL), "the button")
    page.driver.execute_script("arguments[0].click()", page.find(CANCEL))
    page.wait(lambda: "Cancelled" in page.text(OUTLOOK), "the message")
    file.release()
    page.wait(lambda: not list(folders[profile].iterdir()), "an empty folder")
    assert not page.find(BUTTON).is_enabled()  # the licence is accepted anew
    assert page.faults() == []


def test_what_went_wrong_is_told_with_the_way_on(page: WebuiPage, hub: HubServer) -> None:
    hub.publish(NAME, b"", status=404)
    _press_download(page)
    way_on = "get it by hand from https://huggingface.co/ByteDance/Hyper-SD"
    page.wait(lambda: way_on in page.text(OUTLOOK), "the message")
