"""Checkpoints of other families and distilled ones, where the target has them."""

from __future__ import annotations

from ..client import Plan
from ..published import SAMPLER, SCHEDULER, VARIANTS, best, clamped, tags
from ..scenario import SkippedError, all_of, check, drawn_as_stock, equal, failure_of, near, only_fields, scenario
from ..target import Target


def with_checkpoint(title: str) -> dict[str, dict[str, str]]:
    return {"override_settings": {"sd_model_checkpoint": title}}


def follows_the_recipe(target: Target, family: str) -> Plan:
    title = target.checkpoint(family)
    wanted = best(family, target.loras)
    if wanted is None:
        raise SkippedError(f"no {family} LoRA on the target")
    plan = target.plan({}, **with_checkpoint(title))
    equal((plan.family, plan.lora), (family, wanted.name), "family, lora")
    near(plan.weight or 0, wanted.weight, "weight")
    equal(tags(plan.prompt), tags(wanted.tag), "tags")
    values = plan.values
    equal((values["steps"], values["sampler_name"], values["scheduler"]), (wanted.steps, SAMPLER, SCHEDULER), "recipe")
    near(values["cfg_scale"], clamped(7.0, wanted.cfg), "CFG")
    return plan


def every_file_follows_its_recipe(target: Target, family: str) -> None:
    title = target.checkpoint(family)

    def one(name: str) -> None:
        variant = next(v for v in VARIANTS if v.name == name)
        plan = target.plan({"lora": name}, **with_checkpoint(title))
        equal((plan.lora, tags(plan.prompt)), (name, tags(variant.tag)), name)
        near(plan.values["cfg_scale"], clamped(7.0, variant.cfg), f"{name}: CFG")

    present = [v.name for v in VARIANTS if v.family == family and v.name in target.loras]
    all_of(failure_of(lambda n=name: one(n)) for name in present)


@scenario
def sdxl_follows_its_recipe(target: Target) -> None:
    follows_the_recipe(target, "sdxl")
    every_file_follows_its_recipe(target, "sdxl")


@scenario
def sd15_follows_its_recipe(target: Target) -> None:
    follows_the_recipe(target, "sd15")
    every_file_follows_its_recipe(target, "sd15")


@scenario
def sd3_follows_its_recipe(target: Target) -> None:
    follows_the_recipe(target, "sd3")
    every_file_follows_its_recipe(target, "sd3")


@scenario
def sd3_leaves_the_field_that_means_shift(target: Target) -> None:
    title = target.checkpoint("sd3")
    target.need_field("distilled_cfg_scale")
    for policy in ("clamp", "recipe", 2.0):
        plan = target.plan({"distilled_cfg": policy}, distilled_cfg_scale=9.0, **with_checkpoint(title))
        near(plan.values["distilled_cfg_scale"], 9.0, f"distilled CFG under {policy}")


@scenario
def flux_follows_its_recipe(target: Target) -> None:
    follows_the_recipe(target, "flux")
    every_file_follows_its_recipe(target, "flux")


@scenario
def flux_keeps_distilled_cfg_inside_its_range(target: Target) -> None:
    title = target.checkpoint("flux")
    target.need_field("distilled_cfg_scale")
    for policy, asked, wanted in (
        ("clamp", 3.5, 3.5),
        ("clamp", 2.5, 2.5),
        ("clamp", 3.0, 3.0),
        ("clamp", 7.0, 3.5),
        ("clamp", 1.0, 3.5),
        ("recipe", 3.0, 3.5),
        ("keep", 7.0, 7.0),
        (4.0, 3.5, 4.0),
    ):
        plan = target.plan({"distilled_cfg": policy}, distilled_cfg_scale=asked, **with_checkpoint(title))
        near(plan.values["distilled_cfg_scale"], wanted, f"{policy} of {asked}")


@scenario
def flux_nf4_takes_its_own_distilled_cfg(target: Target) -> None:
    title = target.checkpoint("flux", "nf4")
    target.need_field("distilled_cfg_scale")
    for policy, asked, wanted in (("recipe", 3.5, 2.5), ("clamp", 9.0, 2.5), ("clamp", 3.0, 3.0)):
        plan = target.plan({"distilled_cfg": policy}, distilled_cfg_scale=asked, **with_checkpoint(title))
        near(plan.values["distilled_cfg_scale"], wanted, f"{policy} of {asked}")


@scenario
def a_flux_alias_is_the_flux_file(target: Target) -> None:
    title = target.checkpoint("flux")
    name = target.variant("Hyper-FLUX.1-dev-8steps-lora").name
    plan = target.plan(prompt="a <lora:hyper-flux-8step> cat", **with_checkpoint(title))
    equal(plan.prompt, f"a <lora:{name}:0.125> cat", "prompt")
    full = target.plan({}, prompt=f"a <lora:{name}> cat", **with_checkpoint(title))
    equal(full.prompt, f"a <lora:{name}:0.125> cat", "a full name without a weight")


