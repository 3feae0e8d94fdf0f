"""The hires pass: tuned, kept, turned on, with values of its own."""

from __future__ import annotations

from collections.abc import Iterator

from ..published import HIRES_NUDGE, SCHEDULER, best, second_pass, tags
from ..scenario import SkippedError, all_of, check, equal, failure_of, near, same_picture, scenario
from ..target import Target

HIRES = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "None", "denoising_strength": 0.55}
DENOISES = (0.2, 0.3, 0.35, 0.4, 0.5, 0.55, 0.6, 0.7, 0.75, 0.9, 1.0)


def lands_on_trained_steps(steps: int, k: int, denoise: float) -> bool:
    """The hosts run a schedule of int(k / denoise) steps and evaluate its last k."""
    return int(k / min(denoise, 0.999)) == steps


@scenario
def the_second_pass_lands_on_trained_timesteps(target: Target) -> None:
    def one(steps: int, denoise: float) -> None:
        values = target.plan({"steps": steps}, **(HIRES | {"denoising_strength": denoise})).values
        k, nudged = values["hr_second_pass_steps"], values["denoising_strength"]
        what = f"{steps} steps at {denoise}: k {k} at {nudged}"
        near(nudged, denoise, what, HIRES_NUDGE + 1e-6)
        if second_pass(steps, denoise):
            check(lands_on_trained_steps(steps, k or steps, nudged), what)

    all_of(failure_of(lambda n=n, d=d: one(n, d)) for n in (2, 4, 8, 12) for d in DENOISES)


@scenario
def the_second_pass_is_tuned_by_the_recipe(target: Target) -> None:
    values = target.plan({}, **HIRES, hr_sampler_name="DPM++ 2M", hr_scheduler="Karras").values
    for key, wanted in (("hr_sampler_name", "Euler"), ("hr_scheduler", SCHEDULER)):
        if target.has_field(key):
            check(values.get(key) in (wanted, f"Use same {key[3:].removesuffix('_name')}", None), f"{key}: {values}")
    if target.has_field("hr_cfg"):
        near(
            target.plan({"lora": target.quick.name}, **HIRES, hr_cfg=7.0).values["hr_cfg"],
            target.quick.cfg[0],
            "hr_cfg",
        )
    equal((values["hr_scale"], values["hr_upscaler"]), (1.5, "None"), "scale and upscaler are the request's")


@scenario
def use_same_is_kept_where_the_first_pass_is_right(target: Target) -> None:
    drawn = target.draw(hypersd={"lora": target.quick.name}, **HIRES)
    for field in ("Hires sampler", "Hires schedule type"):
        check(field not in drawn.infotext.fields, f"{field}: {drawn.infotext.fields}")


@scenario
def a_tuned_hires_picture_redraws_from_its_infotext(target: Target) -> None:
    for fields in ({}, {"hr_prompt": "a blue square", "hr_negative_prompt": "blurry"}):
        drawn = target.draw(hypersd={"lora": target.quick.name}, **(HIRES | fields))
        again = target.draw_infotext(drawn.infotext)
        same_picture(again.picture, drawn.picture, f"hires {fields}", target.tolerance)
        equal(drawn.picture.size, target.draw(**HIRES).picture.size, "size")


@scenario
def the_hires_prompt_gets_the_tag_too(target: Target) -> None:
    name = target.quick.name
    plan = target.plan({"lora": name}, **HIRES, hr_prompt="a blue square")
    equal(plan.values["hr_prompt"], f"a blue square {target.quick.tag}", "hires prompt")
    drawn = target.draw(hypersd={"lora": name}, **HIRES, hr_prompt="a blue square")
    equal(drawn.infotext.fields.get("Hires prompt"), f"a blue square {target.quick.tag}", "Hires prompt")


@scenario
def a_hires_prompt_with_its_own_tag_keeps_it(target: Target) -> None:
    own = f"a blue square <lora:{target.quick.name}:0.4>"
    equal(target.plan({"lora": target.quick.name}, **HIRES, hr_prompt=own).values["hr_prompt"], own, "hires prompt")


@scenario
def an_alias_in_the_hires_prompt_is_replaced(target: Target) -> None:
    alias = f"<lora:Hyper-{target.family.upper()}:0.5>"
    plan = target.plan(prompt=f"a {alias}", **HIRES, hr_prompt=f"b {alias}")
    equal(tags(plan.values["hr_prompt"]), [(target.best.name, "0.5")], "tags of the hires prompt")


@scenario
def an_equal_hires_prompt_is_not_printed(target: Target) -> None:
    drawn = target.draw(hypersd={"lora": target.quick.name}, **HIRES)
    check("Hires prompt" not in drawn.infotext.fields, f"Hires prompt: {drawn.infotext.fields.get('Hires prompt')}")


