"""sd-webui-distributed sends a job to other WebUIs as JSON, made before any plan; there the extension runs anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from live.client import Client, Drawn, Infotext
from live.published import tags
from live.runner import Session
from live.scenarios.host_scripts import axis, script
from live.server import PROJECT, miniwebui
from live.target import Target

FOLDER = Path(__file__).parent / "extensions" / "stable-diffusion-webui-distributed"
PROFILES = ("forge", "a1111")
NAME = "Hyper-SD15-2steps-lora"
QUICK = {"lora": NAME}
HIRES = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "None", "denoising_strength": 0.55}
PANEL = [True, NAME, "auto", "auto", "1.2", "clamp", "Hyper-SD TCD", "auto", *["auto"] * 5, "0.7"]


@pytest.fixture(scope="module")
def workers() -> Iterator[dict[str, Client]]:
    """A worker of each profile, as workers are often run: without a page."""
    with ExitStack() as running:
        yield {profile: running.enter_context(miniwebui(profile, "--nowebui")) for profile in PROFILES}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the master keeps its settings."""
    return tmp_path_factory.mktemp("master")


@pytest.fixture(scope="module", params=PROFILES)
def master(request: pytest.FixtureRequest, folder: Path) -> Iterator[Target]:
    arguments = ["--data-dir", str(folder), "--extra-extension", str(FOLDER), "--extra-extension", str(PROJECT)]
    with miniwebui(request.param, "--without-extension", *arguments) as client, Session(client) as target:
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


# A batch over three machines -----------------------------------------------------------------------------------


class Split:
    """One request's batch, a picture on the master and on each of two workers; and its pictures drawn by the master
    alone, one by one."""

    def __init__(self, master: Target, workers: list[Client], path: str = "txt2img", **fields: Any) -> None:
        draw = master.draw if path == "txt2img" else master.draw_over
        self.alone = [draw(seed=7 + i, fresh=True, **fields) for i in range(3)]
        with master.option("distribute_to", " ".join(worker.url for worker in workers)):
            self.drawn: Drawn = draw(seed=7, batch_size=3, **fields)

    def accounts(self) -> list[dict[str, str]]:
        return [infotext.own() for infotext in self.drawn.infotexts]

    def distances(self) -> list[int]:
        return [p.distance(one.picture) for p, one in zip(self.drawn.pictures, self.alone, strict=True)]

    def check(self) -> None:
        """Infotexts are as if one machine had drawn it."""
        texts = self.drawn.infotexts
        assert [i.fields["Seed"] for i in texts] == ["7", "8", "9"]
        assert ["Worker Label" in i.fields for i in texts] == [False, True, True]
        assert self.accounts() == [one.infotext.own() for one in self.alone]
        assert [i.prompt for i in texts] == [one.infotext.prompt for one in self.alone]


def like(master: Target, workers: dict[str, Client]) -> list[Client]:
    """The worker of the master's own profile, for two jobs."""
    return [workers["a1111" if master.is_a1111 else "forge"]] * 2


@pytest.mark.parametrize(
    "fields",
    [
        {"args": [True, "auto", "2"]},
        {"args": PANEL},
        {"hypersd": QUICK | {"weight": 0.8}},
        {"hypersd": QUICK, **HIRES},
        {"hypersd": QUICK, "prompt": "a red circle\n<lora:hyper-sd15>", "negative_prompt": "dull"},
        {"prompt": "<lora:hyper-sd15-2step:0.9> a red circle"},
        {"hypersd": {"enabled": False}, "prompt": "a red circle <lora:hyper-sd15>"},
        {"args": [False, *PANEL[1:]], "sampler_name": "Hyper-SD TCD"},
        {"hypersd": {"steps": 99}},
        {"args": [True, "auto", "two"]},
        {"hypersd": QUICK, "override_settings": {"hypersd_policy_sd15": ["keep CFG"]}},
    ],
    ids="panel own-sampler object hires typed alias off eta bad-object bad-panel options".split(),
)
def test_a_split_batch_is_one_machines(master: Target, workers: dict[str, Client], fields: dict[str, Any]) -> None:
    split = Split(master, like(master, workers), **fields)
    split.check()
    assert split.distances() == [0, 0, 0]


@pytest.mark.parametrize("mask", [False, True])
def test_so_is_img2img(master: Target, workers: dict[str, Client], mask: bool) -> None:
    split = Split(master, like(master, workers), "img2img", hypersd=QUICK, mask=mask)
    split.check()
    assert split.distances() == [0, 0, 0]


def test_workers_of_other_hosts_plan_the_same(master: Target, workers: dict[str, Client]) -> None:
    """Their pictures are theirs: A1111 and Forge differ by 1 of 255 here."""
    split = Split(master, list(workers.values()), hypersd=QUICK)
    split.check()
    assert max(split.distances()) <= 1


