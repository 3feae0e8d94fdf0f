"""Where the added sampler and schedules cannot be used: flow models, more than 50 steps, none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..added_sampling import (
    BY_PAGE,
    HIRES,
    MOST_STEPS,
    ONE_STEP_UNET,
    TCD,
    counts,
    named,
    need_noise_levels,
    unified,
)
from ..client import Drawn
from ..published import SAMPLER, SCHEDULER
from ..scenario import SkippedError, check, drawn_as_stock, equal, only_fields, same_picture, scenario
from ..target import Target
from .families import with_checkpoint
from .image_to_image import settled

GIVEN_WAY = ("Hyper-SD changes", "Hyper-SD notice")
"""Fields where the page's sampler or schedule could not draw: what was taken instead, and why."""


def on_flow(target: Target) -> Iterator[dict[str, Any]]:
    """Requests on the flow checkpoints that the target has."""
    found = False
    for family, word in (("flux", ""), ("sd3", ""), ("sdxl", "rectified"), ("mugen", "")):
        if word and "neo" not in str(target.status["host"]).lower():
            continue  # elsewhere it is a plain SDXL
        try:
            title = target.checkpoint(family, word)
        except SkippedError:
            continue
        found = True
        yield with_checkpoint(title)
    if not found:
        raise SkippedError("the target has no flow checkpoint")


@scenario
def named_on_a_flow_model_nothing_changes_and_a_notice_says_so(target: Target) -> None:
    for on in on_flow(target):
        stock = target.draw(**on)
        for hypersd in ({"sampler": TCD}, {"scheduler": TCD}, {"scheduler": ONE_STEP_UNET}):
            drawn = target.draw(hypersd=hypersd, **on)
            drawn_as_stock(drawn, stock, f"{hypersd} {on}")
            only_fields(drawn, ["Hyper-SD notice"], f"{hypersd} {on}")
        for hypersd in ({"sampler": TCD, "hires": "always"}, {"lora": "none", "scheduler": ONE_STEP_UNET}):
            plan = target.plan(hypersd, **on)
            equal([c.field for c in plan.changes], [], f"{hypersd} {on}: changes")
            check(plan.notices, f"{hypersd} {on}: a notice")


@scenario
def chosen_in_the_page_on_a_flow_model_euler_draws_and_a_notice_says_so(target: Target) -> None:
    for on in on_flow(target):
        for page, stock in (
            ({"sampler_name": TCD, "scheduler": "Automatic"}, ("Euler", SCHEDULER)),
            ({"sampler_name": TCD, "scheduler": TCD}, ("Euler", SCHEDULER)),
            ({"sampler_name": TCD, "scheduler": "Simple"}, ("Euler", "Simple")),
            ({"sampler_name": "Euler a", "scheduler": ONE_STEP_UNET}, ("Euler a", SCHEDULER)),
        ):
            wanted = target.draw(sampler_name=stock[0], scheduler=stock[1], **on)
            not_black(wanted, f"{stock} {on}")
            for fields in ({}, {"hypersd": {"enabled": False}}):
                drawn = target.draw(**page, **fields, **on)
                drawn_as_stock(drawn, wanted, f"{page} {fields} {on}")
                only_fields(drawn, GIVEN_WAY, f"{page} {fields} {on}")


def not_black(drawn: Drawn, what: str) -> None:
    """What a picture is whose noise levels are no numbers."""
    check(any(drawn.picture.pixels), f"{what}: the picture is black")


@scenario
def a_refusal_on_a_flow_model_costs_no_picture(target: Target) -> None:
    page = {"sampler_name": TCD, "scheduler": "Automatic"}
    for on in on_flow(target):
        wanted = target.draw(sampler_name="Euler", scheduler=SCHEDULER, **on)
        # A file that is not here, or one of another family; a key that nobody knows.
        for hypersd in ({"lora": "Hyper-SD15-12steps-CFG-lora"}, {"sampler": TCD}, {"no_such_key": 1}):
            drawn = target.draw(**page, hypersd=hypersd, **on)
            drawn_as_stock(drawn, wanted, f"{hypersd} {on}")
            not_black(drawn, f"{hypersd} {on}")
            said = " ".join(drawn.infotext.own().values()).lower()
            check("taken instead: sampler euler" in said, f"{hypersd} {on}: {said}")
            check("nothing was changed" not in said, f"{hypersd} {on}: {said}")
            check("nothing else was changed" in said, f"{hypersd} {on}: {said}")


