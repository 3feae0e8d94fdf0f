"""Ways to turn it on: the object, the positional form, an alias in the prompt."""

from __future__ import annotations

from ..published import SAMPLER, SCHEDULER, clamped, tags
from ..scenario import check, drawn_as_stock, equal, near, only_fields, same_picture, scenario
from ..target import STOCK_STEPS, Target

PANEL_DEFAULTS = ["auto", "auto", "auto", "clamp", "clamp", "auto", "auto", "tune", *["auto"] * 7]


@scenario
def the_object_draws_by_the_whole_recipe(target: Target) -> None:
    drawn = target.draw(hypersd={"enabled": True})
    best, fields = target.best, drawn.infotext.fields
    equal(drawn.infotext.prompt, f"{target.request()['prompt']} {best.tag}", "prompt")
    equal(fields["Hyper-SD"], best.name, "Hyper-SD")
    near(float(fields["Hyper-SD weight"]), best.weight, "Hyper-SD weight")
    equal(int(fields["Steps"]), best.steps, "Steps")
    equal(fields["Sampler"], SAMPLER, "Sampler")
    equal(fields.get("Schedule type"), SCHEDULER, "Schedule type")
    near(float(fields["CFG scale"]), clamped(7.0, best.cfg), "CFG scale")


@scenario
def an_empty_object_is_active(target: Target) -> None:
    same_picture(target.draw(hypersd={}).picture, target.draw(hypersd={"enabled": True}).picture, "{} and enabled")


@scenario
def the_object_equals_the_same_settings_by_hand(target: Target) -> None:
    quick = target.quick
    drawn = target.draw(hypersd={"lora": quick.name})
    by_hand = target.draw(
        hypersd={"enabled": False},
        prompt=f"{target.request()['prompt']} {quick.tag}",
        steps=quick.steps,
        cfg_scale=clamped(7.0, quick.cfg),
        sampler_name=SAMPLER,
        scheduler=SCHEDULER,
    )
    same_picture(drawn.picture, by_hand.picture, "object and by hand", target.tolerance)
    equal(drawn.infotext.prompt, by_hand.infotext.prompt, "prompt")


@scenario
def the_positional_form_equals_the_object(target: Target) -> None:
    positional = target.draw(args=[True, *PANEL_DEFAULTS])
    drawn = target.draw(hypersd={"enabled": True})
    same_picture(positional.picture, drawn.picture, "positional and object")
    equal(positional.infotext.text, drawn.infotext.text, "infotext")


@scenario
def positional_values_equal_the_objects(target: Target) -> None:
    quick = target.quick
    sampler, schedule = target.spelled("DPM++ 2M", "Karras")
    values = {"lora": quick.name, "steps": 3, "weight": 0.5, "cfg": 1.25, "sampler": sampler, "scheduler": schedule}
    positional = [True, quick.name, 3, 0.5, 1.25, "clamp", sampler, schedule]
    drawn = target.draw(hypersd=values)
    equal(target.draw(args=positional).infotext.text, drawn.infotext.text, "infotext of the numbers")
    as_text = [True, quick.name, "3", "0.5", "1.25", "clamp", sampler, schedule]
    equal(target.draw(args=as_text).infotext.text, drawn.infotext.text, "infotext of a text box's numbers")
    equal(int(drawn.infotext.fields["Steps"]), 3, "Steps")
    near(float(drawn.infotext.fields["CFG scale"]), 1.25, "CFG scale")
    equal(tags(drawn.infotext.prompt), [(quick.name, "0.5")], "tags")


@scenario
def a_short_positional_list_keeps_the_panels_defaults(target: Target) -> None:
    drawn = target.draw(hypersd={"enabled": True})
    equal(target.draw(args=[True]).infotext.text, drawn.infotext.text, "[true]")
    equal(target.draw(args=[True, "auto", "auto"]).infotext.text, drawn.infotext.text, "three entries")


@scenario
def an_empty_list_or_none_is_the_panel_as_it_stands_off(target: Target) -> None:
    stock = target.draw()
    drawn_as_stock(target.draw(args=[]), stock, "[]")
    drawn_as_stock(target.draw(alwayson_scripts={"Hyper-SD": {}}), stock, "no args")
    only_fields(target.draw(args=[]), [], "[]")


@scenario
def extra_positional_entries_are_dropped(target: Target) -> None:
    drawn = target.draw(hypersd={"enabled": True})
    extra = target.draw(args=[True, *PANEL_DEFAULTS, "one", 2, None])
    equal(extra.infotext.text, drawn.infotext.text, "infotext with three entries too many")


@scenario
def the_title_may_be_in_lower_case(target: Target) -> None:
    drawn = target.draw(alwayson_scripts={"hyper-sd": {"args": [{"lora": target.quick.name}]}})
    equal(drawn.infotext.fields.get("Hyper-SD"), target.quick.name, "Hyper-SD")


@scenario
def an_alias_alone_draws_by_the_whole_recipe(target: Target) -> None:
    prompt = target.request()["prompt"]
    short = {"sd15": "SD15", "sdxl": "SDXL", "sd3": "SD3", "flux": "FLUX"}[target.family]
    aliased = target.draw(prompt=f"{prompt} <lora:Hyper-{short}>")
    drawn = target.draw(hypersd={"enabled": True})
    same_picture(aliased.picture, drawn.picture, "alias and object")
    equal(aliased.infotext.prompt, drawn.infotext.prompt, "prompt")
    equal(aliased.infotext.fields["Hyper-SD"], target.best.name, "Hyper-SD")


@scenario
def a_full_name_with_the_panel_off_is_the_hosts_own_business(target: Target) -> None:
    prompt = f"{target.request()['prompt']} {target.quick.tag}"
    drawn = target.draw(prompt=prompt)
    only_fields(drawn, [], "a full name, panel off")
    equal(drawn.infotext.prompt, prompt, "prompt")
    equal(int(drawn.infotext.fields["Steps"]), STOCK_STEPS, "Steps")
    drawn_as_stock(drawn, target.draw(prompt=prompt, hypersd={"enabled": False}), "a full name, panel off")


@scenario
def the_object_off_wins_over_an_alias(target: Target) -> None:
    prompt = f"{target.request()['prompt']} <lora:Hyper-{target.family.upper()}:0.5>"
    drawn = target.draw(prompt=prompt, hypersd={"enabled": False})
    only_fields(drawn, [], "off with an alias")
    equal(drawn.infotext.prompt, prompt, "prompt")
    equal(int(drawn.infotext.fields["Steps"]), STOCK_STEPS, "Steps")
    plan = target.plan({"enabled": False}, prompt=prompt)
    check(not plan.active and not plan.changes, f"plan of an alias with enabled false: {plan}")


@scenario
def the_option_all_takes_full_names_too(target: Target) -> None:
    prompt = f"{target.request()['prompt']} {target.quick.tag}"
    with target.option("hypersd_prompt_tags", "all"):
        drawn = target.draw(prompt=prompt)
    equal(drawn.infotext.fields.get("Hyper-SD"), target.quick.name, "Hyper-SD")
    equal(int(drawn.infotext.fields["Steps"]), target.quick.steps, "Steps")
    equal(drawn.infotext.prompt, prompt, "prompt")


@scenario
def the_option_none_takes_no_alias(target: Target) -> None:
    prompt = f"{target.request()['prompt']} <lora:Hyper-{target.family.upper()}>"
    with target.option("hypersd_prompt_tags", "none"):
        drawn = target.draw(prompt=prompt)
        only_fields(drawn, [], "option none")
        equal(drawn.infotext.prompt, prompt, "prompt")
