"""The LoRA beside the layers: the picture of the merge, the same words about it, and nothing left behind."""

from __future__ import annotations

from typing import Any

from ..client import Drawn
from ..closeness import far_less, mean_distance
from ..scenario import check, equal, other_picture, same_picture, scenario
from ..target import Target

BAD_SCHEDULES = ("0.5@2", "1@0.5,0@0.1", "x@1", "3@0", ",".join(["1@0"] * 17))


def drawn_by(target: Target, apply: str, **more: Any) -> Drawn:
    fields = more.pop("fields", {})
    return target.draw(hypersd={"lora": target.quick.name, "apply": apply, **more}, **fields)


def without(target: Target, **fields: Any) -> Drawn:
    """The same settings, and no LoRA."""
    return target.draw(hypersd={"lora": "none", "steps": target.quick.steps}, **fields)


@scenario
def beside_the_layers_it_draws_what_the_merge_does(target: Target) -> None:
    beside, merged = drawn_by(target, "bypass"), drawn_by(target, "host")
    far_less(beside.picture, merged.picture, without(target).picture, "bypass against host")
    equal(beside.infotext.own().get("Hyper-SD applied"), "bypass", "Hyper-SD applied")


@scenario
def its_prompt_and_hashes_are_written_as_the_host_would(target: Target) -> None:
    beside, merged = drawn_by(target, "bypass").infotext, drawn_by(target, "host").infotext
    equal(beside.prompt, merged.prompt, "prompt")
    equal(beside.foreign(), merged.foreign(), "the host's own fields")


@scenario
def off_after_it_is_as_never_installed(target: Target) -> None:
    before = target.draw()
    drawn_by(target, "bypass")
    same_picture(target.draw(fresh=True).picture, before.picture, "off")
    same_picture(drawn_by(target, "host").picture, drawn_by(target, "host").picture, "host")


@scenario
def a_schedule_that_stays_is_the_plain_weight(target: Target) -> None:
    weight = target.quick.weight
    plain = drawn_by(target, "bypass")
    same_picture(
        drawn_by(target, "auto", weight=f"{weight}@0,{weight}@1").picture, plain.picture, "a constant schedule"
    )


@scenario
def a_schedule_at_zero_is_no_lora(target: Target) -> None:
    nothing = drawn_by(target, "auto", weight="0@0,0@1")
    same_picture(nothing.picture, without(target).picture, "0@0,0@1")


@scenario
def a_schedule_changes_the_weight_from_step_to_step(target: Target) -> None:
    weight = target.quick.weight
    falling = drawn_by(target, "auto", weight=f"{weight}@0,0@1")
    other_picture(falling.picture, drawn_by(target, "bypass").picture, "falling to 0")
    other_picture(falling.picture, without(target).picture, "falling to 0")
    own = falling.infotext.own()
    equal(own["Hyper-SD weight"], f"{weight:g}@0,0@1", "Hyper-SD weight")
    equal(own["Hyper-SD applied"], "bypass", "Hyper-SD applied")


@scenario
def a_typed_schedule_is_obeyed_and_left_as_typed(target: Target) -> None:
    name, weight = target.quick.name, target.quick.weight
    prompt = target.request()["prompt"]
    typed = f"{prompt} <lora:{name}:{weight}@0,0@1>"
    drawn = target.draw(hypersd={}, prompt=typed)
    equal(drawn.infotext.prompt, typed, "prompt")
    same_picture(drawn.picture, drawn_by(target, "auto", weight=f"{weight}@0,0@1").picture, "typed and requested")


@scenario
def a_tag_in_block_weight_words_is_left_as_typed(target: Target) -> None:
    for arguments in ("0.5:IN03", "0.5:lbw=OUTALL", "0.5@0,1@0.5", "te=0.5:unet=0@0,1@1", "0.5:hr=0.4"):
        prompt = f"a cat <lora:{target.quick.name}:{arguments}>"
        equal(target.plan({}, prompt=prompt).prompt, prompt, arguments)


@scenario
def the_second_pass_may_have_a_weight_of_its_own(target: Target) -> None:
    fields = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": target.upscaler, "denoising_strength": 0.6}
    name, half = target.quick.name, target.quick.weight / 2
    own = drawn_by(target, "auto", hires_weight=half, fields=fields)
    other_picture(own.picture, drawn_by(target, "auto", fields=fields).picture, "hires weight")
    equal(own.infotext.fields["Hires prompt"].split()[-1], f"<lora:{name}:{half:g}>", "tag of the second pass")
    typed = f"{target.request()['prompt']} <lora:{name}:{target.quick.weight:g}:hr={half:g}>"
    by_tag = target.draw(hypersd={}, prompt=typed, **fields)
    effect = mean_distance(own.picture, drawn_by(target, "auto", fields=fields).picture)
    check(mean_distance(by_tag.picture, own.picture) < effect, "hr= in the tag does the same")


@scenario
def a_batch_is_drawn_as_its_pictures_one_by_one(target: Target) -> None:
    seed = target.request()["seed"]
    together = drawn_by(target, "bypass", fields={"batch_size": 2})
    apart = [drawn_by(target, "bypass", fields={"seed": seed + n, "subseed": seed + n}) for n in range(2)]
    for number, (one, alone) in enumerate(zip(together.pictures, apart, strict=True)):
        far_less(one, alone.picture, without(target, seed=seed + number).picture, f"picture {number}")


@scenario
def switching_to_and_fro_changes_nothing(target: Target) -> None:
    first = drawn_by(target, "bypass")
    if target.best.name != target.quick.name:
        target.draw(hypersd={"lora": target.best.name, "apply": "bypass"})
    drawn_by(target, "host")
    again = target.draw(hypersd={"lora": target.quick.name, "apply": "bypass"}, fresh=True)
    same_picture(again.picture, first.picture, "the first file again")


@scenario
def a_bad_schedule_changes_nothing_and_says_which(target: Target) -> None:
    stock = target.draw()
    for key in ("weight", "hires_weight"):
        for text in BAD_SCHEDULES:
            reply = target.try_to_plan({key: text})
            equal(reply.status, 422, f"{key} {text}: status")
            check(key in reply.text, f"{key} is named: {reply.text[:200]}")
    drawn = target.draw(hypersd={"weight": BAD_SCHEDULES[0]})
    same_picture(drawn.picture, stock.picture, "a bad schedule")
    check("weight" in drawn.infotext.own()["Hyper-SD error"], f"an error: {drawn.infotext.own()}")


@scenario
def an_unknown_way_to_apply_is_an_error(target: Target) -> None:
    reply = target.try_to_plan({"apply": "merge"})
    equal(reply.status, 422, "status")
    check("apply" in reply.text, reply.text[:200])
