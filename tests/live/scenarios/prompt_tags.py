"""Tags and aliases in prompts: read from the plan, and pictures where only a picture shows."""

from __future__ import annotations

import re

from ..published import BY_NAME, WEIGHT, best, tag, tags
from ..scenario import SkippedError, all_of, check, equal, failure_of, same_picture, scenario
from ..target import Target


def short(target: Target) -> str:
    return f"Hyper-{target.family.upper()}"


def own_tags(prompt: str) -> list[tuple[str, str]]:
    return [(name, rest) for name, rest in tags(prompt) if name.lower().startswith("hyper-")]


@scenario
def an_alias_is_replaced_in_place(target: Target) -> None:
    name = target.best.name
    plan = target.plan(prompt=f"a <lora:{short(target)}:0.5> red circle")
    equal(plan.prompt, f"a <lora:{name}:0.5> red circle", "prompt")
    check(plan.active, "active")


@scenario
def an_alias_without_a_weight_gets_the_familys(target: Target) -> None:
    plan = target.plan(prompt=f"<lora:{short(target)}> a red circle")
    equal(plan.prompt, f"{target.best.tag} a red circle", "prompt")


@scenario
def aliases_are_read_in_any_case_and_spelling(target: Target) -> None:
    four = best(target.family, target.loras, 4)
    if four is None or four.steps != 4:
        raise SkippedError("no 4-step file")
    end = "-cfg" if four.kind == "cfg" else ""
    base = f"hyper-{target.family}"

    def one(alias: str, name: str) -> None:
        plan = target.plan(prompt=f"a <lora:{alias}:0.5> b")
        equal(plan.prompt, f"a <lora:{name}:0.5> b", f"<lora:{alias}:0.5>")

    aliases = [
        f"{base}-4step{end}",
        f"{base}-4steps{end}",
        f"{base}-4steps{end}-lora".upper(),
        f"{base}-4STEP{end}-LoRA",
    ]
    all_of(failure_of(lambda a=alias: one(a, four.name)) for alias in aliases)
    for alias in (base, base.upper(), f"{base}-lora"):
        one(alias, target.best.name)


@scenario
def words_that_only_begin_like_an_alias_are_none(target: Target) -> None:
    for name in (f"{short(target)}-style", "Hyper-SD", f"my-{short(target)}", "HyperRealism", f"{short(target)}-8"):
        prompt = f"a red circle <lora:{name}:0.5>"
        plan = target.plan(prompt=prompt)
        equal((plan.active, plan.prompt), (False, prompt), f"<lora:{name}:0.5>")


@scenario
def an_objects_steps_choose_the_aliass_file(target: Target) -> None:
    for steps in (2, 4):
        wanted = best(target.family, target.loras, steps)
        plan = target.plan({"steps": steps}, prompt=f"a <lora:{short(target)}> b")
        equal(plan.lora, wanted.name if wanted else None, f"steps {steps}")
        equal(plan.values["steps"], steps, "steps")


@scenario
def an_alias_of_another_family_is_taken_out_with_a_notice(target: Target) -> None:
    other = "SDXL" if target.family != "sdxl" else "SD15"
    prompt = target.request()["prompt"]
    for typed in (f"{prompt} <lora:Hyper-{other}:0.5>", f"{prompt} <lora:hyper-{other}-4steps>"):
        drawn = target.draw(prompt=typed)
        same_picture(drawn.picture, target.draw().picture, typed)
        equal(tags(drawn.infotext.prompt), [], "tags")
        equal(int(drawn.infotext.fields["Steps"]), target.request()["steps"], "Steps")
        check("Hyper-SD notice" in drawn.infotext.own(), f"a notice: {drawn.infotext.own()}")


@scenario
def taking_an_alias_out_leaves_the_other_tags(target: Target) -> None:
    other = "SDXL" if target.family != "sdxl" else "SD15"
    prompt = f"a <lora:my-style:0.7> circle <lora:Hyper-{other}> <lora:other:1>"
    plan = target.plan(prompt=prompt)
    equal(tags(plan.prompt), [("my-style", "0.7"), ("other", "1")], "tags")
    check(plan.notices, "a notice")
    active = target.plan({}, prompt=prompt)
    equal(tags(active.prompt), [*tags("<lora:my-style:0.7><lora:other:1>"), *tags(target.best.tag)], "tags when active")


