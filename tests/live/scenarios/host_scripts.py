"""The hosts' own scripts around a generation: X/Y/Z plot, loopback, prompts from a file."""

from __future__ import annotations

import contextlib
from typing import Any

from ..client import Infotext
from ..published import SAMPLER, tags
from ..scenario import SkippedError, equal, scenario
from ..target import Target

LONE_IMAGES = "Include Sub Images"
"""X/Y/Z plot's argument without which reForge tells nothing of the cells."""
FIELDS = ["Hyper-SD", "Hyper-SD changes", "Hyper-SD weight"]


def script(target: Target, title: str, is_img2img: bool = False) -> list[dict[str, Any]]:
    """The arguments of a host's script."""
    for entry in target.client.get("/sdapi/v1/script-info"):
        if entry["name"].startswith(title) and entry["is_img2img"] == is_img2img and not entry["is_alwayson"]:
            return list(entry["args"])
    raise SkippedError(f"the host has no script {title}")


def axis(target: Target, label: str, values: str) -> dict[str, Any]:
    """X/Y/Z plot along one axis."""
    arguments = script(target, "x/y/z plot")
    choices = arguments[0].get("choices") or []
    if label not in choices:
        raise SkippedError(f"X/Y/Z plot has no axis {label} that the API tells")
    nothing = choices.index("Nothing")
    # An axis with a list of choices reads its list, the others their text.
    first = [choices.index(label), values, values.split(","), nothing, "", [], nothing, "", []]
    rest = [argument["label"] == LONE_IMAGES or argument["value"] for argument in arguments[len(first) :]]
    return {"script_name": "x/y/z plot", "script_args": [*first, *rest]}


def cells(target: Target, count: int, **fields: Any) -> list[dict[str, str]]:
    """The infotext fields of the plot's pictures, without the entry for the whole plot."""
    drawn = target.draw(**fields)
    return [dict(infotext.fields) for infotext in drawn.infotexts][-count:]


@scenario
def a_steps_axis_wins(target: Target) -> None:
    got = cells(target, 2, hypersd={"lora": target.quick.name}, **axis(target, "Steps", "2,3"))
    equal([cell["Steps"] for cell in got], ["2", "3"], "Steps")
    equal([cell.get("Hyper-SD") for cell in got], [target.quick.name] * 2, "Hyper-SD")


@scenario
def a_cfg_axis_wins(target: Target) -> None:
    got = cells(target, 2, hypersd={"lora": target.quick.name}, **axis(target, "CFG Scale", "1,3"))
    equal([float(cell["CFG scale"]) for cell in got], [1, 3], "CFG scale")
    equal([cell["Steps"] for cell in got], [str(target.quick.steps)] * 2, "Steps")


@scenario
def a_sampler_axis_wins(target: Target) -> None:
    got = cells(target, 2, hypersd={"lora": target.quick.name}, **axis(target, "Sampler", "Heun,Euler"))
    equal([cell["Sampler"] for cell in got], ["Heun", "Euler"], "Sampler")


@scenario
def a_schedule_axis_wins(target: Target) -> None:
    wanted, restored = ["Karras", "SGM Uniform"], contextlib.nullcontext()
    if not target.has_schedule_types:  # there the axis sets an option, which the host may leave so
        wanted, restored = ["karras", "exponential"], target.option("k_sched_type", "Automatic")
    with restored:
        got = cells(target, 2, hypersd={"lora": target.quick.name}, **axis(target, "Schedule type", ",".join(wanted)))
    equal([cell.get("Schedule type") for cell in got], wanted, "Schedule type")
    equal([cell["Sampler"] for cell in got], [SAMPLER] * 2, "Sampler")


@scenario
def our_own_axes_set_what_the_panel_sets(target: Target) -> None:
    name = target.quick.name
    for label, values, field, wanted in (
        ("Steps", "2,3", "Steps", ["2", "3"]),
        ("Weight", "0.5,auto", "Hyper-SD weight", ["0.5", f"{target.quick.weight:g}"]),
        ("Sampler", "auto,Heun", "Sampler", ["Euler", "Heun"]),
        ("LoRA", f"none,{name}", "Hyper-SD", ["none", name]),
    ):
        got = cells(target, 2, hypersd={"lora": name}, **axis(target, f"[Hyper-SD] {label}", values))
        equal([cell.get(field) for cell in got], wanted, label)
    got = cells(
        target, 2, hypersd={"lora": name}, cfg_scale=1.2, **axis(target, "[Hyper-SD] CFG policy", "clamp,recipe")
    )
    equal([float(cell["CFG scale"]) for cell in got], [1.2, 1], "CFG policy")


@scenario
def our_own_axes_need_no_ticked_panel(target: Target) -> None:
    got = cells(target, 2, **axis(target, "[Hyper-SD] LoRA", f"{target.quick.name},none"))
    equal([cell.get("Hyper-SD") for cell in got], [target.quick.name, "none"], "Hyper-SD")


