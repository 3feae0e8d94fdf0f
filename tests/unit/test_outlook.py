"""What the panel shows of a plan, and how it becomes HTML."""

from __future__ import annotations

import html
import json
from dataclasses import fields, replace
from html.parser import HTMLParser

import pytest
from plans import plan_for_tags

from lib_hypersd.downloads.state import Download
from lib_hypersd.models.catalog import BY_NAME
from lib_hypersd.models.checkpoint import describe
from lib_hypersd.models.lora_index import LoraIndex
from lib_hypersd.panel import markup
from lib_hypersd.panel.outlook import Outlook, nothing_kept, outlook
from lib_hypersd.plan.result import FIELD_TITLES, PROMPT_FIELDS, Change, Plan
from lib_hypersd.request.request import Request
from lib_hypersd.request.settings import Settings

MISSING = BY_NAME["Hyper-SDXL-8steps-lora"]
REQUEST = Request(("a cat",), "a cat", steps=20, cfg_scale=7.0, sampler_name="Euler a", scheduler="Automatic")
STEPS = Change("steps", 20, 8, "trained for 8")
CFG = Change("cfg_scale", 7.0, 1.0, "recipe 1–1.5")
SAMPLER = Change("sampler_name", "Euler a", "Euler", "recipe")
TAG = Change("prompt", "", "<lora:Hyper-SD15-8steps-lora:1>", "the tag that loads the LoRA")
HOSTILE = """<img src=x onerror=alert(1)>'"&"""


def _plan(*changes: Change, **more: object) -> Plan:
    return Plan(active=True, changes=changes, prompts=("a cat",), main_prompt="a cat", summary="8 steps", **more)  # type: ignore[arg-type]