@scenario
def a_typed_full_name_stays_and_its_weight_wins(target: Target) -> None:
    name = target.quick.name
    prompt = f"a {tag(name, 0.6)} red circle"
    for hypersd in ({}, {"lora": target.best.name}, {"weight": 0.2}, {"lora": name, "weight": 0.2}):
        plan = target.plan(hypersd, prompt=prompt)
        equal(plan.prompt, prompt, f"{hypersd}: prompt")
        equal(plan.lora, name, f"{hypersd}: lora")
        equal(plan.values["steps"], BY_NAME[name].steps, f"{hypersd}: steps")


@scenario
def a_typed_full_name_without_a_weight_gets_the_familys(target: Target) -> None:
    name = target.quick.name
    plan = target.plan({}, prompt=f"a <lora:{name}> red circle")
    equal(plan.prompt, f"a {target.quick.tag} red circle", "prompt")


@scenario
def the_tag_stands_once_however_often_it_was_typed(target: Target) -> None:
    name = target.quick.name
    for prompt in (
        f"a cat {tag(name, 0.5)}",
        f"{tag(name, 0.5)} a cat",
        f"a {tag(name, 0.5)}\ncat",
        f"a cat {tag(name, 0.5)}, a dog",
    ):
        equal(own_tags(target.plan({}, prompt=prompt).prompt), [(name, "0.5")], prompt)


@scenario
def an_alias_and_the_full_name_of_one_file_are_one_tag(target: Target) -> None:
    name = target.best.name
    plan = target.plan({}, prompt=f"{tag(name, 0.5)} a cat <lora:{name.lower()}:0.5>")
    check(len(own_tags(plan.prompt)) >= 1, "a tag")
    equal({n for n, _ in own_tags(plan.prompt)}, {name}, f"names in {plan.prompt}")
    equal(own_tags(plan.prompt)[0], (name, "0.5"), "the first")


@scenario
def of_two_different_tags_the_first_stays_with_a_notice(target: Target) -> None:
    quick, other = target.quick, target.best
    if quick.name == other.name:
        raise SkippedError("only one Hyper-SD file for this family")
    plan = target.plan({}, prompt=f"{tag(quick.name, 0.7)} a cat {tag(other.name, 0.9)}")
    equal(plan.lora, quick.name, "lora")
    equal(own_tags(plan.prompt)[0], (quick.name, "0.7"), "first tag")
    equal(plan.values["steps"], quick.steps, "steps")
    check(plan.notices, "a notice")


@scenario
def tags_in_comments_do_not_count(target: Target) -> None:
    with target.comments_on():
        for prompt in (f"a cat # <lora:{short(target)}>", f"# <lora:{short(target)}:0.5>\na cat"):
            plan = target.plan(prompt=prompt)
            check(not plan.active, f"an alias in a comment is active: {prompt!r}")
            equal(plan.prompt, prompt, "prompt")
        commented = f"a cat # {tag(target.quick.name, 0.5)}"
        plan = target.plan({}, prompt=commented)
        equal(plan.lora, target.best.name, "lora beside a tag in a comment")
        equal(plan.prompt, f"{commented}\n{target.best.tag}", "prompt")


@scenario
def behind_a_comment_the_tag_stands_on_its_own_line(target: Target) -> None:
    best_tag = target.best.tag
    with target.comments_on():
        for prompt, wanted in (
            ("a cat # note", f"a cat # note\n{best_tag}"),
            ("# note", f"# note\n{best_tag}"),
            ("a # note\nb", f"a # note\nb {best_tag}"),
            ("a cat\n# note", f"a cat\n# note\n{best_tag}"),
        ):
            equal(target.plan({}, prompt=prompt).prompt, wanted, repr(prompt))
        drawn = target.draw(prompt="a red circle # <lora:none:1> note", hypersd={"lora": target.quick.name})
        plain = target.draw(prompt="a red circle", hypersd={"lora": target.quick.name})
        equal(drawn.infotext.fields.get("Lora hashes"), plain.infotext.fields.get("Lora hashes"), "Lora hashes")