@scenario
def pictures_of_other_families_are_drawn(target: Target) -> None:
    drawn_any = False
    for family in ("sdxl", "sd3", "flux"):
        try:
            title = target.checkpoint(family)
        except SkippedError:
            continue
        wanted = best(family, target.loras)
        if wanted is None or family == target.family:
            continue
        drawn = target.draw(hypersd={}, **with_checkpoint(title))
        equal(drawn.infotext.own().get("Hyper-SD"), wanted.name, f"{family}: Hyper-SD")
        equal(tags(drawn.infotext.prompt), tags(wanted.tag), f"{family}: tags")
        equal(int(drawn.infotext.fields["Steps"]), wanted.steps, f"{family}: Steps")
        drawn_any = True
    if not drawn_any:
        raise SkippedError("the target has no other family with LoRAs")


@scenario
def after_another_family_the_first_draws_as_before(target: Target) -> None:
    others = [f for f in ("sdxl", "sd3", "flux", "sd15") if f != target.family]
    before = target.draw(fresh=True)
    titles = []
    for family in others:
        try:
            titles.append(target.checkpoint(family))
        except SkippedError:
            continue
    if not titles:
        raise SkippedError("the target has one family only")
    target.draw(fresh=True, hypersd={}, **with_checkpoint(titles[0]))
    after = target.draw(fresh=True)
    equal(after.infotext.text, before.infotext.text, "infotext")
    drawn_as_stock(after, before, "after another checkpoint")


def changes_nothing(target: Target, title: str) -> None:
    drawn, stock = target.draw(hypersd={}, **with_checkpoint(title)), target.draw(**with_checkpoint(title))
    drawn_as_stock(drawn, stock, title)
    only_fields(drawn, ["Hyper-SD notice"], title)
    plan = target.plan({}, **with_checkpoint(title))
    equal([c.field for c in plan.changes], [], f"{title}: changes")
    equal(len(plan.notices), 1, f"{title}: one notice of {plan.notices}")


@scenario
def sd21_changes_nothing_and_says_so(target: Target) -> None:
    changes_nothing(target, target.checkpoint("sd21"))


@scenario
def flux_schnell_changes_nothing_and_says_so(target: Target) -> None:
    changes_nothing(target, target.checkpoint("flux", "schnell"))


@scenario
def a_distilled_checkpoint_changes_nothing_and_says_so(target: Target) -> None:
    changes_nothing(target, target.checkpoint("sdxl", "lightning"))


@scenario
def a_distilled_checkpoint_is_tuned_where_a_file_was_named(target: Target) -> None:
    title = target.checkpoint("sdxl", "lightning")
    name = target.variant("Hyper-SDXL-8steps-lora").name
    for plan in (
        target.plan({"lora": name}, **with_checkpoint(title)),
        target.plan({}, prompt=f"a cat <lora:{name}:0.5>", **with_checkpoint(title)),
        target.plan(prompt="a cat <lora:Hyper-SDXL:0.5>", **with_checkpoint(title)),
    ):
        equal((plan.active, plan.lora), (True, name), "active, lora")
        check(plan.notices, "a notice")


@scenario
def none_tunes_a_distilled_checkpoint_without_a_tag(target: Target) -> None:
    plan = target.plan({"lora": "none"}, **with_checkpoint(target.checkpoint("sdxl", "lightning")))
    equal(tags(plan.prompt), [], "tags")
    values = plan.values
    equal((values["steps"], values["sampler_name"], values["scheduler"]), (8, SAMPLER, SCHEDULER), "plain recipe")
    near(values["cfg_scale"], 1, "CFG")


@scenario
def the_one_step_unet_needs_no_lora(target: Target) -> None:
    title = target.checkpoint("sdxl", "1step")
    drawn = target.draw(hypersd={}, **with_checkpoint(title))
    fields = drawn.infotext.fields
    equal(tags(drawn.infotext.prompt), [], "tags")
    recipe = (fields["Steps"], fields["Sampler"], fields.get("Schedule type"))
    equal(recipe, ("1", "Euler a", "Hyper-SD 1-step UNet"), "recipe")
    near(float(fields["CFG scale"]), 1, "CFG")
    check("redraw" in drawn.infotext.own().get("Hyper-SD notice", ""), f"notice: {drawn.infotext.own()}")


@scenario
def an_alias_on_a_family_without_files_is_taken_out(target: Target) -> None:
    title = target.checkpoint("sd21")
    plan = target.plan(prompt="a cat <lora:Hyper-SD15:0.5>", **with_checkpoint(title))
    equal((tags(plan.prompt), plan.values["steps"]), ([], target.request()["steps"]), "tags, steps")
    check(plan.notices, "a notice")
