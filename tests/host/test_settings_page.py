"""The options of the settings page, set as a person sets them: what they make of pictures, infotexts and the page."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live.runner import Session
from live.scenarios.host_scripts import axis
from live.server import PROJECT, miniwebui
from live.target import STOCK_STEPS, Target
from test_other_extensions import ORDER

EXTENSIONS = Path(__file__).parent / "extensions"
NEIGHBOURS = ("under-the-picture", "early-meddler")
NAME = "Hyper-SD15-2steps-lora"
QUICK = {"lora": NAME}
REFUSED = {"lora": "Hyper-SDXL-8steps-lora"}
STOPPED = "The generation was stopped, as Settings > Hyper-SD asks."


@pytest.fixture(scope="module", params=["forge", "a1111"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("extensions")
    shutil.copytree(EXTENSIONS, folder, dirs_exist_ok=True)
    (folder / "early-meddler" / "metadata.ini").write_text(ORDER.format(folder=PROJECT.name.lower()))
    extra = [part for name in NEIGHBOURS for part in ("--extra-extension", str(folder / name))]
    with miniwebui(request.param, *extra) as client, Session(client) as target:
        yield target


def overriding(**options: Any) -> dict[str, Any]:
    return {"override_settings": {f"hypersd_{name}": value for name, value in options.items()}}


def under_the_picture(host: Target) -> str:
    return "\n".join(host.client.get("/under-the-picture"))


def test_the_options_have_their_defaults_where_no_config_is_saved(host: Target) -> None:
    wanted = {f"hypersd_policy_{family}": [] for family in ("sd15", "sdxl", "sd3", "flux")}
    wanted |= {"hypersd_recipes": "", "hypersd_notices": True, "hypersd_stop": False, "hypersd_remember": False}
    assert {name: host.option_value(name) for name in wanted} == wanted


# Policies and recipes


def test_a_policy_keeps_what_the_request_has(host: Target) -> None:
    plain = host.draw(hypersd=QUICK)
    with host.option("hypersd_policy_sd15", ["keep sampler and schedule", "keep steps"]):
        drawn, by_name = host.draw(hypersd=QUICK), host.draw(hypersd=QUICK | {"sampler": "auto", "steps": "auto"})
        planned = host.plan(QUICK)
    assert (drawn.infotext.fields["Sampler"], drawn.infotext.fields["Steps"]) == ("Euler a", str(STOCK_STEPS))
    assert (planned.values["sampler_name"], planned.values["steps"]) == ("Euler a", STOCK_STEPS)
    assert (by_name.infotext.fields["Sampler"], by_name.infotext.fields["Steps"]) == ("Euler", "2")
    assert drawn.picture.distance(plain.picture) > 0
    again = host.draw_infotext(drawn.infotext)
    assert again.picture.distance(drawn.picture) <= host.tolerance


def test_a_policy_holds_for_the_panel_and_for_a_tag(host: Target) -> None:
    with host.option("hypersd_policy_sd15", ["keep CFG"]):
        panel = host.draw(args=[True, NAME], cfg_scale=1.9)
        tag = host.draw(prompt="a red circle <lora:Hyper-SD15-2steps>", cfg_scale=1.9)
    for drawn in (panel, tag):
        assert float(drawn.infotext.fields["CFG scale"]) == 1.9
        assert drawn.infotext.fields["Steps"] == "2"


def test_an_axis_of_ours_comes_before_a_policy(host: Target) -> None:
    with host.option("hypersd_policy_sd15", ["keep CFG"]):
        drawn = host.draw(hypersd=QUICK, cfg_scale=1.9, **axis(host, "[Hyper-SD] CFG policy", "clamp,keep"))
    assert [float(infotext.fields["CFG scale"]) for infotext in drawn.infotexts[-2:]] == [1.0, 1.9]


def test_a_policy_turns_hires_on(host: Target) -> None:
    with host.option("hypersd_policy_sd15", ["hires always"]):
        assert host.draw(hypersd=QUICK).picture.size[0] > host.size
        assert host.draw(hypersd=QUICK | {"hires": "tune"}).picture.size[0] == host.size
        assert host.draw(hypersd={"enabled": False}).picture.size[0] == host.size


def test_a_policy_given_with_the_request_holds_for_it_alone(host: Target) -> None:
    drawn = host.draw(hypersd=QUICK, **overriding(policy_sd15=["keep steps"]))
    assert drawn.infotext.fields["Steps"] == str(STOCK_STEPS)
    assert host.draw(fresh=True, hypersd=QUICK).infotext.fields["Steps"] == "2"


def test_contradictory_ticks_are_told(host: Target) -> None:
    drawn = host.draw(hypersd=QUICK, cfg_scale=1.4, **overriding(policy_sd15=["keep CFG", "recipe CFG"]))
    assert float(drawn.infotext.fields["CFG scale"]) == 1.4
    assert '"recipe CFG" contradicts "keep CFG"' in drawn.infotext.own()["Hyper-SD notice"]


def test_a_recipe_of_ones_own(host: Target) -> None:
    plain = host.draw(hypersd=QUICK)
    with host.option("hypersd_recipes", f"sd15: cfg 1.25, range 1.2-1.3\n{NAME}: weight 0.75\nsdlx: weight 2"):
        drawn, planned = host.draw(hypersd=QUICK), host.plan(QUICK)
        catalog = {v["name"]: v["recipe"] for v in host.client.get("/hypersd/v1/catalog")["variants"]}
    assert drawn.infotext.own()["Hyper-SD weight"] == "0.75"
    assert f"<lora:{NAME}:0.75>" in drawn.infotext.prompt
    assert float(drawn.infotext.fields["CFG scale"]) == 1.25
    assert '"sdlx" is no LoRA file' in drawn.infotext.own()["Hyper-SD notice"]
    assert drawn.picture.distance(plain.picture) > 0
    assert (planned.weight, planned.values["cfg_scale"]) == (0.75, 1.25)
    assert (catalog[NAME]["weight"], catalog[NAME]["cfg"]) == (0.75, {"value": 1.25, "low": 1.2, "high": 1.3})
    assert catalog["Hyper-SD15-8steps-lora"]["weight"] == 1


def test_a_bad_line_is_told_in_the_infotext(host: Target) -> None:
    drawn = host.draw(hypersd=QUICK, **overriding(recipes="sd15: weight 0.5, cgf 1"))
    assert drawn.infotext.own()["Hyper-SD weight"] == "1"
    notice = drawn.infotext.own()["Hyper-SD notice"]
    assert 'line 1, "sd15: weight 0.5, cgf 1": "cgf 1" is no value of a recipe; those are weight, cfg' in notice


@pytest.mark.parametrize("junk", [None, "keep steps", 7, [None, 3, {"a": 1}]])
def test_a_broken_config_never_costs_the_picture(host: Target, junk: Any) -> None:
    drawn = host.draw(hypersd=QUICK, **overriding(policy_sd15=junk, recipes=junk, notices=junk, stop=junk))
    assert drawn.infotext.own().get("Hyper-SD") == NAME


# Notices


def test_notices_show_under_the_picture_unless_switched_off(host: Target) -> None:
    ugly = {"hypersd": QUICK | {"cfg": 9}, "negative_prompt": "blur"}
    shown = host.draw(fresh=True, **ugly)
    assert "CFG 9 is outside" in under_the_picture(host)
    with host.option("hypersd_notices", False):
        hidden = host.draw(fresh=True, **ugly)
        assert under_the_picture(host) == ""
        host.draw(fresh=True, hypersd={"steps": 99})
        assert under_the_picture(host) == ""
        host.draw(fresh=True, prompt=f"a red circle <lora:{NAME}:1>")
        assert under_the_picture(host) == "", "no hint either"
    assert hidden.infotext.fields == shown.infotext.fields
    host.draw(fresh=True, prompt=f"a red circle <lora:{NAME}:1>")
    assert "tick Hyper-SD" in under_the_picture(host)


# Stopping


REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"hypersd": REFUSED}, "is for SDXL"),
    ({"hypersd": {"steps": 99}}, "Hyper-SD error"),
    ({"args": [True, "no such file"]}, "Hyper-SD error"),
    ({"prompt": "a red circle <lora:Hyper-SDXL>"}, "is for SDXL"),
    ({"hypersd": QUICK, "prompt": "a red circle broken-field steps"}, "met a fault"),
]


@pytest.mark.parametrize(("fields", "why"), REFUSALS)
def test_what_can_not_be_applied_is_stopped_and_says_why(host: Target, fields: dict[str, Any], why: str) -> None:
    assert host.draw(**fields).pictures, "drawn as stock where the option is off"
    before = host.draw(fresh=True)
    with host.option("hypersd_stop", True):
        drawn = host.draw(fresh=True, n_iter=2, batch_size=2, save_images=True, do_not_save_grid=False, **fields)
        after = host.draw(fresh=True)
    assert (drawn.pictures, drawn.grid) == ((), None)
    assert STOPPED in drawn.infotext.own()["Hyper-SD notice"]
    assert why in drawn.infotext.text
    assert {"Hyper-SD", "Hyper-SD weight"}.isdisjoint(drawn.infotext.own())
    assert after.picture.pixels == before.picture.pixels
    assert after.infotext.fields == before.infotext.fields


STOCK: list[dict[str, Any]] = [
    {},
    {"hypersd": {"enabled": False}},
    {"hypersd": {"enabled": False, "steps": 99}},
    {"hypersd": QUICK},
    {"prompt": f"a red circle <lora:{NAME}:1>"},
    {"prompt": "a red circle <lora:style:1>"},
    {"args": [False, "auto", "auto", "auto", *["clamp"] * 2, "auto", "auto", "tune", *["auto"] * 4, "x"]},
]


@pytest.mark.parametrize("fields", STOCK)
def test_what_is_off_or_can_be_applied_is_not_stopped(host: Target, fields: dict[str, Any]) -> None:
    with host.option("hypersd_stop", True):
        drawn = host.draw(fresh=True, **fields)
    assert len(drawn.pictures) == 1
    assert drawn.infotext.fields == host.draw(fresh=True, **fields).infotext.fields


def test_img2img_is_stopped_too(host: Target) -> None:
    drawn = host.draw_over(hypersd=REFUSED, **overriding(stop=True))
    assert drawn.pictures == ()
    assert STOPPED in drawn.infotext.own()["Hyper-SD notice"]


def test_a_lone_pictures_grid_does_not_fail_where_there_is_no_picture(host: Target) -> None:
    with host.option("grid_only_if_multiple", False), host.option("grid_save", False):
        lone = {"save_images": True, "do_not_save_grid": False}
        drawn = host.draw(fresh=True, hypersd=REFUSED, **lone, **overriding(stop=True))
    assert (drawn.pictures, drawn.grid) == ((), None)


def plot_of(host: Target, loras: list[str]) -> list[str | None]:
    """The infotexts of a plot along our axis: the grid's, then each cell's, None for a black one."""
    plot = axis(host, "[Hyper-SD] LoRA", ",".join(loras))
    info = json.loads(host.client.post("/sdapi/v1/txt2img", host.request(**plot))["info"])
    texts: list[str | None] = info["infotexts"]
    return texts


def test_a_plot_ends_with_the_first_cell_that_can_not_be_drawn(host: Target) -> None:
    refused = REFUSED["lora"]
    assert None not in plot_of(host, [NAME, refused, NAME])
    with host.option("hypersd_stop", True):
        texts = plot_of(host, [NAME, refused, NAME])
        assert [text and f"Hyper-SD: {NAME}" in text for text in texts] == [True, True, None, None]
        texts = plot_of(host, [refused, NAME])
        assert STOPPED in str(texts[0])
        assert texts[1:] == [None, None]
        assert host.draw(fresh=True, hypersd=QUICK).infotext.own()["Hyper-SD"] == NAME


def test_loopback_ends_at_once(host: Target) -> None:
    with host.option("hypersd_stop", True):
        loop = {"script_name": "loopback", "script_args": [3, 0.5, "Linear"]}
        body = host.request(init_images=[host.draw().picture.file], hypersd=REFUSED, **loop)
        reply = host.client.send("POST", "/sdapi/v1/img2img", body)
        assert (reply.status, reply.json()["images"]) == (200, [])
        body |= {"alwayson_scripts": {"Hyper-SD": {"args": [QUICK]}}}
        assert len(host.client.post("/sdapi/v1/img2img", body)["images"]) >= 3