@scenario
def the_tag_stands_after_one_space_at_the_end(target: Target) -> None:
    best_tag = target.best.tag
    for prompt in (
        "a cat",
        "a cat,",
        "a\nb",
        "a BREAK b",
        "a AND b",
        "a :1.2 AND b :0.8",
        "(a:1.2)",
        "[a:b:0.5]",
        "[a|b]",
    ):
        equal(target.plan({}, prompt=prompt).prompt, f"{prompt} {best_tag}", repr(prompt))
    equal(target.plan({}, prompt="").prompt.strip(), best_tag, "an empty prompt")
    equal(target.plan({}, prompt="a cat ").prompt, f"a cat {best_tag}", "a prompt that ends in a space")


@scenario
def nothing_else_in_the_prompt_changes(target: Target) -> None:
    for prompt in (
        r"a \(b\) \[c\] (d:1.3) {e} <f> g:h",
        "ümläut 猫 🐈 «x»",
        "a  b   c\t d",
        "a,,b , c,",
        "line one\n\n\nline four\nBREAK\nlast",
        "<lora:my-style:0.8> <hypernet:x:1> a <lora:b>",
        "a " * 3000 + "end",
    ):
        equal(target.plan({}, prompt=prompt).prompt, f"{prompt} {target.best.tag}", repr(prompt[:60]))


@scenario
def tags_with_more_than_one_number_stay_as_typed(target: Target) -> None:
    name = target.quick.name
    for rest in ("0.5:0.7", "0.5:0.7:0.3", "te=0.5:unet=0.7", "unet=0.7:te=0.5", "0.5:unet=0.7", "0.6:dyn=8"):
        prompt = f"a <lora:{name}:{rest}> cat"
        plan = target.plan({}, prompt=prompt)
        equal((plan.prompt, plan.lora), (prompt, name), rest)
        alias = target.plan(prompt=f"a <lora:{short(target)}:{rest}> cat")
        equal(alias.prompt, f"a <lora:{target.best.name}:{rest}> cat", f"alias with {rest}")


@scenario
def attention_and_editing_around_a_tag_stay(target: Target) -> None:
    name = target.best.name
    for before, after in (("(", ":1.2) cat"), ("[a:", ":0.5] cat"), ("((", ")) cat"), ("[", "] cat"), ("a AND ", " b")):
        plan = target.plan(prompt=f"{before}<lora:{short(target)}:0.5>{after}")
        equal(plan.prompt, f"{before}<lora:{name}:0.5>{after}", f"{before}…{after}")


@scenario
def a_multi_line_prompt_with_break_draws_as_by_hand(target: Target) -> None:
    prompt = "a red circle\nBREAK on (green:1.2)\n[small:large:0.5]"
    drawn = target.draw(prompt=prompt, hypersd={"lora": target.quick.name})
    equal(drawn.infotext.prompt, f"{prompt} {target.quick.tag}", "prompt")
    same_picture(target.draw_infotext(drawn.infotext).picture, drawn.picture, "by hand", target.tolerance)


@scenario
def an_and_prompt_draws_as_by_hand(target: Target) -> None:
    drawn = target.draw(prompt="a red circle AND a green square :0.7", hypersd={"lora": target.quick.name})
    same_picture(target.draw_infotext(drawn.infotext).picture, drawn.picture, "by hand", target.tolerance)


@scenario
def an_alias_in_a_batch_draws_every_picture(target: Target) -> None:
    alias = f"<lora:{short(target)}-{target.quick.steps}step>"
    if target.quick.steps == 1 or target.quick.kind != "plain":
        raise SkippedError("no plain file of several steps")
    prompt = target.request()["prompt"]
    aliased = target.draw(prompt=f"{prompt} {alias}", batch_size=2, n_iter=2)
    drawn = target.draw(hypersd={"lora": target.quick.name}, batch_size=2, n_iter=2)
    equal([p.pixels for p in aliased.pictures], [p.pixels for p in drawn.pictures], "pixels of four pictures")
    equal([i.prompt for i in aliased.infotexts], [i.prompt for i in drawn.infotexts], "prompts")


@scenario
def a_styles_prompt_gets_the_tag_behind_it(target: Target) -> None:
    styles = [s for s in named_styles(target) if not re.search("[#<]", s["prompt"])]
    if not styles:
        raise SkippedError("the host has no plain style")
    drawn = target.draw(hypersd={"lora": target.quick.name}, styles=[styles[0]["name"]])
    check(drawn.infotext.prompt.endswith(f" {target.quick.tag}"), f"prompt: {drawn.infotext.prompt!r}")
    equal(len(own_tags(drawn.infotext.prompt)), 1, "tags")
    same_picture(target.draw_infotext(drawn.infotext).picture, drawn.picture, "by hand", target.tolerance)


