"""Every key of the object, every kind of value: read from the plan."""

from __future__ import annotations

from collections.abc import Iterator

from ..published import SAMPLER, SCHEDULER, VARIANTS, best, clamped, tag, tags
from ..scenario import SkippedError, all_of, check, equal, failure_of, near, same_picture, scenario
from ..target import Target


@scenario
def auto_takes_the_best_file_that_is_there(target: Target) -> None:
    plan = target.plan({"lora": "auto"})
    equal(plan.lora, target.best.name, "lora")
    near(plan.weight or 0, target.best.weight, "weight")


@scenario
def explicit_steps_choose_the_nearest_file(target: Target) -> None:
    def one(steps: int) -> None:
        plan, wanted = target.plan({"steps": steps}), best(target.family, target.loras, steps)
        equal((plan.lora, plan.values["steps"]), (wanted.name if wanted else None, steps), f"steps {steps}")

    all_of(failure_of(lambda n=n: one(n)) for n in range(1, 17))


@scenario
def the_pages_slider_is_no_explicit_number(target: Target) -> None:
    equal({target.plan({}, steps=n).lora for n in (1, 2, 4, 12, 40)}, {target.best.name}, "lora for any slider")


@scenario
def a_file_may_be_named_in_full(target: Target) -> None:
    present = [v for v in VARIANTS if v.family == target.family and v.name in target.loras]

    def failures() -> Iterator[str]:
        for variant in present:
            plan = target.plan({"lora": variant.name})
            yield failure_of(lambda v=variant, p=plan: equal(p.lora, v.name, "lora"))
            yield failure_of(lambda v=variant, p=plan: equal(p.values["steps"], max(v.steps, 1), f"steps of {v.name}"))
            yield failure_of(lambda v=variant, p=plan: equal(tags(p.prompt), tags(v.tag), "tags"))

    all_of(failures())


@scenario
def lora_may_be_an_alias(target: Target) -> None:
    short = f"hyper-{target.family}"
    equal(target.plan({"lora": short}).lora, target.best.name, short)
    four = best(target.family, target.loras, 4)
    if four is None or four.steps != 4:
        raise SkippedError("no 4-step file")
    for alias in (f"{short}-4steps", f"{short}-4step-lora".upper(), f"Hyper-{target.family.upper()}-4steps"):
        alias += "-CFG" if four.kind == "cfg" else ""
        equal(target.plan({"lora": alias}).lora, four.name, alias)


@scenario
def an_alias_may_ask_for_a_cfg_preserved_file(target: Target) -> None:
    preserved = best(target.family, target.loras, kind="cfg")
    if preserved is None or preserved.name == target.best.name:
        raise SkippedError(f"no CFG-preserved file beside plain ones for {target.family}")
    equal(target.plan({"lora": f"hyper-{target.family}-cfg"}).lora, preserved.name, "hyper-…-cfg")
    equal(target.plan({"lora": f"hyper-{target.family}-{preserved.steps}steps-cfg-lora"}).lora, preserved.name, "full")


@scenario
def another_lora_of_the_host_may_be_named(target: Target) -> None:
    others = sorted(name for name in target.loras if not name.lower().startswith("hyper"))
    if not others:
        raise SkippedError("the target has Hyper-SD LoRAs only")
    plan = target.plan({"lora": others[0]})
    check(plan.notices or tags(plan.prompt) == [(others[0], f"{plan.weight:g}")], f"lora {others[0]}: {plan}")


@scenario
def none_sets_the_values_without_a_tag(target: Target) -> None:
    plan = target.plan({"lora": "none"})
    equal(plan.prompt, target.request()["prompt"], "prompt")
    equal(plan.values["steps"], 8, "steps")
    drawn = target.draw(hypersd={"lora": "none", "steps": 2})
    equal(tags(drawn.infotext.prompt), [], "tags")
    equal(int(drawn.infotext.fields["Steps"]), 2, "Steps")
    equal(drawn.infotext.fields["Sampler"], SAMPLER, "Sampler")


