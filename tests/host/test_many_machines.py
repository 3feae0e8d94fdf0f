"""sd-webui-distributed sends a job to other WebUIs as JSON, made before any plan; there the extension runs anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live.client import Infotext
from live.runner import Session
from live.scenarios.host_scripts import axis, script
from live.server import PROJECT, miniwebui
from live.target import Target

FOLDER = Path(__file__).parent / "extensions" / "stable-diffusion-webui-distributed"
QUICK = {"lora": "Hyper-SD15-2steps-lora"}


@pytest.fixture(scope="module", params=["forge", "a1111"])
def master(request: pytest.FixtureRequest) -> Iterator[Target]:
    order = [part for folder in (FOLDER, PROJECT) for part in ("--extra-extension", str(folder))]
    with miniwebui(request.param, "--without-extension", *order) as client, Session(client) as target:
        yield target


def test_the_panels_values_draw_the_same_elsewhere(master: Target) -> None:
    drawn = master.draw(args=[True, "auto", "2"], batch_size=2)
    sent = json.loads(drawn.infotext.fields["Sent"])
    again = master.draw(args=sent, batch_size=2, fresh=True)
    assert [i.own() for i in again.infotexts] == [i.own() for i in drawn.infotexts]
    assert [p.pixels for p in again.pictures] == [p.pixels for p in drawn.pictures]


@pytest.mark.parametrize("label", ["Steps", "CFG Scale", "[Hyper-SD] Steps"])
def test_a_plots_cells_can_be_sent(master: Target, label: str) -> None:
    values: dict[str, Any] = axis(master, label, "1,2")
    drawn = master.draw(hypersd=QUICK, **values)
    assert all("fault" not in i.fields["Sent"] for i in drawn.infotexts[-2:])


def test_a_loops_later_passes_can_be_sent(master: Target) -> None:
    args = [2, 0.5, "Linear", *(argument["value"] for argument in script(master, "loopback", is_img2img=True)[3:])]
    drawn = master.draw_over(hypersd=QUICK, script_name="loopback", script_args=args)
    turns = [Infotext.read(picture.parameters) for picture in drawn.pictures[-2:]]
    assert all(json.loads(turn.fields["Sent"])[0] == QUICK for turn in turns)