@scenario
def an_alias_in_a_style_is_read(target: Target) -> None:
    alias = f"<lora:Hyper-{target.family.upper()}"
    style = next((s for s in named_styles(target) if alias.lower() in s["prompt"].lower()), None)
    if style is None:
        raise SkippedError("the host has no style with an alias")
    drawn = target.draw(styles=[style["name"]])
    check("Hyper-SD" in drawn.infotext.own(), f"active: {drawn.infotext.text}")
    check(target.loras & {name for name, _ in own_tags(drawn.infotext.prompt)}, f"prompt: {drawn.infotext.prompt}")


@scenario
def a_typed_alias_wins_over_the_objects_file(target: Target) -> None:
    quick = target.quick
    if quick.steps == 1 or quick.name == target.best.name:
        raise SkippedError("no second plain file of several steps")
    prompt = f"a <lora:Hyper-{target.family.upper()}-{quick.steps}steps:0.7> cat"
    plan = target.plan({"lora": target.best.name, "weight": 0.2}, prompt=prompt)
    equal(plan.prompt, f"a {tag(quick.name, 0.7)} cat", "prompt")
    equal((plan.lora, plan.values["steps"]), (quick.name, quick.steps), "lora, steps")


@scenario
def an_alias_in_the_negative_prompt_or_unclosed_is_none(target: Target) -> None:
    alias = f"<lora:{short(target)}:0.5"
    check(not target.plan(negative_prompt=f"blur {alias}>").active, "an alias in the negative prompt")
    plan = target.plan(prompt=f"a cat {alias}")
    equal((plan.active, plan.prompt), (False, f"a cat {alias}"), "an unclosed tag")


@scenario
def odd_weights_in_a_tag_never_cost_the_picture(target: Target) -> None:
    def one(rest: str) -> None:
        drawn = target.draw(prompt=f"a red circle <lora:{short(target)}{rest}>")
        names = {name for name, _ in own_tags(drawn.infotext.prompt)}
        check(names <= target.loras, f"{rest}: an alias is left in {drawn.infotext.prompt}")

    all_of(failure_of(lambda r=rest: one(r)) for rest in (":abc", ":", ":nan", ":1e400", ": 0.5 ", ":-1", ":0", ":1:x"))


@scenario
def a_typed_weight_without_effect_is_said(target: Target) -> None:
    """The host cannot read such a weight and draws without the LoRA: by the recipe that is a ruined picture."""
    without = target.draw(hypersd={"lora": "none"}, prompt="a red circle")

    def one(rest: str) -> None:
        drawn = target.draw(prompt=f"a red circle <lora:{short(target)}:{rest}>")
        if drawn.picture.distance(without.picture) == 0 and "Hyper-SD" in drawn.infotext.own():
            check("Hyper-SD notice" in drawn.infotext.own(), f"{rest}: no LoRA at work, no notice")

    all_of(failure_of(lambda r=rest: one(r)) for rest in ("abc", ":0.5", "0.5:x", "te=x", "0"))


def named_styles(target: Target) -> list[dict[str, str]]:
    return [s for s in target.client.get("/sdapi/v1/prompt-styles") if s.get("prompt")]


@scenario
def a_typed_tag_of_another_family_gets_a_notice(target: Target) -> None:
    other = "sdxl" if target.family != "sdxl" else "sd15"
    foreign = best(other, target.loras)
    if foreign is None:
        raise SkippedError(f"no {other} LoRA on the target")
    plan = target.plan({}, prompt=f"a cat {tag(foreign.name, WEIGHT[other])}")
    check(plan.notices, f"a notice: {plan}")


@scenario
def disabled_extra_networks_are_not_asked_of(target: Target) -> None:
    if not target.has_field("disable_extra_networks"):
        raise SkippedError("the host has no such field")
    drawn = target.draw(hypersd={"lora": target.quick.name}, disable_extra_networks=True)
    check(re.search(r"Steps: \d+", drawn.infotext.text), "the picture is drawn")
