"""CFG 1: a plan leaves the uncond out where it cannot matter, and the next run has its guidance."""

from __future__ import annotations

from ..added_sampling import HIRES, evaluations
from ..scenario import check, drawn_as_stock, equal, other_picture, same_picture, scenario
from ..target import Target


@scenario
def at_cfg_one_a_plan_evaluates_one_row_a_step(target: Target) -> None:
    quick = target.quick
    for fields in ({}, {"negative_prompt": "blur"}, HIRES):
        steps = quick.steps
        if "enable_hr" in fields:
            steps += target.plan({"lora": quick.name}, **HIRES).values["hr_second_pass_steps"] or quick.steps
        hypersd = {"lora": quick.name, "cfg": 1}
        got = evaluations(target, lambda f=fields, h=hypersd: target.draw(fresh=True, hypersd=h, **f))
        equal(got, steps, f"evaluations with {fields}")
    two = evaluations(target, lambda: target.draw(fresh=True, hypersd={"lora": quick.name}, batch_size=2))
    equal(two, 2 * quick.steps, "evaluations of a batch of two")


@scenario
def at_cfg_one_the_picture_is_the_hosts(target: Target) -> None:
    hypersd = {"lora": target.quick.name, "cfg": 1}
    for fields in ({"negative_prompt": "blur, ugly"}, {"prompt": "a red circle AND a blue square"}):
        drawn = target.draw(hypersd=hypersd, **fields)
        same_picture(target.draw_infotext(drawn.infotext).picture, drawn.picture, f"{fields}", target.tolerance)
        check("Skip Early CFG" not in drawn.infotext.fields, f"{fields}: {drawn.infotext.text}")
    if not target.is_a1111:
        return  # the others leave it out by themselves, whatever the weights
    for fields in ({"prompt": "a red circle :0.7"}, {"prompt": "a red circle AND a blue square :0.7"}):
        drawn = target.draw(hypersd=hypersd, negative_prompt="blur", **fields)
        same_picture(target.draw_infotext(drawn.infotext).picture, drawn.picture, f"{fields}: nothing is left out")
        other = target.draw(hypersd=hypersd, negative_prompt="a green square", **fields)
        other_picture(other.picture, drawn.picture, f"{fields}: the negative prompt counts")


@scenario
def after_a_run_at_cfg_one_the_next_has_its_guidance(target: Target) -> None:
    before, options = target.draw(fresh=True, negative_prompt="blur"), target.options()
    target.draw(fresh=True, hypersd={"lora": target.quick.name, "cfg": 1}, negative_prompt="blur")
    target.draw(fresh=True, hypersd={"lora": target.quick.name, "cfg": 1}, **HIRES)
    equal(target.options(), options, "options")
    after = target.draw(fresh=True, negative_prompt="blur")
    drawn_as_stock(after, before, "the next picture")
    other_picture(target.draw(negative_prompt="red").picture, after.picture, "another negative prompt")


@scenario
def at_another_cfg_a_plan_is_guided(target: Target) -> None:
    hypersd = {"lora": target.quick.name, "cfg": 1.5}
    drawn = target.draw(hypersd=hypersd, negative_prompt="blur")
    same_picture(target.draw_infotext(drawn.infotext).picture, drawn.picture, "by hand")
    other_picture(target.draw(hypersd=hypersd, negative_prompt="red").picture, drawn.picture, "negative prompts")


@scenario
def the_hosts_own_early_skip_is_left_as_it_is(target: Target) -> None:
    with target.option("skip_early_cond", 0.5):
        drawn = target.draw(hypersd={"lora": target.quick.name, "steps": 3, "cfg": 1})
        by_hand = target.draw_infotext(drawn.infotext)
        equal(drawn.infotext.fields.get("Skip Early CFG"), by_hand.infotext.fields.get("Skip Early CFG"), "the field")
        same_picture(by_hand.picture, drawn.picture, "by hand", target.tolerance)
