"""The added sampler and schedules beside other extensions' lists, and over "Reload UI"."""

from __future__ import annotations

import json
import shutil
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live.client import Drawn
from live.runner import Session
from live.scenario import SkippedError
from live.scenarios.host_scripts import axis, cells
from live.server import PROJECT, miniwebui
from live.target import Target

EXTENSIONS = Path(__file__).parent / "extensions"
TCD, ONE_STEP_UNET = "Hyper-SD TCD", "Hyper-SD 1-step UNet"
UNIFIED = "Hyper-SD15-1step-lora"
PAGE = {"sampler_name": TCD, "scheduler": "Automatic", "steps": 2, "cfg_scale": 1.0}
HIRES = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "None", "denoising_strength": 0.55}
REQUESTS: dict[str, dict[str, Any]] = {
    "the page's sampler": PAGE,
    "with its schedule by name": PAGE | {"scheduler": TCD},
    "the page's schedule": PAGE | {"sampler_name": "Euler", "scheduler": TCD},
    "the other schedule": PAGE | {"sampler_name": "Euler a", "scheduler": ONE_STEP_UNET},
    "hires": PAGE | HIRES,
    "hires alone": PAGE | HIRES | {"sampler_name": "Euler", "hr_sampler_name": TCD, "hr_scheduler": "Automatic"},
    "named in the object": {"hypersd": {"lora": "none", "sampler": TCD, "steps": 2}},
    "a schedule named in the object": {"hypersd": {"lora": "none", "scheduler": ONE_STEP_UNET, "steps": 2}},
    "the recipe": {"hypersd": {"lora": UNIFIED, "steps": 2}},
    "the recipe at one step": {"hypersd": {"lora": UNIFIED}},
}
RELOAD_S = 120
POLL_S = 0.1


def assert_same(got: Drawn, wanted: Drawn) -> None:
    assert got.picture.pixels == wanted.picture.pixels
    assert got.infotext.text == wanted.infotext.text


def with_extension(source: str, folder: Path, first: bool, **files: object) -> list[str]:
    """Arguments for a host that loads this extension before or after ours, with JSON files in its folder."""
    shutil.copytree(EXTENSIONS / source, folder / source)
    for name, content in files.items():
        (folder / source / f"{name}.json").write_text(json.dumps(content))
    order = [folder / source, PROJECT] if first else [PROJECT, folder / source]
    return ["--without-extension", *(part for path in order for part in ("--extra-extension", str(path)))]


def need_schedule_types(profile: str) -> None:
    if profile == "classic":
        pytest.skip("the host has no schedule types, whose names these are")