def test_there_is_one_tag_whoever_planned_before(master: Target, workers: dict[str, Client]) -> None:
    """The wire has the prompt as typed; a program of somebody's may send what a plan has made of it."""
    done = master.draw(hypersd=QUICK)
    for worker in workers.values():
        again = Target(worker).draw(hypersd=QUICK, **master.pasted(done.infotext))
        assert tags(again.infotext.prompt) == [(NAME, "1")]
        assert "changes" not in " ".join(again.infotext.own())
        assert again.picture.distance(done.picture) <= 1


@pytest.mark.parametrize(
    ("label", "values", "fields"),
    [
        ("[Hyper-SD] Weight", "0.5,1.2", [{}, {}]),
        ("[Hyper-SD] Steps", "1,off", [{}, {}]),
        ("Steps", "2,3", [{"steps": 2}, {"steps": 3}]),
        ("CFG Scale", "1.5,3", [{"cfg_scale": 1.5}, {"cfg_scale": 3}]),
        ("Sampler", "Heun,Euler", [{"sampler_name": "Heun"}, {"sampler_name": "Euler"}]),
    ],
)
@pytest.mark.parametrize("args", [[QUICK], [True, NAME]], ids=["object", "panel"])
def test_a_plots_axis_holds_on_the_workers(
    master: Target, workers: dict[str, Client], label: str, values: str, fields: list[dict[str, Any]], args: list[Any]
) -> None:
    """Of a cell's batch the plot keeps the first picture only, which is the master's; so the wire itself is drawn."""
    plot: dict[str, Any] = axis(master, label, values)
    cells = master.draw(args=args, **plot).infotexts[-2:]
    worker = Target(like(master, workers)[0])
    there = [
        worker.draw(args=json.loads(cell.fields["Sent"]), **wire).infotext
        for cell, wire in zip(cells, fields, strict=True)
    ]
    ignored = {"Sent", "Lora hashes"}  # cells share the infotext's dict, and the host leaves its hashes in it
    told, wanted = ([{k: v for k, v in i.fields.items() if k not in ignored} for i in side] for side in (there, cells))
    assert told == wanted
    assert [i.prompt for i in there] == [i.prompt for i in cells]
    assert told[0] != told[1]


@pytest.fixture(scope="module")
def without_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with miniwebui("forge", "--nowebui", "--lora-dir", str(tmp_path_factory.mktemp("no-loras"))) as worker:
        yield worker


@pytest.fixture(scope="module")
def without_extension() -> Iterator[Client]:
    with miniwebui("a1111", "--nowebui", "--without-extension") as worker:
        yield worker


def test_a_worker_without_the_files_says_so(master: Target, without_files: Client) -> None:
    with master.option("distribute_to", without_files.url):
        drawn = master.draw(hypersd=QUICK, batch_size=2)
    stock = Target(without_files).draw(hypersd={"enabled": False}, seed=8)
    first, second = drawn.infotexts
    assert first.own()["Hyper-SD"] == NAME
    assert f"{NAME}.safetensors is not on this machine: nothing was changed" in second.own()["Hyper-SD notice"]
    assert drawn.pictures[1].pixels == stock.picture.pixels


def test_a_worker_without_the_extension_draws_stock_pictures(master: Target, without_extension: Client) -> None:
    with master.option("distribute_to", without_extension.url):
        drawn = master.draw(hypersd=QUICK, batch_size=2)
    stock = Target(without_extension).draw(seed=8)
    assert drawn.infotexts[0].own()["Hyper-SD"] == NAME
    assert drawn.infotexts[1].own() == {}
    assert drawn.pictures[1].pixels == stock.picture.pixels


def test_workers_take_the_masters_options_through_the_api(
    master: Target, workers: dict[str, Client], folder: Path
) -> None:
    """Each machine goes by its own options: they must be the same, also where there is no page to set them."""
    with master.option("hypersd_policy_sd15", ["keep CFG"]), master.option("hypersd_recipes", "sd15: weight 0.8"):
        apart = Split(master, list(workers.values()), hypersd=QUICK)
        saved = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        ours = {key: value for key, value in saved.items() if key.startswith("hypersd_")}
        for worker in workers.values():
            worker.post("/sdapi/v1/options", ours)
        together = Split(master, list(workers.values()), hypersd=QUICK)
    for worker in workers.values():
        worker.post("/sdapi/v1/options", {"hypersd_policy_sd15": [], "hypersd_recipes": ""})
    assert [a["Hyper-SD weight"] for a in apart.accounts()] == ["0.8", "1", "1"]
    together.check()
