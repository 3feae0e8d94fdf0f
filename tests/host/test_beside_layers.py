"""The bypass on both kinds of hosts: the picture of the merge, nothing left on the net, bad files refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from live.client import Drawn
from live.runner import Session
from live.server import PROJECT, miniwebui
from live.target import Target
from safetensors.torch import load_file, save_file

EXTENSIONS = Path(__file__).parent / "extensions"
WEIGHTS = PROJECT / "dev" / "miniature" / "weights" / "Lora"
NAME = "Hyper-SD15-2steps-lora"
WITHIN, SHARE = 1, 0.999
"""How far (of 255) bypass and merge may be apart, in this share of the values."""


def _changed(state: dict[str, torch.Tensor], how: str) -> dict[str, torch.Tensor]:
    up = next(name for name in state if name.endswith("lora_up.weight"))
    if how == "nan":
        state[up] = torch.full_like(state[up], float("nan"))
    elif how == "half":
        del state[up]
    elif how == "rank-0":
        state[up] = torch.tensor(1.0)
    elif how == "wide":
        state[up] = torch.cat([state[up], state[up]])
    return state


BAD = ("nan", "half", "rank-0", "wide")


def bad_name(how: str) -> str:
    return f"hyper-sd15-2steps-{how}"


@pytest.fixture(scope="module")
def lora_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("Lora")
    for name in (NAME, "Hyper-SD15-8steps-lora"):
        save_file(load_file(WEIGHTS / f"{name}.safetensors"), folder / f"{name}.safetensors")
    for how in BAD:
        save_file(_changed(load_file(WEIGHTS / f"{NAME}.safetensors"), how), folder / f"{bad_name(how)}.safetensors")
    return folder


@pytest.fixture(scope="module", params=["forge", "a1111"])
def host(request: pytest.FixtureRequest, lora_folder: Path) -> Iterator[Target]:
    more = ("--extra-extension", str(EXTENSIONS / "net-watcher"), "--lora-dir", str(lora_folder))
    with miniwebui(request.param, *more) as client, Session(client) as target:
        yield target


def drawn_by(host: Target, apply: str, prompt: str = "a red circle", **fields: Any) -> Drawn:
    return host.draw(fresh=True, hypersd={"lora": NAME, "apply": apply}, prompt=prompt, **fields)


def left_behind(host: Target) -> dict[str, Any]:
    return {key: value for key, value in host.client.get("/net-watcher/state").items() if key != "modules"}


CLEAN = {"hooks": 0, "replaced": 0, "wrapped": []}


def share_within(one: Drawn, other: Drawn) -> float:
    pairs = list(zip(one.picture.pixels, other.picture.pixels, strict=True))
    return sum(abs(a - b) <= WITHIN for a, b in pairs) / len(pairs)


def test_bypass_draws_what_the_merge_does(host: Target) -> None:
    assert share_within(drawn_by(host, "bypass"), drawn_by(host, "host")) >= SHARE
    assert left_behind(host) == CLEAN


def test_img2img_and_hires_as_well(host: Target) -> None:
    hires = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": host.upscaler, "denoising_strength": 0.6}
    assert share_within(drawn_by(host, "bypass", **hires), drawn_by(host, "host", **hires)) >= SHARE
    over = [host.draw_over(hypersd={"lora": NAME, "apply": apply}) for apply in ("bypass", "host")]
    assert share_within(*over) >= SHARE
    assert left_behind(host) == CLEAN


def test_off_after_it_is_as_before(host: Target) -> None:
    before = host.draw(fresh=True)
    drawn_by(host, "bypass")
    after = host.draw(fresh=True)
    assert after.picture.pixels == before.picture.pixels
    assert after.infotext.text == before.infotext.text


@pytest.mark.parametrize("word", ["net-raise", "net-interrupt"])
def test_nothing_is_left_after_a_run_that_broke_off(host: Target, word: str) -> None:
    before = drawn_by(host, "host")
    host.try_to_draw(hypersd={"lora": NAME, "apply": "bypass"}, prompt=f"a red circle {word}")
    assert left_behind(host) == CLEAN
    assert drawn_by(host, "host").picture.pixels == before.picture.pixels


def test_without_room_the_host_merges_it_with_a_notice(host: Target) -> None:
    drawn = drawn_by(host, "bypass", "a red circle net-oom")
    own = drawn.infotext.own()
    assert "There was no room" in own["Hyper-SD notice"]
    assert "Hyper-SD applied" not in own
    assert left_behind(host) == CLEAN
    by_host = drawn_by(host, "host", "a red circle net-none")  # the same words to the miniature's text model
    assert share_within(drawn, by_host) >= SHARE


def test_another_sampler_than_the_one_with_the_bypass_is_noticed(host: Target) -> None:
    """An extension that replaces the sampler between the pass's beginning and its run."""
    drawn = drawn_by(host, "bypass", "a red circle net-sampler")
    own = drawn.infotext.own()
    assert f"{NAME} did not reach the model: another sampler ran" in own["Hyper-SD notice"]
    assert "Hyper-SD applied" not in own
    assert left_behind(host) == CLEAN
    without = {"lora": "none", "steps": 2, "sampler": "Euler", "cfg": 1.0}
    assert drawn_by(host, "host", "a red circle net-none").picture.pixels != drawn.picture.pixels
    plain = host.draw(fresh=True, hypersd=without, prompt="a red circle net-none")
    assert drawn.picture.pixels == plain.picture.pixels, "as told: without the LoRA"


def test_the_host_patches_nothing_when_files_are_switched(host: Target) -> None:
    def repatches() -> int:
        return int(host.client.get("/miniwebui/v1/stats")["repatches"])

    drawn_by(host, "bypass")
    before = repatches()
    for name in (NAME, "Hyper-SD15-8steps-lora", NAME):
        host.draw(fresh=True, hypersd={"lora": name, "apply": "bypass"})
        host.draw(fresh=True)
    assert repatches() == before


@pytest.mark.parametrize("apply", ["auto", "bypass"])
@pytest.mark.parametrize("how", ["nan", "half", "rank-0"])
def test_a_bad_file_is_refused_as_a_whole(host: Target, how: str, apply: str) -> None:
    _assert_refused(host, how, apply)


def test_a_file_that_does_not_fit_the_layers_is_refused_by_the_bypass(host: Target) -> None:
    _assert_refused(host, "wide", "bypass")


def _assert_refused(host: Target, how: str, apply: str) -> None:
    stock = host.draw()
    drawn = host.draw(hypersd={"lora": bad_name(how), "apply": apply})
    assert drawn.picture.pixels == stock.picture.pixels
    assert drawn.infotext.prompt == stock.infotext.prompt
    own = drawn.infotext.own()
    assert list(own) == ["Hyper-SD notice"]
    assert bad_name(how) in own["Hyper-SD notice"]
    assert left_behind(host) == CLEAN
