"""A1111 at CFG 1: the uncond is left out while a plan is active and it cannot matter, and nothing of it stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live.client import Drawn
from live.runner import Session
from live.scenarios.host_scripts import axis
from live.server import miniwebui
from live.target import STOCK_STEPS, Target

EXTENSIONS = Path(__file__).parent / "extensions"
LORA, STEPS = "Hyper-SD15-2steps-lora", 2
PLAN = {"lora": LORA, "cfg": 1}
NEGATIVE = "blur, ugly"
HIRES = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "None", "denoising_strength": 0.55}
HIRES_STEPS = 1
"""Of two trained steps, a second pass at 0.55 evaluates the last one."""
CLOSE = 1


@pytest.fixture(scope="module", params=["no saved config", "a saved config"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    data = tmp_path_factory.mktemp("data")
    if request.param == "a saved config":
        (data / "config.json").write_text(json.dumps({"skip_early_cond": 0.0, "s_min_uncond": 0.0}))
    names = ("watcher", "cfg-callbacks", "needs-uncond")
    extra = [part for name in names for part in ("--extra-extension", str(EXTENSIONS / name))]
    with miniwebui("a1111", "--data-dir", str(data), *extra) as client, Session(client) as target:
        yield target


def rows(host: Target) -> list[int]:
    """Rows of each evaluation of the last run, while the option stood in no other request's way."""
    seen = host.client.get("/watcher")["seen"]
    before = host.client.get("/watcher")
    assert {(entry["data"], entry["value"]) for entry in seen} == {(before["data"], before["value"])}
    assert before["value"] == 0
    return [entry["rows"] for entry in seen]


def draw(host: Target, **fields: Any) -> tuple[Drawn, list[int]]:
    drawn = host.draw(fresh=True, **({"negative_prompt": NEGATIVE} | fields))
    return drawn, rows(host)


def by_hand(host: Target, drawn: Drawn, **fields: Any) -> tuple[Drawn, list[int]]:
    again = host.draw(fresh=True, hypersd={"enabled": False}, **(host.pasted(drawn.infotext) | fields))
    return again, rows(host)


def assert_stock_is_guided(host: Target) -> None:
    """A request at CFG 7 with no object evaluates both, and its negative prompt counts."""
    drawn, evaluated = draw(host)
    assert evaluated == [2] * STOCK_STEPS
    assert drawn.infotext.own() == {}
    assert "Skip Early CFG" not in drawn.infotext.fields
    other, _ = draw(host, negative_prompt="a red circle")
    assert other.picture.pixels != drawn.picture.pixels


def test_one_row_a_step_and_the_picture_by_hand(host: Target) -> None:
    drawn, evaluated = draw(host, hypersd=PLAN)
    assert evaluated == [1] * STEPS
    assert "Skip Early CFG" not in drawn.infotext.text
    again, evaluated = by_hand(host, drawn)
    assert evaluated == [2] * STEPS
    assert again.picture.distance(drawn.picture) <= CLOSE
    assert again.infotext.foreign() == drawn.infotext.foreign()
    assert_stock_is_guided(host)


def test_every_picture_of_a_batch_and_every_batch(host: Target) -> None:
    _, evaluated = draw(host, hypersd=PLAN, batch_size=2, n_iter=2)
    assert evaluated == [2] * 2 * STEPS


def test_the_second_pass_too(host: Target) -> None:
    drawn, evaluated = draw(host, hypersd=PLAN, **HIRES)
    assert evaluated == [1] * (STEPS + HIRES_STEPS)
    again, evaluated = by_hand(host, drawn)
    assert evaluated == [2] * (STEPS + HIRES_STEPS)
    assert again.picture.distance(drawn.picture) <= CLOSE


@pytest.mark.parametrize("sampler", ["Hyper-SD TCD", "Euler a", "Heun", "DPM++ 2M", "DPM++ SDE"])
def test_every_sampler_of_the_hosts_lists(host: Target, sampler: str) -> None:
    drawn, evaluated = draw(host, hypersd=PLAN | {"sampler": sampler})
    assert set(evaluated) == {1}
    again, evaluated = by_hand(host, drawn)
    assert set(evaluated) == {2}
    assert again.picture.distance(drawn.picture) <= CLOSE


