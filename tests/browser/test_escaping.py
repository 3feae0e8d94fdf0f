"""Script in names of files, in their metadata, in prompts, boxes and settings: the page shows it and never runs it."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from webui_page import WebuiPage

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = ROOT / "dev" / "miniature" / "weights"
PROFILES = ["forge", "a1111"]
pytestmark = [pytest.mark.browser, pytest.mark.parametrize("profile", PROFILES)]

SCRIPT = "<img src=x onerror=window.pwned=1>"
OPEN = "<img src=x onerror=window.pwned=2 x="
"""Without the bracket that would end a prompt's tag; the page's own next one would close it."""
LORA, TAGGED, NO_TAG = f"Hyper-SD15-8steps {OPEN}", f"Hyper-SD15-4steps {OPEN}", f"Hyper-SD15-2steps {SCRIPT}"
CHECKPOINT = f"miniature-sd15 turbo {SCRIPT}"
RECIPE = f"sdxl{SCRIPT}"
PANEL = "hypersd_txt2img"
BADGE, OUTLOOK, NOTICES = f"{PANEL}_badge", f"{PANEL}_outlook", "html_log_txt2img"
_TRACES = """const made = [...document.querySelectorAll("[onerror], [src=x], marquee")];
    return [window.pwned, ...made.map(element => element.outerHTML)].filter(Boolean)"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    """A profile's arguments: a checkpoint, LoRAs, a LoRA folder and settings that hold script."""
    made: dict[str, list[str]] = {}

    def of(profile: str) -> list[str]:
        if profile not in made:
            made[profile] = _folders(tmp_path_factory.mktemp(f"script-{profile}"))
        return made[profile]

    return of


def _folders(home: Path) -> list[str]:
    models, loras, data = home / "models" / "Stable-diffusion", home / f"Lora {SCRIPT}", home / "data"
    for folder in (models, loras, data):
        folder.mkdir(parents=True)
    shutil.copy(WEIGHTS / "Stable-diffusion" / "miniature-sd15.safetensors", models / f"{CHECKPOINT}.safetensors")
    content = (WEIGHTS / "Lora" / "Hyper-SD15-4steps-lora.safetensors").read_bytes()
    for name in (LORA, TAGGED, NO_TAG):
        (loras / f"{name}.safetensors").write_bytes(_with_metadata(content))
    (data / "config.json").write_text(json.dumps({"hypersd_recipes": f"{RECIPE}: weight 1"}))
    return ["--models-dir", str(home / "models"), "--lora-dir", str(loras), "--data-dir", str(data)]


def _with_metadata(content: bytes) -> bytes:
    """A safetensors file whose metadata holds script, too."""
    (length,) = struct.unpack("<Q", content[:8])
    keys = ("ss_output_name", "ss_training_comment", "modelspec.title", "modelspec.author")
    told = {key: f"hyper {SCRIPT} 8steps" for key in keys}
    header = json.dumps({**json.loads(content[8 : 8 + length]), "__metadata__": told}).encode()
    return struct.pack("<Q", len(header)) + header + content[8 + length :]


@pytest.fixture
def page(webuis, open_page, folders: Callable[[str], list[str]], profile: str) -> WebuiPage:
    for each in PROFILES:
        webuis.start(each, *folders(each))
    page = open_page(profile, *folders(profile))
    page.unfold(PANEL)
    return page


def _tick(page: WebuiPage, on: bool = True) -> None:
    if page.checked(f"{PANEL}-checkbox") != on:
        page.click(f"{PANEL}-visible-checkbox")
    page.wait(lambda: page.checked(f"{PANEL}-checkbox") == on, "the toggle")


def _shown(page: WebuiPage, elem_id: str, *texts: str) -> None:
    """All of the texts stand in an element as text, and nothing of them has become an element."""
    page.wait(lambda: all(text in page.text(elem_id) for text in texts), f"{texts} in {elem_id}")
    assert page.driver.execute_script(_TRACES) == []


def test_names_of_files(page: WebuiPage) -> None:
    _tick(page)
    _shown(page, BADGE, CHECKPOINT, "distilled already (turbo)")
    page.type_into(f"{PANEL}_lora", LORA)
    _shown(page, BADGE, f"{LORA} × 1")
    _shown(page, OUTLOOK, f"<lora:{LORA}:1>", f"{CHECKPOINT} is distilled already", RECIPE)
    page.driver.execute_script(f"document.querySelector('#{PANEL}_lora input').focus()")
    listed = f"return [...document.querySelectorAll('#{PANEL}_lora li')].map(e => e.textContent.trim()).join()"
    page.wait(lambda: TAGGED in page.driver.execute_script(listed), "the files in the list")
    page.type_into(f"{PANEL}_lora", "Hyper-SD15-12steps-CFG-lora")
    _shown(page, OUTLOOK, f"goes into Lora {SCRIPT}")
    page.type_into(f"{PANEL}_lora", LORA)
    _shown(page, BADGE, f"{LORA} × 1")
    page.generate()
    _shown(page, NOTICES, f"Hyper-SD: {LORA} × 1", f"{CHECKPOINT} is distilled already", RECIPE)
    _shown(page, "html_info_txt2img", f"Hyper-SD: {LORA}")
    assert page.faults() == []


def test_what_is_typed(page: WebuiPage) -> None:
    _tick(page, on=False)
    page.set("txt2img_prompt", f"{SCRIPT} <lora:{TAGGED}:1>")  # off: a hint
    _shown(page, BADGE, f"Hyper-SD is off, and {TAGGED} is made for")
    page.generate()
    _shown(page, NOTICES, f"Hyper-SD is off, and {TAGGED} is made for")
    page.set("txt2img_prompt", f"{SCRIPT} <lora:{TAGGED}:<marquee>")
    _tick(page)
    _shown(page, OUTLOOK, f"The weight in <lora:{TAGGED}:<marquee>")
    page.set(f"{PANEL}_weight", SCRIPT)
    _shown(page, BADGE, f"weight is {SCRIPT}")
    page.set(f"{PANEL}_weight", "auto")
    page.unfold(f"{PANEL}_details")
    page.type_into(f"{PANEL}_sampler", f'"{SCRIPT}')
    _shown(page, BADGE, f'sampler is "{SCRIPT}')
    page.generate()
    _shown(page, NOTICES, f'sampler is "{SCRIPT}')
    assert page.value("setting_hypersd_recipes") == f"{RECIPE}: weight 1"
    assert page.faults() == []


def test_what_is_pasted(page: WebuiPage) -> None:
    fields = f'Steps: 8, Sampler: Euler, CFG scale: 1, Seed: 1, Size: 64x64, Hyper-SD: "{SCRIPT}", Hyper-SD weight: 1'
    page.paste(
        f"{SCRIPT}\n{fields}", lambda: page.checked(f"{PANEL}-checkbox") and SCRIPT in page.value(f"{PANEL}_lora")
    )
    _shown(page, BADGE, f"lora is {SCRIPT}")
    assert page.faults() == []