@scenario
def keep_leaves_the_second_pass(target: Target) -> None:
    given = {"hr_second_pass_steps": 3, "denoising_strength": 0.43, "hr_scale": 1.5, "hr_upscaler": "None"}
    if target.has_field("hr_cfg"):
        given["hr_cfg"] = 4.0
    if target.has_field("hr_sampler_name"):
        given |= {"hr_sampler_name": "DPM++ 2M", "hr_scheduler": "Karras"}
    values = target.plan({"hires": "keep"}, **(HIRES | given)).values
    equal({key: values.get(key, given[key]) for key in given}, given, "values of the second pass")
    fields = target.draw(hypersd={"hires": "keep", "lora": target.quick.name}, **(HIRES | given)).infotext.fields
    equal((fields["Hires steps"], fields["Denoising strength"]), ("3", "0.43"), "Hires steps, denoise")


@scenario
def always_turns_hires_on(target: Target) -> None:
    values = target.plan({"hires": "always"}).values
    equal(
        (values["enable_hr"], values["hr_scale"], values["hr_upscaler"]), (True, 1.5, "None"), "hires, scale, upscaler"
    )
    near(values["denoising_strength"], 0.55, "denoise", HIRES_NUDGE + 1e-6)
    drawn = target.draw(hypersd={"hires": "always", "lora": target.quick.name})
    equal(drawn.picture.size, target.draw(**HIRES).picture.size, "size")
    equal(drawn.infotext.fields.get("Hires upscaler"), "None", "Hires upscaler")
    near(float(drawn.infotext.fields["Hires upscale"]), 1.5, "Hires upscale")
    again = target.draw_infotext(drawn.infotext)
    same_picture(again.picture, drawn.picture, "from the infotext", target.tolerance)


@scenario
def always_equals_the_same_pass_asked_for(target: Target) -> None:
    name = target.quick.name
    turned_on = target.draw(hypersd={"hires": "always", "lora": name})
    asked = target.draw(hypersd={"lora": name}, **HIRES)
    same_picture(turned_on.picture, asked.picture, "turned on and asked for")


@scenario
def always_leaves_a_requests_own_pass(target: Target) -> None:
    request = HIRES | {"hr_scale": 1.25, "hr_upscaler": target.upscaler, "denoising_strength": 0.7}
    always, tuned = target.plan({"hires": "always"}, **request), target.plan({"hires": "tune"}, **request)
    equal(always.values, tuned.values, "values")
    equal((always.values["hr_scale"], always.values["hr_upscaler"]), (1.25, target.upscaler), "scale, upscaler")


@scenario
def always_takes_the_hosts_own_upscaler_where_it_is_kept(target: Target) -> None:
    drawn = target.draw(hypersd={"hires": "always", "hires_upscaler": "keep", "lora": target.quick.name})
    check("Hires upscaler" in drawn.infotext.fields, f"the upscaler is told: {drawn.infotext.text}")
    equal(drawn.picture.size, target.draw(**HIRES).picture.size, "size")


@scenario
def tune_turns_nothing_on(target: Target) -> None:
    check(not target.plan({"hires": "tune"}).values["enable_hr"], "enable_hr")
    equal(target.draw(hypersd={"lora": target.quick.name}).picture.size, (target.size, target.size), "size")


@scenario
def hires_values_in_the_object_win(target: Target) -> None:
    values = {"hires_steps": 3, "hires_denoise": 0.37, "hires_scale": 1.25, "hires_upscaler": target.upscaler}
    for hires, request in (("always", {}), ("tune", HIRES)):
        got = target.plan({"hires": hires} | values, **request).values
        equal((got["hr_second_pass_steps"], got["hr_scale"], got["hr_upscaler"]), (3, 1.25, target.upscaler), hires)
        near(got["denoising_strength"], 0.37, f"{hires}: denoise")


@scenario
def hires_keep_words_keep_the_requests_values(target: Target) -> None:
    words = dict.fromkeys(("hires_steps", "hires_denoise", "hires_scale", "hires_upscaler"), "keep")
    request = HIRES | {"hr_second_pass_steps": 7, "denoising_strength": 0.41, "hr_upscaler": target.upscaler}
    got = target.plan(words, **request).values
    equal((got["hr_second_pass_steps"], got["denoising_strength"]), (7, 0.41), "steps, denoise")
    equal((got["hr_scale"], got["hr_upscaler"]), (1.5, target.upscaler), "scale, upscaler")


