"""The settings page's options, given with a request: they hold for it, and for it alone."""

from __future__ import annotations

from typing import Any

from ..scenario import check, equal, near, other_picture, same_picture, scenario
from ..target import STOCK_STEPS, Target

STOPPED = "The generation was stopped"
FAMILY_OF_OTHERS = {"sd15": "Hyper-SDXL-8steps-lora", "sdxl": "Hyper-SD15-8steps-lora"}


def options(**values: Any) -> dict[str, Any]:
    return {"override_settings": {f"hypersd_{name}": value for name, value in values.items()}}


def policy(target: Target, *words: str) -> dict[str, Any]:
    return options(**{f"policy_{target.family}": list(words)})


@scenario
def a_policy_says_what_a_default_means(target: Target) -> None:
    wish = {"lora": target.quick.name}
    drawn = target.draw(hypersd=wish, **policy(target, "keep steps", "keep sampler and schedule"))
    fields = drawn.infotext.fields
    equal((fields["Steps"], fields["Sampler"]), (str(STOCK_STEPS), "Euler a"), "steps and sampler")
    near(float(fields["CFG scale"]), 1, "CFG, for which nothing is ticked")
    same_picture(target.draw_infotext(drawn.infotext).picture, drawn.picture, "from the infotext", target.tolerance)
    plain = target.draw(fresh=True, hypersd=wish)
    equal(plain.infotext.fields["Steps"], str(target.quick.steps), "the next request's steps")


@scenario
def what_is_given_by_name_comes_before_a_policy(target: Target) -> None:
    wish = {"lora": target.quick.name, "steps": "auto", "cfg": "clamp"}
    drawn = target.draw(hypersd=wish, **policy(target, "keep steps", "keep CFG"))
    same_picture(drawn.picture, target.draw(hypersd=wish).picture, "the policy aside")


@scenario
def a_policy_holds_for_a_tag(target: Target) -> None:
    prompt = f"a red circle <lora:{target.quick.name.removesuffix('-lora')}>"
    drawn = target.draw(prompt=prompt, cfg_scale=1.9, **policy(target, "keep CFG"))
    near(float(drawn.infotext.fields["CFG scale"]), 1.9, "CFG scale")
    equal(drawn.infotext.own().get("Hyper-SD"), target.quick.name, "Hyper-SD")


@scenario
def a_recipe_of_ones_own_is_used_and_a_bad_line_is_told(target: Target) -> None:
    wish, name = {"lora": target.quick.name}, target.quick.name
    lines = f"{name}: weight 0.5\n{target.family}: cfg 1.25, range 1.2-1.3\n{target.family}: weight 9"
    drawn = target.draw(hypersd=wish, **options(recipes=lines))
    own = drawn.infotext.own()
    equal(own["Hyper-SD weight"], "0.5", "weight")
    near(float(drawn.infotext.fields["CFG scale"]), 1.25, "CFG scale")
    check("line 3" in own["Hyper-SD notice"] and "-2 to 2" in own["Hyper-SD notice"], f"the line is told: {own}")
    other_picture(drawn.picture, target.draw(hypersd=wish).picture, "by the published recipe")


@scenario
def what_can_not_be_applied_is_stopped_where_that_is_asked_for(target: Target) -> None:
    target.need_family(*FAMILY_OF_OTHERS)
    target.variant(FAMILY_OF_OTHERS[target.family])
    refused = {"lora": FAMILY_OF_OTHERS[target.family]}
    before = target.draw(fresh=True)
    for wish, field in ((refused, "Hyper-SD notice"), ({"steps": 99}, "Hyper-SD error")):
        drawn = target.draw(fresh=True, hypersd=wish, n_iter=2, **options(stop=True))
        equal(len(drawn.pictures), 0, f"pictures for {wish}")
        own = drawn.infotext.own()
        check(STOPPED in own["Hyper-SD notice"] and field in own, f"the infotext says why: {own}")
    after = target.draw(fresh=True)
    same_picture(after.picture, before.picture, "the next request")
    equal(after.infotext.fields, before.infotext.fields, "the next request's infotext")
    equal(
        len(target.draw(hypersd={"lora": target.quick.name}, **options(stop=True)).pictures), 1, "what can be applied"
    )