@pytest.mark.parametrize("mask", [False, True])
def test_img2img_and_inpaint_too(host: Target, mask: bool) -> None:
    fields = {"fresh": True, "mask": mask, "negative_prompt": NEGATIVE}
    drawn = [host.draw_over(hypersd=PLAN, **fields) for _ in range(2)][-1]
    evaluated = rows(host)
    assert set(evaluated) == {1}
    request = host.pasted(drawn.infotext)
    again = [host.draw_over(hypersd={"enabled": False}, **(fields | request)) for _ in range(2)][-1]
    assert rows(host) == [2] * len(evaluated)
    assert again.picture.distance(drawn.picture) <= CLOSE


@pytest.mark.parametrize("cfg", [1.05, 1.5, 7])
def test_another_cfg_is_guided(host: Target, cfg: float) -> None:
    drawn, evaluated = draw(host, hypersd=PLAN | {"cfg": cfg})
    assert evaluated == [2] * STEPS
    again, _ = by_hand(host, drawn)
    assert again.picture.pixels == drawn.picture.pixels


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [("a red circle AND a blue square", 2), ("a red circle AND a blue square :0.7", 2), ("a red circle :0.7", 1)],
)
def test_more_conds_or_another_weight_need_the_uncond(host: Target, prompt: str, parts: int) -> None:
    drawn, evaluated = draw(host, hypersd=PLAN, prompt=prompt)
    assert evaluated == [parts + 1] * STEPS
    again, _ = by_hand(host, drawn)
    assert again.picture.pixels == drawn.picture.pixels


@pytest.mark.parametrize("kind", ["cfg_denoiser", "cfg_denoised", "cfg_after_cfg"])
def test_another_extensions_callback_sees_both_rows(host: Target, kind: str) -> None:
    before, evaluated = draw(host, hypersd=PLAN)
    assert evaluated == [1] * STEPS
    host.client.post(f"/cfg-callbacks/{kind}", {})
    try:
        drawn, evaluated = draw(host, hypersd=PLAN)
    finally:
        calls = host.client.send("DELETE", "/cfg-callbacks").json()
    assert evaluated == [2] * STEPS
    assert calls[kind] == STEPS
    assert drawn.picture.distance(before.picture) <= CLOSE
    assert drawn.infotext.foreign() == before.infotext.foreign()
    assert draw(host, hypersd=PLAN)[1] == [1] * STEPS


def test_a_sampler_that_reads_the_uncond_gets_it(host: Target) -> None:
    drawn, evaluated = draw(host, hypersd=PLAN | {"sampler": "Needs uncond"})
    assert evaluated == [2] * STEPS
    again, _ = by_hand(host, drawn)
    assert again.picture.pixels == drawn.picture.pixels
    other, _ = draw(host, hypersd=PLAN | {"sampler": "Needs uncond"}, negative_prompt="a red circle")
    assert other.picture.pixels != drawn.picture.pixels


@pytest.mark.parametrize(
    "request_",
    [
        {"cfg_scale": 1.0},
        {"cfg_scale": 1.0, "hypersd": {"enabled": False}},
        {"cfg_scale": 1.0, "prompt": f"a red circle <lora:{LORA}:1>"},
        {"cfg_scale": 1.0, "hypersd": {"bogus": 1}},
        {"cfg_scale": 1.0, "hypersd": {"lora": "Hyper-SDXL-8steps-lora"}},
    ],
    ids=["no object", "off", "a full name", "bad input", "a refusal"],
)
def test_without_a_plan_the_host_evaluates_both(host: Target, request_: dict[str, Any]) -> None:
    draw(host, hypersd=PLAN)
    assert draw(host, **request_)[1] == [2] * STOCK_STEPS


def test_each_pass_goes_by_its_own_cfg(host: Target) -> None:
    """Another extension sets CFG for the second pass alone."""
    _, evaluated = draw(host, hypersd=PLAN, prompt="a red circle second-cfg 7", **HIRES)
    assert evaluated == [1] * STEPS + [2] * HIRES_STEPS
    _, evaluated = draw(host, hypersd=PLAN | {"cfg": 7}, prompt="a red circle second-cfg 1", **HIRES)
    assert evaluated == [2] * STEPS + [1] * HIRES_STEPS