@scenario
def cfg_preserved_takes_its_own_denoise_where_turned_on(target: Target) -> None:
    target.need_family("sdxl", "sd15")
    family = target.family.upper()
    plan = target.plan({"lora": target.variant(f"Hyper-{family}-8steps-CFG-lora").name, "hires": "always"})
    near(plan.values["denoising_strength"], 0.6 if family == "SDXL" else 0.55, "denoise", HIRES_NUDGE + 1e-6)


@scenario
def a_batch_with_hires_gets_every_tag(target: Target) -> None:
    drawn = target.draw(hypersd={"lora": target.quick.name}, batch_size=2, **HIRES, hr_prompt="a blue square")
    equal([i.fields.get("Hires prompt") for i in drawn.infotexts], [f"a blue square {target.quick.tag}"] * 2, "prompts")


@scenario
def a_hires_checkpoint_of_another_family_gets_its_own_file_or_a_notice(target: Target) -> None:
    target.need_field("hr_checkpoint_name")
    family = "sdxl" if target.family != "sdxl" else "sd15"
    title, file = target.checkpoint(family), best(family, target.loras)
    plan = target.plan({}, **HIRES, hr_checkpoint_name=title)
    names = [name for name, _ in tags(str(plan.values.get("hr_prompt", "")))]
    check(plan.notices or (file and names == [file.name]), f"hires tags {names}, no notice")
    check(target.best.name not in names, f"the first pass's file in the hires prompt: {names}")


@scenario
def turning_hires_on_never_loses_the_picture(target: Target) -> None:
    def one(fields: dict[str, object]) -> None:
        drawn = target.draw(hypersd={"hires": "always", "lora": target.quick.name} | {}, **fields)
        check(drawn.pictures, f"{fields}: no picture")

    def failures() -> Iterator[str]:
        for fields in ({"batch_size": 2}, {"hr_resize_x": 96, "hr_resize_y": 96}, {"negative_prompt": "blur"}):
            yield failure_of(lambda f=fields: one(f))

    all_of(failures())


@scenario
def a_hires_pass_by_pixels_stays_one(target: Target) -> None:
    size = target.size + 32
    fields = HIRES | {"hr_resize_x": size, "hr_resize_y": size}
    drawn = target.draw(hypersd={"lora": target.quick.name}, **fields)
    equal(drawn.picture.size, target.draw(**fields).picture.size, "size")
    again = target.draw(hypersd={"enabled": False}, **(fields | target.pasted(drawn.infotext)))
    same_picture(again.picture, drawn.picture, "by hand", target.tolerance)
    off = target.draw(hypersd={"lora": target.quick.name, "hires": "always"}, hr_resize_x=size, hr_resize_y=size)
    check(
        "Hyper-SD notice" in off.infotext.own() or off.picture.size != (target.size,) * 2, "always, by pixels: a notice"
    )


@scenario
def always_is_for_txt2img_only(target: Target) -> None:
    drawn = target.draw_over(hypersd={"hires": "always", "lora": target.quick.name})
    equal(drawn.picture.size, (target.size, target.size), "size")
    check("Hires upscale" not in drawn.infotext.fields, "no hires in img2img")


@scenario
def a_refiner_gets_a_notice(target: Target) -> None:
    target.need_field("refiner_checkpoint")
    title = target.checkpoints.get(str(target.status["checkpoint"]))
    if title is None:
        raise SkippedError("the selected checkpoint is not in the list")
    plan = target.plan({}, refiner_checkpoint=title, refiner_switch_at=0.5)
    check("refiner" in plan.notice.lower(), f"notices: {plan.notices}")


@scenario
def the_second_passes_own_negative_prompt_is_judged_at_its_own_cfg(target: Target) -> None:
    hypersd = {"lora": target.quick.name}
    for fields, said in (
        ({"hr_negative_prompt": "blur"}, "no effect in the hires pass, at CFG 1"),
        ({"negative_prompt": "blur"}, "The negative prompt has no effect at CFG 1."),
        ({"negative_prompt": "blur", "hr_negative_prompt": "dull"}, "The negative prompt has no effect at CFG 1."),
    ):
        check(said in target.plan(hypersd, **HIRES, **fields).notice, f"{fields}: planned")
        notice = target.draw(hypersd=hypersd, **HIRES, **fields).infotext.own().get("Hyper-SD notice", "")
        check(said in notice, f"{fields}: {notice}")
    check("negative" not in target.plan(hypersd, **HIRES).notice, "without one")
    turned_on = target.draw(hypersd=hypersd | {"hires": "always"}, hr_negative_prompt="blur").infotext.own()
    check("in the hires pass" in turned_on.get("Hyper-SD notice", ""), f"turned on: {turned_on}")
