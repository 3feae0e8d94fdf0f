"""The infotext: its fields, the way back into a stock host, grids and PNG info."""

from __future__ import annotations

import re

from ..client import Drawn, Infotext
from ..published import SAMPLER, SCHEDULER, tags
from ..scenario import SkippedError, check, equal, near, only_fields, same_picture, scenario
from ..target import Target

FIELDS = ["Hyper-SD", "Hyper-SD changes", "Hyper-SD weight"]


@scenario
def an_active_run_tells_name_weight_and_changes(target: Target) -> None:
    drawn = target.draw(hypersd={"lora": target.quick.name})
    only_fields(drawn, FIELDS, "an active run")
    own = drawn.infotext.own()
    equal(own["Hyper-SD"], target.quick.name, "Hyper-SD")
    near(float(own["Hyper-SD weight"]), target.quick.weight, "Hyper-SD weight")
    check('Hyper-SD changes: "' in drawn.infotext.text, "the changes are quoted")
    for word in ("steps", "CFG", "Euler", "SGM Uniform", target.quick.tag):
        changes = own["Hyper-SD changes"]  # a sampler that brings the schedule is "Euler SGMUniform"
        found = word.lower().replace(" ", "") in changes.lower().replace(" ", "")
        check(found, f"{word} is among the changes: {changes}")


@scenario
def every_change_names_where_from_where_to_and_why(target: Target) -> None:
    plan = target.plan({"lora": target.quick.name})
    check(plan.changes, "there are changes")
    wanted = {"steps", "cfg_scale", "sampler_name", *(["scheduler"] if target.has_schedule_types else [])}
    equal(wanted - {c.field for c in plan.changes}, set(), "fields that are not told")
    check(all(c.reason for c in plan.changes), f"a reason each: {plan.changes}")
    steps = next(c for c in plan.changes if c.field == "steps")
    equal((steps.old, steps.new), (target.request()["steps"], target.quick.steps), "steps from, to")
    text = target.draw(hypersd={"lora": target.quick.name}).infotext.own()["Hyper-SD changes"]
    missing = [c.reason for c in plan.changes if c.reason not in text]
    equal(missing, [], "reasons that the infotext leaves out")


@scenario
def what_did_not_change_is_not_listed(target: Target) -> None:
    same = {"steps": target.quick.steps, "sampler_name": SAMPLER, "scheduler": SCHEDULER}
    plan = target.plan({"lora": target.quick.name}, **same)
    equal([c.field for c in plan.changes if c.field in ("steps", "sampler_name")], [], "changes of equal values")


@scenario
def a_negative_prompt_without_effect_gets_a_notice(target: Target) -> None:
    drawn = target.draw(hypersd={"lora": target.quick.name}, negative_prompt="blurry, ugly")
    check("negative" in drawn.infotext.own().get("Hyper-SD notice", "").lower(), "a notice on the negative prompt")
    equal(drawn.infotext.negative_prompt, "blurry, ugly", "negative prompt")
    without = target.draw(hypersd={"lora": target.quick.name})
    check("Hyper-SD notice" not in without.infotext.own(), "no notice without a negative prompt")


@scenario
def a_stock_host_redraws_it_from_the_infotext(target: Target) -> None:
    drawn = target.draw(hypersd={"enabled": True})
    again = target.draw_infotext(drawn.infotext)
    same_picture(again.picture, drawn.picture, "from the infotext, off", target.tolerance)
    only_fields(again, [], "from the infotext, off")


@scenario
def a_stock_host_redraws_explicit_values_from_the_infotext(target: Target) -> None:
    values = {"lora": target.quick.name, "steps": 3, "weight": 0.625, "cfg": 1.5, "sampler": "Heun"}
    prompt = 'a "red" circle, (green:1.2) \\(x\\)\nBREAK blue'
    drawn = target.draw(hypersd=values | {"scheduler": "keep"}, negative_prompt="blurry", prompt=prompt)
    again = target.draw_infotext(drawn.infotext)
    same_picture(again.picture, drawn.picture, "from the infotext, off", target.tolerance)


