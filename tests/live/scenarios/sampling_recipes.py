"""Which recipes take the added sampler and schedules, and what is said about it."""

from __future__ import annotations

from typing import Any

from ..added_sampling import (
    HIRES,
    ONE_STEP_UNET,
    TCD,
    eta_of,
    named,
    need_noise_levels,
    no_warning,
    redrawn,
    says_needs_extension,
    unified,
)
from ..published import HIRES_NUDGE, SAMPLER, SCHEDULER, VARIANTS, tags
from ..scenario import all_of, check, equal, failure_of, near, same_picture, scenario
from ..target import Target
from .families import with_checkpoint


@scenario
def the_unified_lora_draws_by_its_own_recipe(target: Target) -> None:
    name = unified(target)

    def one(steps: int | str) -> None:
        plan = target.plan({"lora": name, "steps": steps})
        wanted = 1 if steps == "auto" else steps
        values = plan.values
        equal((values["steps"], values["sampler_name"], values["scheduler"]), (wanted, TCD, TCD), f"steps {steps}")
        near(values["cfg_scale"], 1, f"steps {steps}: CFG")
        no_warning(plan)
        says_needs_extension(plan.notice)

    all_of(failure_of(lambda s=steps: one(s)) for steps in ("auto", *range(1, 9)))


@scenario
def a_picture_of_the_unified_lora_tells_its_recipe(target: Target) -> None:
    name = unified(target)
    for steps, eta in ((1, 1.0), (2, 0.3)):
        drawn = target.draw(hypersd={"lora": name, "steps": steps})
        own = drawn.infotext.own()
        equal((own.get("Hyper-SD"), named(drawn)), (name, (TCD, TCD)), f"{steps} steps: file, sampler, schedule")
        equal(drawn.infotext.fields["Steps"], str(steps), "Steps")
        near(eta_of(drawn.infotext), eta, f"{steps} steps: eta")
        says_needs_extension(own.get("Hyper-SD notice", ""))
        same_picture(redrawn(target, drawn).picture, drawn.picture, f"{steps} steps, infotext", target.tolerance)


@scenario
def one_explicit_step_takes_the_unified_lora(target: Target) -> None:
    name = unified(target)
    plan = target.plan({"steps": 1})
    equal((plan.lora, plan.values["sampler_name"], plan.values["scheduler"]), (name, TCD, TCD), "lora, sampler")


@scenario
def a_tag_of_the_unified_lora_asks_for_its_recipe(target: Target) -> None:
    name = unified(target)
    alias = name.removesuffix("-lora")
    for plan in (
        target.plan({}, prompt=f"a cat <lora:{name}:0.5>"),
        target.plan(prompt=f"a cat <lora:{alias}>"),
        target.plan({"steps": 4}, prompt=f"a cat <lora:{name}>"),
    ):
        equal((plan.lora, plan.values["sampler_name"], plan.values["scheduler"]), (name, TCD, TCD), "lora, sampler")


@scenario
def named_samplers_and_schedules_win_over_the_unified_recipe(target: Target) -> None:
    name = unified(target)
    other = {"sampler": "DPM++ 2M", "scheduler": "Karras"}
    values = target.plan({"lora": name, "steps": 4, **other}).values
    equal((values["sampler_name"], values["scheduler"]), ("DPM++ 2M", "Karras"), "names")
    page = {"sampler_name": "DPM++ 2M SDE", "scheduler": "Karras"}
    kept = target.plan({"lora": name, "sampler": "keep", "scheduler": "keep"}, **page).values
    equal({key: kept[key] for key in page}, page, "keep")


@scenario
def files_for_one_number_of_steps_stay_with_euler(target: Target) -> None:
    def one(name: str) -> None:
        plan = target.plan({"lora": name})
        equal((plan.values["sampler_name"], plan.values["scheduler"]), (SAMPLER, SCHEDULER), name)
        check("extension" not in plan.notice.lower(), f"{name}: notices {plan.notices}")

    names = [v.name for v in VARIANTS if v.family == target.family and v.steps > 1 and v.name in target.loras]
    all_of(failure_of(lambda n=n: one(n)) for n in names)


@scenario
def no_lora_stays_with_euler(target: Target) -> None:
    for steps in ("auto", 1, 2):
        values = target.plan({"lora": "none", "steps": steps}).values
        equal((values["sampler_name"], values["scheduler"]), (SAMPLER, SCHEDULER), f"none, steps {steps}")