@scenario
def chosen_for_the_second_pass_on_a_flow_model_euler_draws_it(target: Target) -> None:
    target.need_field("hr_sampler_name")
    page = HIRES | {"sampler_name": "Euler", "scheduler": "Simple"}
    for on in on_flow(target):
        wanted = target.draw(**page, hr_sampler_name="Euler", hr_scheduler=SCHEDULER, **on)
        drawn = target.draw(**page, hr_sampler_name=TCD, hr_scheduler="Automatic", **on)
        not_black(drawn, f"the second pass {on}")
        same_picture(drawn.picture, wanted.picture, f"the second pass {on}")
        only_fields(drawn, GIVEN_WAY, f"the second pass {on}")


@scenario
def the_recipe_on_a_flow_model_replaces_the_pages_sampler(target: Target) -> None:
    for on in on_flow(target):
        plan = target.plan({}, sampler_name=TCD, scheduler=TCD, **on)
        if plan.lora is None:
            continue
        equal((plan.values["sampler_name"], plan.values["scheduler"]), (SAMPLER, SCHEDULER), f"{on}")
        drawn = target.draw(hypersd={}, sampler_name=TCD, scheduler=TCD, **on)
        equal(named(drawn), (SAMPLER, SCHEDULER), f"{on}: drawn")
        says = drawn.infotext.own().get("Hyper-SD notice", "")
        check(TCD not in says, f"a false notice: {says}")


@scenario
def more_than_fifty_steps_by_the_object_change_nothing(target: Target) -> None:
    need_noise_levels(target)
    unet = {"sampler": "Euler a", "scheduler": ONE_STEP_UNET}
    for hypersd in ({"sampler": TCD, "steps": "keep"}, unet | {"steps": "keep"}):
        fits, too_long = target.plan(hypersd, steps=MOST_STEPS), target.plan(hypersd, steps=MOST_STEPS + 1)
        check(fits.active and fits.changes, f"{hypersd}: {MOST_STEPS} steps are planned: {fits.notices}")
        equal([c.field for c in too_long.changes], [], f"{hypersd}: changes at {MOST_STEPS + 1} steps")
        check("50" in too_long.notice, f"{hypersd}: the notice names the most: {too_long.notices}")


@scenario
def a_second_pass_of_more_than_fifty_steps_by_the_object_is_not_ours(target: Target) -> None:
    need_noise_levels(target)
    target.need_field("hr_sampler_name")
    hires = HIRES | {"denoising_strength": 0.5}
    for steps, ours in ((25, True), (26, False)):
        plan = target.plan({"sampler": TCD, "hires_steps": steps, "hires_denoise": 0.5}, **hires)
        stock = plan.values.get("hr_scheduler") in ("SGM Uniform", "Automatic")
        equal(plan.active and not stock, ours, f"a second pass of {2 * steps}: {plan}")
        equal("50" in plan.notice, not ours, f"the notice names the most: {plan.notices}")


@scenario
def more_than_fifty_steps_by_the_object_draw_as_stock(target: Target) -> None:
    need_noise_levels(target)
    if not counts(target):
        raise SkippedError("too slow for more than 50 evaluations a picture")
    stock = target.draw(steps=MOST_STEPS + 1)
    drawn = target.draw(steps=MOST_STEPS + 1, hypersd={"sampler": TCD, "steps": "keep"})
    drawn_as_stock(drawn, stock, "51 steps")
    only_fields(drawn, ["Hyper-SD notice"], "51 steps")


def draws_as_euler(drawn: Drawn, stock: Drawn, what: str) -> None:
    drawn_as_stock(drawn, stock, what)
    only_fields(drawn, GIVEN_WAY, what)
    check("50" in drawn.infotext.own()["Hyper-SD notice"], f"{what}: the notice names the most")


@scenario
def more_than_fifty_steps_in_the_page_are_drawn_by_euler(target: Target) -> None:
    need_noise_levels(target)
    if not counts(target):
        raise SkippedError("too slow for more than 50 evaluations a picture")
    page = {"steps": MOST_STEPS + 1, "cfg_scale": 1.0}
    euler = target.draw(**page, sampler_name="Euler", scheduler="Automatic")
    draws_as_euler(target.draw(**page, sampler_name=TCD, scheduler="Automatic"), euler, "TCD, 51 steps")
    draws_as_euler(target.draw(**page, sampler_name=TCD, scheduler=TCD), euler, "TCD on its schedule, 51 steps")
    if not target.has_schedule_types:
        return
    heun = target.draw(**page, sampler_name="Heun", scheduler="Automatic")
    draws_as_euler(target.draw(**page, sampler_name="Heun", scheduler=ONE_STEP_UNET), heun, "Heun, 51 steps")
    other = target.draw(**page, sampler_name=TCD, scheduler="SGM Uniform")
    equal(named(other), (TCD, "SGM Uniform"), "a schedule of the host's has any length")


