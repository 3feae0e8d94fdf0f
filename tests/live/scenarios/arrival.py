"""What reached the model is what the account tells: tags that name files in other ways, LoRAs that are not there."""

from __future__ import annotations

from ..closeness import far_less
from ..scenario import SkippedError, check, equal, same_picture, scenario
from ..target import Target

MISSING = "deletedStyle"


@scenario
def a_tag_that_names_a_file_by_folder_or_extension_is_that_file(target: Target) -> None:
    name = target.quick.name
    for typed in (f"speed/{name}", f"speed\\{name}", f"{name}.safetensors", f"a/b/{name}.safetensors"):
        plan = target.plan({}, prompt=f"a <lora:{typed}:0.7> cat")
        equal(plan.prompt, f"a <lora:{name}:0.7> cat", typed)
        equal(plan.lora, name, f"{typed}: lora")


@scenario
def with_the_panel_off_such_a_tag_is_left_alone(target: Target) -> None:
    prompt = f"a <lora:speed/{target.quick.name}:0.7> cat"
    plan = target.plan(prompt=prompt)
    equal((plan.active, plan.prompt), (False, prompt), "plan")


@scenario
def beside_a_lora_that_is_not_there_hyper_sd_arrives(target: Target) -> None:
    wish = {"lora": target.quick.name}
    prompt = target.request()["prompt"]
    drawn = target.draw(hypersd=wish, prompt=f"{prompt} <lora:{MISSING}:0.7>")
    without = target.draw(hypersd={"lora": "none", "steps": target.quick.steps})
    far_less(drawn.picture, target.draw(hypersd=wish).picture, without.picture, "beside a missing LoRA")
    check(f"<lora:{MISSING}>" in drawn.infotext.own()["Hyper-SD notice"], f"it is named: {drawn.infotext.own()}")


@scenario
def a_lora_that_is_not_there_is_named_by_the_plan(target: Target) -> None:
    plan = target.plan({}, prompt=f"a cat <lora:{MISSING}:0.7> <lora:{target.quick.name}:1>")
    check(f"<lora:{MISSING}>" in plan.notice, f"a notice names it: {plan.notice}")
    check(f"<lora:{MISSING}:0.7>" in plan.prompt, "and its tag stays")
    check(f"<lora:{target.quick.name}>" not in plan.notice, "the file that is there is not named")


@scenario
def what_arrived_by_the_hosts_merge_has_no_word_about_it(target: Target) -> None:
    own = target.draw(hypersd={"lora": target.quick.name, "apply": "host"}).infotext.own()
    check("Hyper-SD applied" not in own, f"no 'applied': {own}")
    check("reach" not in own.get("Hyper-SD notice", ""), f"no notice: {own}")


@scenario
def the_standing_network_of_the_options_is_not_applied_beside_another(target: Target) -> None:
    standing, wanted = target.best.name, target.quick.name
    if standing == wanted:
        raise SkippedError(f"{wanted} is the only plain file here")
    wish = {"lora": wanted}
    plain = target.draw(hypersd=wish)
    with target.option("sd_lora", standing):
        drawn = target.draw(hypersd=wish)
        same_picture(drawn.picture, plain.picture, "with the option set")
        check(standing in drawn.infotext.own().get("Hyper-SD notice", ""), f"a notice: {drawn.infotext.own()}")
        check(standing not in drawn.infotext.fields.get("Lora hashes", ""), "its hash is not among those used")


@scenario
def the_standing_network_that_is_the_plans_own_file_counts_once(target: Target) -> None:
    name = target.quick.name
    for apply in ("host", "bypass"):
        hypersd = {"lora": name, "apply": apply}
        plain = target.draw(hypersd=hypersd)
        with target.option("sd_lora", name):
            drawn = target.draw(hypersd=hypersd)
            same_picture(drawn.picture, plain.picture, f"{apply}, with the option set")
            equal(drawn.infotext.prompt.count(f"<lora:{name}"), 1, f"{apply}: tags")
            equal(drawn.infotext.own(), plain.infotext.own(), f"{apply}: the extension's fields")
            equal(
                drawn.infotext.fields.get("Lora hashes"), plain.infotext.fields.get("Lora hashes"), f"{apply}: hashes"
            )