@scenario
def none_adds_nothing_but_leaves_typed_tags(target: Target) -> None:
    other = f"{target.request()['prompt']} <lora:some-style:0.5>"
    equal(target.plan({"lora": "none"}, prompt=other).prompt, other, "prompt")


@scenario
def steps_take_auto_keep_and_numbers(target: Target) -> None:
    equal(target.plan({"steps": "auto"}).values["steps"], target.best.steps, "auto")
    equal(target.plan({"steps": "keep"}, steps=13).values["steps"], 13, "keep")
    for number in (1, 16):
        equal(target.plan({"steps": number, "lora": target.best.name}).values["steps"], number, f"{number}")


@scenario
def steps_far_from_the_files_get_a_notice(target: Target) -> None:
    quick = target.quick
    plan = target.plan({"lora": quick.name, "steps": 16})
    equal((plan.lora, plan.values["steps"]), (quick.name, 16), "lora, steps")
    check("step" in plan.notice.lower(), f"notices: {plan.notices}")
    kept = target.plan({"lora": quick.name, "steps": "keep"}, steps=30)
    check("step" in kept.notice.lower(), f"notices for keep: {kept.notices}")


@scenario
def a_weight_is_taken_and_printed_short(target: Target) -> None:
    name = target.best.name
    for weight in (-2, -0.5, 0.125, 0.5, 1, 1.0, 1 / 3, 2):
        plan = target.plan({"weight": weight})
        equal(tags(plan.prompt), [(name, f"{weight:g}")], f"weight {weight}")
        near(plan.weight or 0, weight, "weight")
    equal(target.plan({"weight": "auto"}).prompt, target.plan({}).prompt, "auto")


@scenario
def a_weight_far_from_the_recipe_gets_a_notice(target: Target) -> None:
    for plan in (
        target.plan({"weight": 2 if target.best.weight < 1 else 0.1}),
        target.plan({}, prompt=f"a cat {tag(target.best.name, 2 if target.best.weight < 1 else 0.1)}"),
    ):
        check("weight" in plan.notice.lower(), f"notices: {plan.notices}")
    check("weight" not in target.plan({}).notice.lower(), "no notice at the recipe's weight")


@scenario
def cfg_takes_clamp_recipe_keep_and_numbers(target: Target) -> None:
    def failures() -> Iterator[str]:
        for variant in VARIANTS:
            if variant.family != target.family or variant.name not in target.loras:
                continue
            value, low, high = variant.cfg
            for asked in (low, high, (low + high) / 2, 1.0, 7.0, 12.0, high + 0.25):
                for policy, wanted in (
                    ("clamp", clamped(asked, variant.cfg)),
                    ("recipe", value),
                    ("keep", asked),
                    (2.25, 2.25),
                ):
                    plan = target.plan({"lora": variant.name, "cfg": policy}, cfg_scale=asked)
                    what = f"{variant.name}, CFG {asked}, {policy}"
                    yield failure_of(lambda p=plan, w=wanted, t=what: near(p.values["cfg_scale"], w, t))

    all_of(failures())


@scenario
def a_cfg_that_will_look_bad_gets_a_notice(target: Target) -> None:
    for plan in (target.plan({"cfg": "keep"}, cfg_scale=20.0), target.plan({"cfg": 20})):
        near(plan.values["cfg_scale"], 20, "CFG")
        check("cfg" in plan.notice.lower(), f"notices: {plan.notices}")


@scenario
def distilled_cfg_is_untouched_where_the_family_has_none(target: Target) -> None:
    target.need_family("sd15", "sdxl", "sd3")
    if not target.has_field("distilled_cfg_scale"):
        raise SkippedError("the host has no distilled CFG")
    for policy in ("clamp", "recipe", "keep", 2.0):
        plan = target.plan({"distilled_cfg": policy}, distilled_cfg_scale=9.0)
        near(plan.values["distilled_cfg_scale"], 9.0, f"distilled CFG under {policy}")


