"""What the plan endpoint says of a request with styles and override settings is what its picture shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live.client import Infotext, Plan
from live.runner import Session
from live.server import miniwebui
from live.target import INFOTEXT_TO_REQUEST, Target
from panel_query import panel_query

FOUR = "Hyper-SD15-4steps-lora"
STYLES = f"""name,prompt,negative_prompt
full,"{{prompt}}, sharp <lora:{FOUR}:0.9>",
short,"{{prompt}}, sharp <lora:Hyper-SD15-4steps:0.8>",blur
other,"<lora:Hyper-SDXL-4steps> {{prompt}}",
dull,,dull
"""
HIRES = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "None", "denoising_strength": 0.55}


@pytest.fixture(scope="module", params=["forge", "a1111"])
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    data: Path = tmp_path_factory.mktemp("data")
    (data / "styles.csv").write_text(STYLES, encoding="utf-8")
    with miniwebui(request.param, "--data-dir", str(data)) as client, Session(client) as found:
        yield found


def drawn_as_planned(target: Target, hypersd: object = None, **fields: Any) -> tuple[Plan, Infotext]:
    """The plan and the infotext of one request, compared; and the plan's values, by which a stock host draws it."""
    drawn = target.draw(**({} if hypersd is None else {"hypersd": hypersd}), **fields)
    plan, text = target.plan(hypersd, **fields), drawn.infotext
    assert text.prompt == plan.prompt
    assert text.own().get("Hyper-SD") == plan.lora
    assert text.own().get("Hyper-SD notice", "") == plan.notice
    shown = [(name, key, kind) for name, (key, kind) in INFOTEXT_TO_REQUEST.items() if name in text.fields]
    for name, key, kind in shown:
        if key in plan.values:
            assert kind(text.fields[name]) == plan.values[key], name
    if plan.values.get("hr_prompt") is not None:
        assert text.fields.get("Hires prompt", text.prompt) == plan.values["hr_prompt"]
    if plan.active:
        values = {key: value for key, value in plan.values.items() if target.has_field(key)}
        by_hand = target.draw(hypersd={"enabled": False}, **{**fields, **values, "override_settings": {}})
        assert by_hand.picture.distance(drawn.picture) <= target.tolerance
    return plan, text


@pytest.mark.parametrize("more", [{}, HIRES, HIRES | {"hr_prompt": "a small star"}], ids=["plain", "hires", "own"])
@pytest.mark.parametrize("hypersd", [None, {}, {"hires": "always"}], ids=["off", "on", "always"])
def test_a_style_with_an_alias_is_planned_as_it_is_drawn(target: Target, hypersd: Any, more: dict[str, Any]) -> None:
    plan, text = drawn_as_planned(target, hypersd, styles=["short"], prompt="a star", **more)
    assert (plan.active, plan.values["steps"], plan.weight) == (True, 4, 0.8)
    assert text.prompt == f"a star, sharp <lora:{FOUR}:0.8>"


def test_a_style_with_a_files_name_is_planned_as_it_is_drawn(target: Target) -> None:
    plan, _ = drawn_as_planned(target, {}, styles=["full"], prompt="a star")
    assert (plan.values["steps"], plan.weight) == (4, 0.9)
    off, text = drawn_as_planned(target, None, styles=["full"], prompt="a star")
    assert not off.active
    assert text.own() == {}


def test_an_alias_of_another_family_in_a_style_is_removed_in_both(target: Target) -> None:
    plan, text = drawn_as_planned(target, None, styles=["other"], prompt="a star")
    assert (plan.active, text.prompt) == (False, "a star")
    assert "for SDXL" in plan.notice


def test_names_that_the_host_does_not_know_do_nothing_in_both(target: Target) -> None:
    plan, _ = drawn_as_planned(target, {"steps": 8}, styles=["no such style"], prompt="a star")
    assert plan.values["steps"] == 8


@pytest.mark.parametrize("own", ["", "red"])
def test_a_styles_negative_prompt_gets_the_notice(target: Target, own: str) -> None:
    fields = {"styles": ["dull"], "negative_prompt": own}
    plan, text = drawn_as_planned(target, {"steps": 4, "cfg": 1}, **fields)
    assert "negative prompt has no effect" in plan.notice
    assert text.negative_prompt == plan.values["negative_prompt"] == f"{own}{', ' if own else ''}dull"


def test_a_hires_prompt_of_its_own_keeps_its_styles_by_the_plans_values(target: Target) -> None:
    own = HIRES | {"hr_prompt": "a moon", "hr_negative_prompt": "green"}
    plan, text = drawn_as_planned(target, {"cfg": 3}, styles=["short"], **own)
    assert plan.values["styles"] == []
    assert plan.values["hr_negative_prompt"] == text.fields["Hires negative prompt"] == "green, blur"


def test_override_settings_count_in_both(target: Target) -> None:
    for reaction, active in (("all", True), ("aliases", False), ("none", False)):
        overrides = {"hypersd_prompt_tags": reaction}
        plan, _ = drawn_as_planned(target, None, styles=["full"], override_settings=overrides)
        assert plan.active == active, reaction
    with target.option("sd_lora", "None"):  # saved, so that the host puts it back after the request
        plan, _ = drawn_as_planned(target, {"steps": 4}, override_settings={"sd_lora": "Hyper-SD15-2steps-lora"})
        assert "Hyper-SD15-2steps-lora" in plan.notice


def test_an_override_of_comments_counts_in_both(target: Target) -> None:
    if not target.is_a1111:
        pytest.skip("Forge's own function, which removes comments, reads the option that is set")
    prompt = "a star # <lora:hyper-sd15-4steps>"
    for reads, active in ((True, False), (False, True)):
        overrides = {"enable_prompt_comments": reads}
        assert target.plan(prompt=prompt, override_settings=overrides).active == active
        with target.option("enable_prompt_comments", True):  # saved, so that the host puts it back after the request
            own = target.draw(prompt=prompt, override_settings=overrides).infotext.own()
        assert ("Hyper-SD" in own) == active


@pytest.mark.parametrize("styles", ["short", [1], {"short": 1}, [["short"]]])
def test_styles_that_are_no_list_of_names_are_refused(target: Target, styles: object) -> None:
    reply = target.try_to_plan({}, styles=styles)
    assert (reply.status, reply.json()["detail"][0]["loc"]) == (422, ["body", "styles"])


# The page ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tab", ["txt2img", "img2img"])
def test_the_panel_reads_the_pages_styles(target: Target, tab: str) -> None:
    styles = f"{tab}_styles"
    assert "Hyper-SD15-4steps-lora × 0.8 · 4 steps" in panel_query(target.client, tab, **{styles: ["short"]})().text
    ticked: dict[str, Any] = {f"hypersd_{tab}_checkbox": True, f"{tab}_prompt": "a star"}
    assert (
        "Hyper-SD15-4steps-lora × 0.9 · 4 steps"
        in panel_query(target.client, tab, **ticked, **{styles: ["full"]})().text
    )
    notice = "negative prompt has no effect"
    assert notice in panel_query(target.client, tab, **ticked, **{styles: ["dull"]})().text
    assert notice not in panel_query(target.client, tab, **ticked, **{styles: ["no such style"]})().text


def test_the_panel_reads_the_pages_override_settings(target: Target) -> None:
    named = {"forge": "Model", "a1111": "Model hash"}["a1111" if target.is_a1111 else "forge"]
    chosen = {"txt2img_override_settings": [f"{named}: miniature-sdxl"], "hypersd_txt2img_checkbox": True}
    assert "Hyper-SDXL-8steps-lora × 0.75" in panel_query(target.client, **chosen)().text