@pytest.fixture(scope="module")
def beside_namesakes(host_profile: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """An extension has registered a sampler and schedules of our names before us, or does so after us."""
    need_schedule_types(host_profile)
    first, when = {
        "forge": (True, "load"),
        "neo": (False, "before_ui"),
        "reforge": (True, "load"),
        "a1111": (False, "load"),
    }[host_profile]
    arguments = with_extension("namesake", tmp_path_factory.mktemp("extensions"), first, when=when)
    with miniwebui(host_profile, *arguments) as client, Session(client) as found:
        yield found


def test_a_taken_samplers_name_is_its_owners(target: Target, beside_namesakes: Target) -> None:
    """The host's list says whose it is; the picture, the infotext and the status must say the same."""
    page = PAGE | {"scheduler": "SGM Uniform"}
    drawn, ours = beside_namesakes.draw(**page), target.draw(**page)
    theirs = beside_namesakes.draw(**(page | {"sampler_name": "Their Heun"}))
    is_ours = TCD in beside_namesakes.status["samplers"]
    assert drawn.picture.pixels == (ours if is_ours else theirs).picture.pixels
    assert drawn.infotext.own() == (ours.infotext.own() if is_ours else {})


@pytest.mark.parametrize("label", [TCD, ONE_STEP_UNET])
def test_a_taken_schedules_name_is_its_owners(target: Target, beside_namesakes: Target, label: str) -> None:
    page = PAGE | {"sampler_name": "Euler", "scheduler": label}
    drawn, ours = beside_namesakes.draw(**page), target.draw(**page)
    theirs = target.draw(**(page | {"scheduler": "Exponential"}))
    is_ours = label in beside_namesakes.status["schedulers"]
    assert drawn.picture.pixels == (ours if is_ours else theirs).picture.pixels
    assert drawn.infotext.fields["Schedule type"] == label


@pytest.mark.parametrize("steps", [1, 2, 8])
def test_the_recipe_takes_nothing_of_another_extensions(target: Target, beside_namesakes: Target, steps: int) -> None:
    drawn = beside_namesakes.draw(hypersd={"lora": UNIFIED, "steps": steps})
    sampler, schedule = drawn.infotext.fields["Sampler"], drawn.infotext.fields["Schedule type"]
    wanted = target.draw(hypersd={"lora": UNIFIED, "steps": steps, "sampler": sampler, "scheduler": schedule})
    assert drawn.picture.pixels == wanted.picture.pixels
    assert (sampler, schedule) in ((TCD, TCD), (TCD, "SGM Uniform"), ("Euler", "SGM Uniform"))
    if (sampler, schedule) != (TCD, TCD):
        assert "nother extension" in drawn.infotext.own()["Hyper-SD notice"]


def test_the_one_step_unet_takes_nothing_of_another_extensions(target: Target, beside_namesakes: Target) -> None:
    on = {"override_settings": {"sd_model_checkpoint": target.checkpoint("sdxl", "1step")}}
    drawn = beside_namesakes.draw(hypersd={}, **on)
    fields = drawn.infotext.fields
    values = {"steps": int(fields["Steps"]), "sampler": fields["Sampler"], "scheduler": fields["Schedule type"]}
    assert drawn.picture.pixels == target.draw(hypersd=values, **on).picture.pixels
    assert values["scheduler"] in (ONE_STEP_UNET, "SGM Uniform")


def test_a_taken_name_in_an_object_is_no_crash(beside_namesakes: Target) -> None:
    for request in REQUESTS.values():
        assert beside_namesakes.try_to_draw(**request).status == 200


def test_a_taken_name_on_a_flow_model_stays_its_owners(beside_namesakes: Target) -> None:
    """Off is off: what is not ours is not ours to mend."""
    try:
        title = beside_namesakes.checkpoint("flux" if "Forge" in beside_namesakes.status["host"] else "sd3")
    except SkippedError as reason:
        pytest.skip(str(reason))
    if TCD in beside_namesakes.status["samplers"]:
        pytest.skip("here the name is ours")
    page = PAGE | {"scheduler": "Simple", "override_settings": {"sd_model_checkpoint": title}}
    drawn = beside_namesakes.draw(**page)
    theirs = beside_namesakes.draw(**(page | {"sampler_name": "Their Heun"}))
    assert drawn.infotext.own() == {}
    assert drawn.picture.pixels == theirs.picture.pixels


def test_who_took_our_name_keeps_its_other_sampler(target: Target, beside_namesakes: Target) -> None:
    theirs = beside_namesakes.draw(**(PAGE | {"sampler_name": "Their Heun", "scheduler": "SGM Uniform"}))
    heun = target.draw(**(PAGE | {"sampler_name": "Heun", "scheduler": "SGM Uniform"}))
    assert theirs.picture.pixels == heun.picture.pixels


def test_a_taken_name_leaves_the_lists_readable(beside_namesakes: Target) -> None:
    assert TCD in beside_namesakes.samplers
    labels = {s["label"] for s in beside_namesakes.client.get("/sdapi/v1/schedulers")}
    assert {TCD, ONE_STEP_UNET} <= labels
    assert beside_namesakes.client.send("GET", "/config").status == 200


@pytest.fixture(scope="module")
def beside_foreign_tcd(host_profile: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A schedule of another extension is called TCD by label, by alias or by inner name."""
    need_schedule_types(host_profile)
    first, how = {
        "forge": (True, {"when": "load", "name": "their_tcd", "label": "TCD", "aliases": None}),
        "neo": (False, {"when": "before_ui", "name": "theirs", "label": "Their schedule", "aliases": ["TCD"]}),
        "reforge": (False, {"when": "load", "name": "tcd", "label": "Their schedule", "aliases": None}),
        "a1111": (True, {"when": "before_ui", "name": "TCD", "label": "TCD", "aliases": ["TCD"]}),
    }[host_profile]
    arguments = with_extension("foreign-tcd", tmp_path_factory.mktemp("extensions"), first, how=how)
    with miniwebui(host_profile, *arguments) as client, Session(client) as found:
        yield found


@pytest.mark.parametrize("name", [*REQUESTS, "another schedule"])
def test_a_foreign_schedule_named_tcd_takes_no_sampler_away(
    target: Target, beside_foreign_tcd: Target, name: str
) -> None:
    request = REQUESTS.get(name, PAGE | {"scheduler": "SGM Uniform"})
    assert_same(beside_foreign_tcd.draw(**request), target.draw(**request))


def test_a_foreign_schedule_named_tcd_is_still_its_owners(target: Target, beside_foreign_tcd: Target) -> None:
    labels = [s["label"] for s in beside_foreign_tcd.client.get("/sdapi/v1/schedulers")]
    label = next(label for label in labels if label in ("TCD", "Their schedule"))
    theirs = beside_foreign_tcd.draw(**(PAGE | {"sampler_name": "Euler", "scheduler": label}))
    exponential = target.draw(**(PAGE | {"sampler_name": "Euler", "scheduler": "Exponential"}))
    assert theirs.picture.pixels == exponential.picture.pixels
    assert theirs.infotext.fields["Schedule type"] == label


def test_a_plot_beside_a_foreign_schedule_named_tcd_has_our_sampler(beside_foreign_tcd: Target) -> None:
    plot = axis(beside_foreign_tcd, "Sampler", f"{TCD},Euler")
    assert [c["Sampler"] for c in cells(beside_foreign_tcd, 2, **PAGE, **plot)] == [TCD, "Euler"]


def test_an_infotext_beside_a_foreign_schedule_named_tcd_brings_our_sampler_back(beside_foreign_tcd: Target) -> None:
    drawn = beside_foreign_tcd.draw(**PAGE)
    again = beside_foreign_tcd.draw_infotext(drawn.infotext)
    assert again.picture.pixels == drawn.picture.pixels
    assert again.infotext.fields["Sampler"] == TCD


@pytest.fixture(scope="module", params=["forge", "a1111"])
def reloading(request: pytest.FixtureRequest) -> Iterator[Target]:
    with miniwebui(request.param, "--extra-extension", str(EXTENSIONS / "reloader")) as client, Session(client) as host:
        yield host


def reload_page(host: Target) -> Target:
    """Press "Reload UI" and wait until the page is there again."""
    loads = host.client.get("/reloader")
    host.client.post("/reloader", {})
    end = time.monotonic() + RELOAD_S
    while time.monotonic() < end:
        try:
            if host.client.send("GET", "/reloader").text == str(loads + 1):
                return Target(host.client)
        except (urllib.error.URLError, OSError):
            pass  # the server is down for a moment
        time.sleep(POLL_S)
    raise AssertionError("the page did not come back")


def test_reloading_the_page_registers_everything_once(reloading: Target) -> None:
    host, before = reloading, {name: reloading.draw(**request) for name, request in REQUESTS.items()}
    lists = [host.client.get(f"/sdapi/v1/{path}") for path in ("samplers", "schedulers")]
    stock, status = host.draw(negative_prompt="blur"), host.client.get("/hypersd/v1/status")
    for _ in range(2):
        host = reload_page(host)
        assert [host.client.get(f"/sdapi/v1/{path}") for path in ("samplers", "schedulers")] == lists
        assert host.client.get("/hypersd/v1/status") == status
        for name, request in REQUESTS.items():
            assert_same(host.draw(**request), before[name])
        assert_same(host.draw(negative_prompt="blur"), stock)


def test_after_a_reload_a_run_still_evaluates_once_a_step(reloading: Target) -> None:
    host = reload_page(reloading)
    for _ in range(2):
        count = host.client.get("/miniwebui/v1/stats")["evaluations"]
        host.draw(fresh=True, hypersd={"lora": "none", "steps": 2, "cfg": 1})
        assert host.client.get("/miniwebui/v1/stats")["evaluations"] - count == 2
        host.draw(fresh=True, negative_prompt="blur")
        assert host.client.get("/miniwebui/v1/stats")["evaluations"] - count == 2 + 2 * 3