def needs_infotext_field(target: Target) -> None:
    """Skip where the host's API takes no infotext, or fails at every one by itself (Forge on gradio 4)."""
    if not target.has_field("infotext"):
        raise SkippedError("the host's txt2img takes no infotext")
    reply = target.client.send("POST", "/sdapi/v1/txt2img", {"infotext": "a\nSteps: 1", "width": 64, "height": 64})
    if reply.status == 500 and "parameterized generic" in reply.text:
        raise SkippedError("the host's own infotext field answers 500, with or without extensions")


@scenario
def the_hosts_own_infotext_field_redraws_it(target: Target) -> None:
    needs_infotext_field(target)
    drawn = target.draw(hypersd={"lora": target.quick.name})
    pasted = target.draw_by_infotext_field(drawn)
    same_picture(pasted.picture, drawn.picture, "pasted", target.tolerance)
    equal(tags(pasted.infotext.prompt), tags(drawn.infotext.prompt), "tags, once")


@scenario
def pasting_fills_the_panel_again(target: Target) -> None:
    needs_infotext_field(target)
    drawn = target.draw(hypersd={"lora": target.quick.name, "steps": 3})
    request = {"infotext": drawn.infotext.text, "prompt": "a blue square", "steps": 20, "cfg_scale": 7}
    pasted = Drawn.read(target.client.post("/sdapi/v1/txt2img", request | {"save_images": False}))
    equal(pasted.infotext.own().get("Hyper-SD"), target.quick.name, "Hyper-SD")
    equal(pasted.infotext.fields["Steps"], "3", "Steps")
    equal(tags(pasted.infotext.prompt), tags(target.quick.tag), "tags")


@scenario
def a_stock_infotext_turns_nothing_on(target: Target) -> None:
    needs_infotext_field(target)
    stock = target.draw(prompt=f"a red circle {target.quick.tag}")
    request = {"infotext": stock.infotext.text, "save_images": False}
    pasted = Drawn.read(target.client.post("/sdapi/v1/txt2img", request))
    equal(pasted.infotext.own(), {}, "the extension's fields")
    same_picture(pasted.picture, stock.picture, "pasted")


@scenario
def png_info_gives_the_infotext_back(target: Target) -> None:
    drawn = target.draw(hypersd={"lora": target.quick.name}, negative_prompt="blurry")
    equal(drawn.picture.parameters, drawn.infotext.text, "the text inside the PNG")
    answer = target.client.post("/sdapi/v1/png-info", {"image": "data:image/png;base64," + drawn.picture.file})
    equal(answer["info"], drawn.infotext.text, "png-info")
    own = Infotext.read(answer["info"]).own()
    equal(own, drawn.infotext.own(), "the extension's fields")


@scenario
def every_picture_of_a_batch_tells_its_own(target: Target) -> None:
    drawn = target.draw(hypersd={"lora": target.quick.name}, batch_size=2, n_iter=2)
    equal(len(drawn.pictures), 4, "pictures")
    equal(len({p.pixels for p in drawn.pictures}), 4, "different pictures")
    for infotext in drawn.infotexts:
        equal(sorted(infotext.own()), FIELDS, "fields")
        equal(tags(infotext.prompt), tags(target.quick.tag), "tags")
    same_picture(drawn.pictures[0], target.draw(hypersd={"lora": target.quick.name}).picture, "first of the batch", 1)


@scenario
def the_grid_tells_the_same(target: Target) -> None:
    # The hosts make a grid only where they may save it, so saving is switched off by their own options.
    with target.option("samples_save", False), target.option("grid_save", False):
        drawn = target.draw(hypersd={"lora": target.quick.name}, batch_size=2, n_iter=2, save_images=True)
    if drawn.grid is None:
        raise SkippedError("the host returns no grid")
    grid = Infotext.read(drawn.grid.parameters)
    equal(grid.prompt, drawn.infotext.prompt, "the grid's prompt")
    equal(grid.own(), drawn.infotext.own(), "the grid's fields")
    equal(grid.fields["Steps"], drawn.infotext.fields["Steps"], "the grid's steps")


@scenario
def the_infotext_stays_one_line_of_fields(target: Target) -> None:
    drawn = target.draw(hypersd={"lora": "no such\nfile, Steps: 5"})
    last = drawn.infotext.text.split("\n")[-1]
    check(re.match(r"Steps: \d+, ", last), f"last line of the infotext: {last[:200]}")
    equal(int(drawn.infotext.fields["Steps"]), target.request()["steps"], "Steps")