@scenario
def more_than_fifty_steps_in_img2img_are_drawn_by_euler(target: Target) -> None:
    need_noise_levels(target)
    page = {"steps": MOST_STEPS + 1, "denoising_strength": 0.1, "cfg_scale": 1.0}
    euler = settled(target, **page, sampler_name="Euler", scheduler="Automatic")
    drawn = settled(target, **page, sampler_name=TCD, scheduler="Automatic")
    draws_as_euler(drawn, euler, "51 steps over a picture")


@scenario
def a_second_pass_of_more_than_fifty_steps_never_costs_the_picture(target: Target) -> None:
    need_noise_levels(target)
    short = HIRES | {"denoising_strength": 0.05}
    euler = {"sampler_name": "Euler", "scheduler": "Automatic"}
    for page in (BY_PAGE | {"hr_second_pass_steps": 3}, BY_PAGE | {"steps": 3, "hr_second_pass_steps": 0}):
        drawn = target.draw(**page, **short)
        check("50" in drawn.infotext.own().get("Hyper-SD notice", ""), f"{page}: notice {drawn.infotext.own()}")
        fallen_back = [target.draw(**(page | euler), **short)]
        if target.has_field("hr_sampler_name"):
            fallen_back.append(target.draw(**page, **short, hr_sampler_name="Euler", hr_scheduler="Automatic"))
        check(drawn.picture.pixels in [d.picture.pixels for d in fallen_back], f"{page}: the long pass is Euler's")


@scenario
def a_recipe_for_a_weak_second_pass_never_costs_the_picture(target: Target) -> None:
    name = unified(target)
    hypersd = {"lora": name, "steps": 4}  # 4 steps at 0.05 would be a schedule of 80
    drawn = target.draw(hypersd=hypersd, **(HIRES | {"denoising_strength": 0.05}))
    check("Hyper-SD notice" in drawn.infotext.own(), f"a notice: {drawn.infotext.own()}")


@scenario
def no_steps_at_all_end_as_the_host_has_it(target: Target) -> None:
    need_noise_levels(target)
    plan = target.plan({"sampler": TCD, "steps": "keep"}, steps=0)
    equal([c.field for c in plan.changes], [], "changes at 0 steps")
    check(plan.notices, "a notice")
    euler, ours = (target.try_to_draw(**(BY_PAGE | {"steps": 0, "sampler_name": n})) for n in ("Euler", TCD))
    equal(ours.status, euler.status, f"status at 0 steps: {ours.text[:200]}")
    if euler.status == 200:
        drawn_as_stock(Drawn.read(ours.json()), Drawn.read(euler.json()), "0 steps")


@scenario
def a_second_pass_goes_by_its_own_model(target: Target) -> None:
    need_noise_levels(target)
    target.need_field("hr_checkpoint_name")
    page = BY_PAGE | HIRES | {"hr_second_pass_steps": 2}
    for on in on_flow(target):
        title = on["override_settings"]["sd_model_checkpoint"]
        for hypersd in ({"enabled": False}, {"lora": "none", "sampler": TCD, "scheduler": TCD}):
            onto_flow = target.draw(**page, hypersd=hypersd, hr_checkpoint_name=title)
            what = f"the second pass on {title} {hypersd}"
            equal(named(onto_flow), (TCD, TCD), f"{what}: the first pass")
            equal(onto_flow.infotext.fields.get("Hires sampler"), "Euler", what)
            equal(onto_flow.infotext.fields.get("Hires schedule type"), SCHEDULER, what)
            check("this is a flow model" in onto_flow.infotext.own().get("Hyper-SD notice", ""), f"{what}: a notice")
            not_black(onto_flow, what)
    selected, flow = target.checkpoint(target.family), next(on_flow(target))
    euler = page | {"sampler_name": "Euler"}
    for scheduler in ("Automatic", ONE_STEP_UNET):
        own = {"hr_sampler_name": TCD, "hr_scheduler": scheduler}
        back = target.draw(**euler, **own, hr_checkpoint_name=selected, **flow)
        equal(
            back.infotext.fields.get("Hires sampler"), TCD, f"the second pass back, {scheduler}: {back.infotext.own()}"
        )
        check("Hyper-SD eta" in back.infotext.own(), f"eta: {back.infotext.own()}")