@scenario
def sampler_and_schedule_take_auto_keep_and_names(target: Target) -> None:
    auto = target.plan({"sampler": "auto", "scheduler": "auto"}).values
    equal((auto["sampler_name"], auto["scheduler"]), (SAMPLER, SCHEDULER), "auto")
    kept = target.plan({"sampler": "keep", "scheduler": "keep"}, sampler_name="DPM++ 2M", scheduler="Karras").values
    equal((kept["sampler_name"], kept["scheduler"]), ("DPM++ 2M", "Karras"), "keep")
    named = target.plan({"sampler": "DPM++ 2M", "scheduler": "Karras"}).values
    equal((named["sampler_name"], named["scheduler"]), ("DPM++ 2M", "Karras"), "names")


@scenario
def a_schedules_inner_name_is_the_same_schedule(target: Target) -> None:
    target.need_schedule_types()
    inner = {s["name"] for s in target.client.get("/sdapi/v1/schedulers")} - {SCHEDULER}
    if "sgm_uniform" not in inner:
        raise SkippedError("the host lists no sgm_uniform")
    reply = target.try_to_plan({"scheduler": "sgm_uniform"})
    if reply.status == 422:
        raise SkippedError("taken as a name that the host does not list")
    drawn = target.draw(hypersd={"lora": target.quick.name, "scheduler": "sgm_uniform"})
    same_picture(drawn.picture, target.draw(hypersd={"lora": target.quick.name}).picture, "the same schedule")
    check("Hyper-SD notice" not in drawn.infotext.own(), f"a false notice: {drawn.infotext.own()}")


@scenario
def eta_takes_auto_and_a_number(target: Target) -> None:
    for eta in ("auto", 0, 0.3, 1, 1.0):
        check(target.plan({"eta": eta}).active, f"eta {eta}")


@scenario
def enabled_true_and_the_defaults_mean_the_same(target: Target) -> None:
    full = {
        "enabled": True,
        "lora": "auto",
        "steps": "auto",
        "weight": "auto",
        "cfg": "clamp",
        "distilled_cfg": "clamp",
        "sampler": "auto",
        "scheduler": "auto",
        "hires": "tune",
        "hires_steps": "auto",
        "hires_denoise": "auto",
        "hires_scale": "auto",
        "hires_upscaler": "auto",
        "eta": "auto",
    }
    equal(target.plan(full), target.plan({}), "plan of the defaults, written out")
    for key, value in full.items():
        equal(target.plan({key: value}), target.plan({}), f"plan of {key}: {value}")


@scenario
def the_plan_tells_what_a_generation_does(target: Target) -> None:
    named = {"steps": 1, "cfg": 1.5, "sampler": "DPM++ 2M", "scheduler": "Karras"}
    for hypersd in ({"lora": target.quick.name}, named):
        plan, fields = target.plan(hypersd), target.draw(hypersd=hypersd).infotext
        equal(plan.prompt, fields.prompt, "prompt")
        equal(str(plan.values["steps"]), fields.fields["Steps"], "Steps")
        near(plan.values["cfg_scale"], float(fields.fields["CFG scale"]), "CFG scale")
        equal(plan.values["sampler_name"], fields.fields["Sampler"], "Sampler")
        equal(plan.values["scheduler"], fields.fields.get("Schedule type"), "Schedule type")
        equal(plan.lora, fields.fields["Hyper-SD"], "Hyper-SD")


@scenario
def the_schedule_and_sampler_really_change_the_picture(target: Target) -> None:
    first = target.draw(hypersd={"lora": target.quick.name})
    other_schedule = {"scheduler": "Karras"} if target.has_schedule_types else {"sampler": "Euler"}
    for values in ({"sampler": "Euler a"}, other_schedule, {"weight": 0.5}, {"cfg": 1.5}, {"steps": 3}):
        other = target.draw(hypersd={"lora": target.quick.name} | values)
        check(other.picture.distance(first.picture) > 0, f"{values} draws the same picture")


@scenario
def weight_zero_draws_as_the_base(target: Target) -> None:
    quick = target.quick
    drawn = target.draw(hypersd={"lora": quick.name, "weight": 0})
    without = target.draw(hypersd={"lora": "none", "steps": quick.steps})
    check(drawn.picture.distance(without.picture) <= 1, "weight 0 and no LoRA")