def test_the_cfg_that_counts_is_the_one_when_it_samples(host: Target) -> None:
    """Another extension sets CFG after our plan."""
    assert draw(host, hypersd=PLAN, prompt="a red circle batch-cfg 7")[1] == [2] * STEPS
    assert draw(host, hypersd=PLAN | {"cfg": 7}, prompt="a red circle batch-cfg 1")[1] == [1] * STEPS


def test_each_cell_of_a_plot_goes_by_its_own_cfg(host: Target) -> None:
    counts = []
    for values in ("1,7", "7,1"):
        before = host.client.get("/miniwebui/v1/stats")["evaluations"]
        host.draw(fresh=True, hypersd={"lora": LORA}, **axis(host, "CFG Scale", values))
        counts.append(host.client.get("/miniwebui/v1/stats")["evaluations"] - before)
    assert counts == [STEPS + 2 * STEPS] * 2


@pytest.mark.parametrize("steps", [2, 3])
def test_negative_guidance_minimum_sigma_stays_the_hosts(host: Target, steps: int) -> None:
    request = {"hypersd": PLAN | {"steps": steps}, "s_min_uncond": 4.0}
    drawn, evaluated = draw(host, **request)
    again, wanted = by_hand(host, drawn, s_min_uncond=4.0)
    assert evaluated == wanted
    assert drawn.infotext.foreign() == again.infotext.foreign()
    assert drawn.picture.pixels == again.picture.pixels


def test_an_evaluation_that_fails_is_done_again_with_the_uncond(host: Target) -> None:
    """What an unknown denoiser makes of the skip must not cost the picture."""
    drawn, evaluated = draw(host, hypersd=PLAN, negative_prompt=f"{NEGATIVE} evaluation-fails-once")
    assert evaluated == [1, 1, 2]
    whole, evaluated = draw(host, hypersd=PLAN)
    assert evaluated == [1] * STEPS
    assert drawn.picture.distance(whole.picture) <= CLOSE


INTERRUPTIONS = {"evaluation-raise": 500, "evaluation-oom": 500, "evaluation-interrupt": 200}


@pytest.mark.parametrize("fields", [{}, HIRES], ids=["one pass", "hires"])
@pytest.mark.parametrize("word", INTERRUPTIONS)
def test_a_run_that_breaks_off_leaves_nothing(host: Target, word: str, fields: dict[str, Any]) -> None:
    options, state = host.options(), host.client.get("/watcher")
    before, evaluated = draw(host)
    assert evaluated == [2] * STOCK_STEPS
    broken = host.try_to_draw(hypersd=PLAN, prompt=f"a red circle {word}", negative_prompt=NEGATIVE, **fields)
    assert broken.status == INTERRUPTIONS[word], broken.text[:300]
    assert rows(host)[:2] == [1, 1]
    after, evaluated = draw(host)
    assert evaluated == [2] * STOCK_STEPS
    assert after.picture.pixels == before.picture.pixels
    assert after.infotext.text == before.infotext.text
    assert host.options() == options
    assert {k: v for k, v in host.client.get("/watcher").items() if k != "seen"} == {
        k: v for k, v in state.items() if k != "seen"
    }
    assert draw(host, cfg_scale=1.0)[1] == [2] * STOCK_STEPS
    assert draw(host, hypersd=PLAN)[1] == [1] * STEPS


# The host's own option last: setting it by name gives the host a saved config.


@pytest.mark.parametrize(("option", "value"), [("skip_early_cond", 0.4), ("skip_early_cond", 1.0)])
def test_the_hosts_own_skip_stays_the_hosts(host: Target, option: str, value: float) -> None:
    with host.option(option, value):
        drawn = host.draw(fresh=True, hypersd=PLAN | {"steps": 3}, negative_prompt=NEGATIVE)
        evaluated = [entry["rows"] for entry in host.client.get("/watcher")["seen"]]
        again = host.draw(fresh=True, hypersd={"enabled": False}, **host.pasted(drawn.infotext))
        wanted = [entry["rows"] for entry in host.client.get("/watcher")["seen"]]
    assert evaluated == wanted
    assert drawn.infotext.foreign() == again.infotext.foreign()
    assert drawn.picture.pixels == again.picture.pixels
    assert_stock_is_guided(host)