@scenario
def an_off_cell_has_stock_settings(target: Target) -> None:
    drawn = target.draw(hypersd={"lora": target.quick.name}, **axis(target, "[Hyper-SD] On/Off", "On,Off"))
    equal(["Hyper-SD" in infotext.own() for infotext in drawn.infotexts][-2:], [True, False], "active")
    off, stock = drawn.infotexts[-1], target.draw().infotext
    equal((off.prompt, off.foreign()), (stock.prompt, stock.foreign()), "off")


@scenario
def a_steps_axis_has_room_for_the_stock_picture(target: Target) -> None:
    plot = axis(target, "[Hyper-SD] Steps", "2,OFF")
    drawn = target.draw(hypersd={"lora": target.quick.name}, **plot)
    equal([infotext.own().get("Hyper-SD") for infotext in drawn.infotexts][-2:], [target.quick.name, None], "Hyper-SD")
    equal(drawn.pictures[-1].pixels, target.draw().picture.pixels, "the stock picture")


@scenario
def a_stock_cell_after_others_has_the_stock_pictures_infotext(target: Target) -> None:
    stock = target.draw().infotext
    settings = {"lora": target.quick.name, "hires": "always"}
    for values in ("4,off", "off,2,OFF,3,off"):
        drawn = target.draw(hypersd=settings, **axis(target, "[Hyper-SD] Steps", values))
        cells_drawn = drawn.infotexts[-len(values.split(",")) :]
        off = [cell for cell in cells_drawn if "Hyper-SD" not in cell.own()]
        equal(len(off), values.lower().count("off"), f"{values}: stock cells")
        for cell in off:
            equal((cell.prompt, cell.foreign(), cell.own()), (stock.prompt, stock.foreign(), {}), f"{values}: off")


@scenario
def the_hosts_axis_wins_over_ours(target: Target) -> None:
    arguments = axis(target, "[Hyper-SD] Steps", "2,3")
    host = axis(target, "Steps", "4")["script_args"]
    arguments["script_args"][3:6] = host[:3]
    got = cells(target, 2, hypersd={"lora": target.quick.name}, **arguments)
    equal([cell["Steps"] for cell in got], ["4", "4"], "Steps")


@scenario
def a_prompt_axis_may_bring_an_alias(target: Target) -> None:
    alias = f"<lora:Hyper-{target.family.upper()}-2steps:0.5>"
    got = target.draw(prompt="a red circle", **axis(target, "Prompt S/R", f"red,{alias} blue"))
    active = ["Hyper-SD" in infotext.own() for infotext in got.infotexts][-2:]
    equal(active, [False, True], "active")
    # All cells share one dict of fields: what an active one wrote must not stand beside the next.
    back = target.draw(prompt=f"a red circle {alias}", **axis(target, "Prompt S/R", f"{alias},blue"))
    equal(sorted(back.infotexts[-2].own())[:1], ["Hyper-SD"], "fields of the cell with an alias")
    equal(back.infotexts[-1].own(), {}, "fields of the cell without one")


@scenario
def an_axis_leaves_nothing_for_the_next_request(target: Target) -> None:
    cells(target, 2, hypersd={"lora": target.quick.name}, **axis(target, "Steps", "3,5"))
    drawn = target.draw(fresh=True, hypersd={"lora": target.quick.name})
    equal(drawn.infotext.fields["Steps"], str(target.quick.steps), "Steps")


@scenario
def cells_of_a_plot_share_no_fields(target: Target) -> None:
    got = target.draw(hypersd={"lora": target.quick.name}, **axis(target, "Prompt S/R", "red,blue"), negative_prompt="")
    for infotext in got.infotexts[-2:]:
        equal(sorted(infotext.own()), FIELDS, "fields")
        equal(tags(infotext.prompt), tags(target.quick.tag), "tags")


@scenario
def loopback_plans_every_turn_from_the_request(target: Target) -> None:
    arguments = script(target, "loopback", is_img2img=True)
    args = [2, 0.5, "Linear", *(argument["value"] for argument in arguments[3:])]
    drawn = target.draw_over(hypersd={"lora": target.quick.name}, script_name="loopback", script_args=args)
    turns = [Infotext.read(picture.parameters) for picture in drawn.pictures[-2:]]  # a grid may stand before them
    equal(len(turns), 2, "turns")
    for infotext in turns:
        equal(tags(infotext.prompt), tags(target.quick.tag), "tags")
        equal(infotext.fields["Steps"], str(target.quick.steps), "Steps")
        equal(infotext.own().get("Hyper-SD"), target.quick.name, "Hyper-SD")
    equal(turns[1].own(), turns[0].own(), "the extension's fields of both turns")


@scenario
def prompts_from_a_file_get_a_tag_each(target: Target) -> None:
    script(target, "prompts from file")
    lines = "a red circle\na blue square"
    args = [False, False, "start", lines]
    title = next(e["name"] for e in target.client.get("/sdapi/v1/script-info") if e["name"].startswith("prompts from"))
    drawn = target.draw(prompt="", hypersd={"lora": target.quick.name}, script_name=title, script_args=args)
    wanted = [f"{line} {target.quick.tag}" for line in lines.split("\n")]
    # Some hosts put an entry for all of them in front.
    equal([i.prompt for i in drawn.infotexts][-2:], wanted, "prompts")
    equal([sorted(i.own()) for i in drawn.infotexts][-2:], [FIELDS] * 2, "fields")