@scenario
def the_sampler_by_name_takes_its_schedule_along(target: Target) -> None:
    need_noise_levels(target)
    plan = target.plan({"sampler": TCD})
    equal((plan.values["sampler_name"], plan.values["scheduler"]), (TCD, TCD), "sampler and schedule")
    no_warning(plan)
    says_needs_extension(plan.notice)
    if not target.has_schedule_types:
        return
    named_too = target.plan({"sampler": TCD, "scheduler": "SGM Uniform"})
    equal(named_too.values["scheduler"], "SGM Uniform", "a schedule that was named")
    equal(target.plan({"scheduler": TCD}).values["sampler_name"], SAMPLER, "the schedule takes no sampler along")


@scenario
def a_plan_with_the_sampler_changes_nothing_twice(target: Target) -> None:
    name = unified(target)

    def one(hypersd: dict[str, Any], request: dict[str, Any]) -> None:
        first = target.plan(hypersd, **request)
        result = {key: value for key, value in first.values.items() if target.has_field(key)}
        second = target.plan(hypersd, **(request | result))
        equal([(c.field, c.old, c.new) for c in second.changes], [], f"{hypersd} on {request}: changes")

    objects = (
        {"lora": name},
        {"lora": name, "steps": 4},
        {"sampler": TCD, "eta": 0.5},
        {"sampler": "Euler a", "scheduler": ONE_STEP_UNET},
        {"lora": name, "hires": "always"},
    )
    all_of(failure_of(lambda o=o, r=r: one(o, r)) for o in objects for r in ({}, HIRES))


@scenario
def the_plan_with_the_sampler_is_what_is_drawn(target: Target) -> None:
    hypersd = {"lora": unified(target), "steps": 2}
    plan, drawn = target.plan(hypersd), target.draw(hypersd=hypersd)
    equal((plan.values["sampler_name"], plan.values["scheduler"]), named(drawn), "sampler and schedule")
    equal(str(plan.values["steps"]), drawn.infotext.fields["Steps"], "steps")
    equal(plan.prompt, drawn.infotext.prompt, "prompt")
    own = drawn.infotext.own()
    missing = [notice for notice in plan.notices if notice not in own.get("Hyper-SD notice", "")]
    equal(missing, [], "the plan's notices in the infotext")


@scenario
def the_second_pass_lands_on_the_schedules_last_steps(target: Target) -> None:
    name = unified(target)
    for hypersd in ({"lora": name, "steps": 8}, {"steps": 8, "sampler": TCD}):
        values = target.plan(hypersd, **HIRES).values
        equal((values["hr_second_pass_steps"], values["denoising_strength"]), (5, 0.56), f"{hypersd}: steps, denoise")
    for steps in (2, 4, 8):
        values = target.plan({"lora": name, "steps": steps}, **HIRES).values
        k, denoise = values["hr_second_pass_steps"] or steps, values["denoising_strength"]
        near(denoise, HIRES["denoising_strength"], f"denoise for {steps}", HIRES_NUDGE + 1e-6)
        equal(int(k / min(denoise, 0.999)), steps, f"schedule of {k} at {denoise}")


@scenario
def a_hires_picture_of_the_unified_lora_redraws_from_its_infotext(target: Target) -> None:
    name = unified(target)
    for steps in (1, 2):
        drawn = target.draw(hypersd={"lora": name, "steps": steps}, **HIRES)
        same_picture(redrawn(target, drawn).picture, drawn.picture, f"{steps} steps", target.tolerance)


@scenario
def img2img_with_exact_steps_lands_on_the_schedules_last_steps(target: Target) -> None:
    name = unified(target)
    with target.option("img2img_fix_steps", True):
        fields = target.draw_over(hypersd={"lora": name, "steps": "auto"}, denoising_strength=0.55).infotext.fields
    steps, denoise = int(fields["Steps"]), float(fields["Denoising strength"])
    equal(int(steps / min(denoise, 0.999)), 1, f"schedule of {steps} at {denoise}")


@scenario
def the_one_step_unet_takes_its_own_schedule(target: Target) -> None:
    on = with_checkpoint(target.checkpoint("sdxl", "1step"))
    for steps in ("auto", *range(1, 9)):
        plan = target.plan({"steps": steps}, **on)
        wanted = 1 if steps == "auto" else steps
        values = plan.values
        got = (values["steps"], values["sampler_name"], values["scheduler"], values["cfg_scale"])
        equal(got, (wanted, "Euler a", ONE_STEP_UNET, 1), f"steps {steps}")
        equal(tags(plan.prompt), [], "tags")
        no_warning(plan)
        says_needs_extension(plan.notice)
    drawn = target.draw(hypersd={}, **on)
    equal((drawn.infotext.fields["Steps"], named(drawn)), ("1", ("Euler a", ONE_STEP_UNET)), "drawn")
    again = target.draw_infotext(drawn.infotext, **on)
    same_picture(again.picture, drawn.picture, "from its infotext", target.tolerance)
