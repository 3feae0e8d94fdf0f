"""ADetailer and its like draw a pass of their own over each picture: what of the plan reaches it, and what is told."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live.client import Drawn
from live.runner import Session
from live.server import PROJECT, miniwebui
from live.target import TITLE, Target

EXTENSIONS = Path(__file__).parent / "extensions"
NAME, OTHER = "Hyper-SD15-2steps-lora", "Hyper-SD15-4steps-lora"
TAG = f"<lora:{NAME}:1>"
PROMPT = "a red circle"
QUICK = {"lora": NAME}
INNER = "ADetailer drew"


@pytest.fixture(scope="module", params=["forge", "a1111"])
def detailed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("extensions") / "adetailer"
    shutil.copytree(EXTENSIONS / "adetailer", folder)
    order = [part for extension in (folder, PROJECT) for part in ("--extra-extension", str(extension))]
    with miniwebui(request.param, "--without-extension", *order) as client, Session(client) as target:
        yield target


def draw(host: Target, hypersd: dict[str, Any] | None = None, **fields: Any) -> Drawn:
    """A picture with an inner pass; `inner` is what ADetailer is asked for."""
    scripts = {"Detailer": {"args": [{"ad_model": "face", **fields.pop("inner", {})}]}}
    if hypersd is not None:
        scripts[TITLE] = {"args": [hypersd]}
    return host.draw(**({"prompt": PROMPT} | fields), alwayson_scripts=scripts)


def test_the_plan_reaches_the_inner_pass(detailed: Target) -> None:
    drawn = draw(detailed, QUICK)
    assert drawn.infotext.fields[INNER] == f"2 steps of Euler at 1: {PROMPT} {TAG}"
    by_hand = draw(detailed, **detailed.pasted(drawn.infotext))
    assert drawn.picture.distance(by_hand.picture) <= detailed.tolerance
    assert drawn.infotext.foreign() == by_hand.infotext.foreign()


@pytest.mark.parametrize(
    ("typed", "drawn_with"),
    [
        ("a face", f"a face {TAG}"),
        (f"a face <lora:{NAME}:0.5>", f"a face <lora:{NAME}:0.5>"),
        ("a face <lora:hyper-sd15>", f"a face {TAG}"),
        (f"a face <lora:{OTHER}:1>", f"a face <lora:{OTHER}:1>"),
        ("a face, [PROMPT]", f"a face, {PROMPT} {TAG}"),
    ],
)
def test_a_prompt_of_its_own_gets_the_tag(detailed: Target, typed: str, drawn_with: str) -> None:
    drawn = draw(detailed, QUICK, inner={"ad_prompt": typed})
    assert drawn.infotext.fields[INNER].partition(": ")[2].strip() == drawn_with


def test_the_account_tells_that_its_prompt_was_changed(detailed: Target) -> None:
    changed = draw(detailed, QUICK, inner={"ad_prompt": "a face"}).infotext.fields["Hyper-SD changes"]
    assert f"ADetailer prompt + {TAG}" in changed
    kept = draw(detailed, QUICK, inner={"ad_prompt": f"a face {TAG}"}).infotext.fields["Hyper-SD changes"]
    assert "ADetailer prompt" not in kept


def test_the_infotext_tells_each_of_its_prompts_as_drawn(detailed: Target) -> None:
    drawn = draw(detailed, QUICK, inner={"ad_prompt": "a face [SEP] [SEP] [SKIP] [SEP]a hand"})
    told = drawn.infotext.fields["ADetailer prompt"]
    assert told == f"a face {TAG} [SEP] [SEP] [SKIP] [SEP]a hand {TAG}"
    by_hand = draw(detailed, inner={"ad_prompt": told}, **detailed.pasted(drawn.infotext))
    assert drawn.picture.distance(by_hand.picture) <= detailed.tolerance


def test_a_pass_with_steps_and_cfg_of_its_own_keeps_its_prompt(detailed: Target) -> None:
    own = {"ad_use_steps": True, "ad_steps": 5, "ad_use_cfg_scale": True, "ad_cfg_scale": 6}
    drawn = draw(detailed, QUICK, inner={"ad_prompt": "a face", **own})
    assert drawn.infotext.fields[INNER] == "5 steps of Euler at 6: a face"


def test_where_all_scripts_run_in_it_the_plan_is_the_runs(detailed: Target) -> None:
    """The host gives it the page's steps and sampler then; the tag must not come twice."""
    drawn = draw(detailed, QUICK, inner={"ad_prompt": "a face", "all_scripts": True})
    assert drawn.infotext.fields[INNER] == f"2 steps of Euler at 1: a face {TAG}"


def test_the_account_is_the_same_for_each_picture(detailed: Target) -> None:
    """It has all scripts process a copy of `p` again after each batch, when the prompts have the tag already."""
    plain = detailed.draw(prompt=PROMPT, hypersd=QUICK)
    drawn = draw(detailed, QUICK, batch_size=2, n_iter=2)
    assert [i.own() for i in drawn.infotexts] == [plain.infotext.own()] * 4


def test_off_is_off(detailed: Target) -> None:
    fields = {"inner": {"ad_prompt": "a face"}}
    off, untouched = draw(detailed, {"enabled": False}, **fields), draw(detailed, **fields)
    assert off.picture.pixels == untouched.picture.pixels
    assert off.infotext.text == untouched.infotext.text
    assert off.infotext.fields[INNER].endswith(": a face")