class _Parsed(HTMLParser):
    """The elements with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def boxes(self) -> dict[str | None, dict[str, str | None]]:
        return {a["data-hypersd-keep"]: a for tag, a in self.elements if tag == "input"}


@pytest.mark.parametrize(
    ("plan", "state"),
    [
        (_plan(), "ready"),
        (_plan(TAG), "ready"),
        (_plan(STEPS, TAG), "changes"),
        (Plan(False, missing=MISSING), "missing"),
        (Plan(False, unfit=True), "unfit"),
        (Plan(False, pending=True), "pending"),
        (Plan(False, notices=("No.",)), "bad"),
    ],
)
def test_each_plan_has_its_state(plan: Plan, state: str) -> None:
    assert outlook(plan, REQUEST).state == state


def test_prompts_and_kept_rows_are_no_changed_settings() -> None:
    shown = outlook(_plan(CFG, TAG), REQUEST, _plan(STEPS, CFG, TAG))
    assert shown.settings_changed == 1
    assert [(row.change.field, row.kept) for row in shown.rows] == [
        ("steps", True),
        ("cfg_scale", False),
        ("prompt", False),
    ]


def test_a_row_stays_where_it_is_when_its_tick_is_taken() -> None:
    ticked = outlook(_plan(STEPS, CFG, SAMPLER), REQUEST)
    taken = outlook(_plan(STEPS, SAMPLER), REQUEST, _plan(STEPS, CFG, SAMPLER))
    assert [row.change.field for row in taken.rows] == [row.change.field for row in ticked.rows]


def test_a_denoise_that_img2img_moves_is_kept_with_the_steps() -> None:
    moved = Change("denoising_strength", 0.55, 0.56, "lands on the 8 trained steps")
    [row] = outlook(_plan(moved), replace(REQUEST, mode="img2img")).rows
    assert row.key == "steps"
    [row] = outlook(_plan(moved), REQUEST).rows
    assert row.key == "hires_denoise"


def test_nothing_kept_puts_only_the_kept_ones_back() -> None:
    assert nothing_kept(Settings(steps=6, cfg=2.0, sampler="Euler a")) is None
    assert nothing_kept(Settings(steps="keep", cfg="keep", weight=0.5, hires="keep")) == Settings(
        weight=0.5, hires="keep"
    )


@pytest.mark.parametrize(
    ("shown", "says"),
    [
        (Outlook(), "off"),
        (Outlook("ready", "8 steps"), "ready: 8 steps"),
        (Outlook("ready", "8 steps", by_tag=True), "by tag, ready: 8 steps"),
        (outlook(_plan(STEPS), REQUEST), "will change 1 setting: 8 steps"),
        (outlook(_plan(STEPS, CFG), REQUEST), "will change 2 settings: 8 steps"),
        (Outlook("missing", "long notice", missing=MISSING), f"LoRA missing: {MISSING.file}"),
        (Outlook("unfit", "why"), "not for this checkpoint: why"),
        (Outlook("pending", "why"), "not known until it is loaded: why"),
        (Outlook("bad", "why"), "not possible: why"),
        (Outlook("hint", "tick it"), "off: tick it"),
    ],
)
def test_the_badge_says_the_state_then_the_rest(shown: Outlook, says: str) -> None:
    parsed = _Parsed(markup.badge(shown))
    assert parsed.text == says
    assert parsed.elements[0][1]["data-state"] == shown.state


def test_each_row_that_can_be_kept_has_a_named_box_that_knows_the_way_back() -> None:
    shown = outlook(_plan(CFG, TAG), REQUEST, _plan(STEPS, CFG, TAG))
    boxes = _Parsed(markup.body(shown, Settings(steps="keep", cfg=1.0))).boxes()
    assert set(boxes) == {"steps", "cfg"}
    assert "checked" not in boxes["steps"]
    assert "checked" in boxes["cfg"]
    assert (boxes["cfg"]["data-value"], boxes["cfg"]["aria-label"]) == ("1", "CFG: set to 1")


def test_a_tags_plan_has_no_boxes() -> None:
    assert _Parsed(markup.body(outlook(_plan(STEPS), REQUEST, by_tag=True), None)).boxes() == {}


def test_nothing_of_others_becomes_html() -> None:
    hostile = Change("sampler_name", HOSTILE, HOSTILE, HOSTILE)
    shown = replace(
        outlook(_plan(hostile, Change("prompt", "", HOSTILE, "")), REQUEST), text=HOSTILE, notices=(HOSTILE,)
    )
    told = Download("1", MISSING.name, "failed", 0, 1, 0.0, None, HOSTILE)
    pages = [
        markup.badge(shown),
        markup.body(shown, Settings(sampler=HOSTILE)),
        markup.body(Outlook("bad", HOSTILE), None),
        markup.body(Outlook("missing", HOSTILE, missing=MISSING), None, told, HOSTILE),
        markup.body(Outlook("missing", HOSTILE, missing=MISSING), None, replace(told, state="running", id=HOSTILE)),
        markup.answer({"checkpoint": HOSTILE}),
    ]
    for page in pages:
        parsed = _Parsed(page)
        assert "img" not in {tag for tag, _ in parsed.elements}
        assert not any(name.startswith("on") for _, attributes in parsed.elements for name in attributes)
        assert html.escape(HOSTILE) in page or HOSTILE not in page


def test_the_answers_marks_come_back_as_they_went() -> None:
    marks = {"number": 7, "checkpoint": HOSTILE, "loras": 3}
    [(_, attributes)] = _Parsed(markup.answer(marks)).elements
    assert json.loads(attributes["data-hypersd-answer"] or "") == marks


def test_a_missing_file_is_downloaded_only_after_its_licence() -> None:
    parsed = _Parsed(markup.body(Outlook("missing", "It is empty.", missing=MISSING), None, None, "models/Lora"))
    source = "huggingface.co/ByteDance/Hyper-SD"
    for part in ("It is empty.", MISSING.file, "787 MB", source, MISSING.licence, "models/Lora"):
        assert part in parsed.text
    [button] = [a for tag, a in parsed.elements if tag == "button"]
    assert "disabled" in button
    assert button["data-value"] == MISSING.name


def test_a_running_download_tells_bytes_speed_and_time_left() -> None:
    running = Download("abc", MISSING.name, "running", 312_000_000, 787_000_000, 24e6, 80.0, "Downloading it.")
    parsed = _Parsed(markup.body(Outlook("missing", "", missing=MISSING), None, running))
    assert "312 MB of 787 MB · 24 MB/s · 1 min 20 s left" in parsed.text
    bar = dict(parsed.elements)["progress"]
    assert (bar["value"], bar["max"], bar["aria-label"]) == ("312000000", "787000000", "Downloading it.")
    waiting = _Parsed(markup.body(Outlook("missing", "", missing=MISSING), None, replace(running, done_bytes=0)))
    assert "value" not in dict(waiting.elements)["progress"]


@pytest.mark.parametrize(
    ("prompt", "missing", "unfit"),
    [
        ("a <lora:Hyper-SD15-4steps>", "Hyper-SD15-4steps-lora", False),
        ("a <lora:Hyper-SDXL>", None, True),
        ("a <lora:Hyper-SD15-4steps-lora:1>", "Hyper-SD15-4steps-lora", False),
    ],
)
def test_a_tag_tells_which_file_it_wants_or_that_the_checkpoint_is_another(
    prompt: str, missing: str | None, unfit: bool
) -> None:
    checkpoint = describe("dreams", "sd15")
    plan = plan_for_tags(replace(REQUEST, prompts=(prompt,), main_prompt=prompt), checkpoint, LoraIndex())
    assert (plan.missing.name if plan.missing else None, plan.unfit) == (missing, unfit)


def test_a_plan_changes_fields_of_the_request_alone() -> None:
    assert {field.name for field in fields(Request)} >= set(FIELD_TITLES) - set(PROMPT_FIELDS)
