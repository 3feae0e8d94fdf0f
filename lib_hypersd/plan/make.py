"""(Inputs, Settings) → Plan: the heart.

Pure: the same input gives the same plan, nothing is touched. All or nothing: a plan is either active, with every
value it sets, or it changes nothing but an alias that has to be removed. Applied to its own result it changes nothing.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..models.checkpoint import Checkpoint
from ..request.preferences import Policy, with_policy
from ..request.prompt_tags import find_tags
from ..request.settings import Settings
from ..request.tag_rule import Retagged, TagRule, Typed
from ..sampling.names import schedule_in_effect
from ..text import counted, echo, readable
from .draft import Draft, Inputs
from .first_pass import tune_first_pass
from .hires_pass import tune_hires_pass, turns_on
from .how_applied import application, application_notices
from .lora_choice import LoraChoice, Refusal, choose_lora, typed_otherwise
from .result import PROMPT_FIELDS, Change, Plan, Reason
from .sampler_limits import replace_unsupported, settle_own_sampling
from .warnings import Tuned, warnings


def make_plan(inputs: Inputs, settings: Settings) -> Plan:
    """The plan for a request that is active by panel, object or tag."""
    request, preferences, hr_checkpoint = inputs.request, inputs.preferences, inputs.hr_checkpoint
    if inputs.checkpoint.is_unknown:
        return _pending(inputs)
    settings, for_hires = _settled(inputs, settings)
    named = None if settings.lora in ("auto", "none") else inputs.index.requested_file(settings.lora)

    def read(hr_prompts: tuple[str, ...]) -> Typed:
        # A hires pass on another checkpoint has a tag of its own.
        prompts = request.prompts if hr_checkpoint else (*request.prompts, *hr_prompts)
        return inputs.reader(settings, named).first_typed(prompts)

    typed = read(request.hr_prompts_if_on if turns_on(request, settings) else request.hr_prompts)
    draft = Draft(inputs, list(typed.dropped))
    try:
        choice = choose_lora(draft, settings, typed)
        rule = choice.rule(inputs.reader(settings))
        draft.notices += typed_otherwise(typed)
        tune_first_pass(draft, settings, choice)
        hires = tune_hires_pass(draft, for_hires, choice, rule)
        eta = settle_own_sampling(draft, settings, choice.recipe)
    except Refusal as refusal:
        plan = refused(inputs, read(request.hr_prompts).dropped, refusal.reason)
        return replace(plan, missing=refusal.missing, unfit=refusal.unfit)
    draft.notices += warnings(Tuned(draft, settings, choice, hires.recipe))
    applied = application(draft, settings, choice)
    draft.notices += application_notices(draft, choice, applied)
    families = [one.family for one in (inputs.checkpoint, hr_checkpoint) if one]
    draft.notices += preferences.notices(families, inputs.index.is_file)
    return _with_lora(
        _assemble(draft, rule, hires.rule),
        draft,
        choice,
        application=applied,
        hr_application=application(draft, for_hires, hires.choice, hires=True) if hires.choice else None,
        eta=eta,
    )


def _with_lora(plan: Plan, draft: Draft, choice: LoraChoice, **how: Any) -> Plan:
    """`plan`, active, with what it says of its LoRA and of how that is applied."""
    return replace(
        plan,
        active=True,
        lora=choice.name,
        weight=choice.weight if choice.file else None,
        schedule=choice.schedule,
        hires_weight=None if choice.is_typed else choice.hires,
        leaves_out_standing=draft.inputs.standing_file is not None,
        summary=_summary(draft, choice),
        **how,
    )


def _settled(inputs: Inputs, settings: Settings) -> tuple[Settings, Settings]:
    """The settings of the first and of the hires pass, by what the defaults mean for each one's family.

    Whether there is a hires pass is the first one's to say.
    """
    preferences, hr_checkpoint = inputs.preferences, inputs.hr_checkpoint
    suited = _suited(settings, inputs.checkpoint)
    first = preferences.settled(suited, inputs.checkpoint.family, img2img=inputs.request.mode == "img2img")
    if hr_checkpoint is None:
        return first, first
    second = preferences.settled(_suited(settings, hr_checkpoint), hr_checkpoint.family)
    return first, replace(second, hires=first.hires)


_LEFT_ALONE: Policy = dict.fromkeys(("cfg", "distilled_cfg", "sampler", "scheduler"), "keep")
"""What the defaults mean on a de-distilled FLUX.1, for which there is no recipe."""


def _suited(settings: Settings, checkpoint: Checkpoint) -> Settings:
    return with_policy(settings, _LEFT_ALONE) if checkpoint.is_de_distilled else settings


def plan_for_tags(inputs: Inputs) -> Plan:
    """The plan that typed tags request, the panel being off: the whole recipe of the first usable one.

    Where none can be used, aliases are removed, a notice says so, and nothing else is changed.
    """
    if inputs.checkpoint.is_unknown:
        return _pending(inputs)
    request = inputs.request
    typed = inputs.reader().first_typed(request.prompts + request.hr_prompts)
    if typed.tag is not None or (inputs.hr_checkpoint and inputs.hr_reader().first_typed(request.hr_prompts).tag):
        return make_plan(inputs, Settings())
    return replace(
        refused(inputs, typed.dropped), missing=typed.wanted, unfit=bool(typed.dropped) and typed.wanted is None
    )


def _pending(inputs: Inputs) -> Plan:
    """Nothing is changed yet: what the checkpoint is shows when it is loaded, which is before a generation's plan."""
    name, title = inputs.checkpoint.name, inputs.checkpoint.title
    notice = f"{name} is {title}: its first generation shows what it is, and is planned for that."
    return replace(Plan.unchanged(inputs.request), notices=(notice,), pending=True)


def plan_for_own_sampling(inputs: Inputs) -> Plan | None:
    """With no recipe requested: what must be replaced in a request that names a sampler or a schedule type of
    Hyper-SD's which is not supported there. None where there is nothing to do; prompts stay as they are."""
    draft = Draft(inputs)
    notices = tuple(replace_unsupported(draft))
    return replace(Plan.unchanged(inputs.request), changes=tuple(draft.changes), notices=notices) if notices else None


def refused(inputs: Inputs, notices: Iterable[str], reason: Reason | None = None) -> Plan:
    """Nothing is changed but what can't be left: aliases, and Hyper-SD's sampling where it is not supported."""
    draft = Draft(inputs, list(notices))
    replaced = replace_unsupported(draft)
    draft.notices += [*([reason.sentence(is_all=not replaced)] if reason else []), *replaced]
    rule = TagRule(inputs.reader())
    plan = _assemble(draft, rule, rule)
    removed = (change.before for change in plan.changes if change.field in PROMPT_FIELDS and not change.after)
    names = dict.fromkeys(echo(tag.name) for text in removed for tag in find_tags(text, comments="none"))
    mentioned = set(_MENTIONED.findall(plan.notice))  # in one go: a long prompt has thousands of both
    unmentioned = (name for name in names if name not in mentioned)
    more = (f"<lora:{name}> was taken out of the prompt: without the recipe it means nothing." for name in unmentioned)
    return replace(plan, notices=(*plan.notices, *more))


_MENTIONED = re.compile(r"<lora:([^>]*)>")


def _assemble(draft: Draft, rule: TagRule, hr_rule: TagRule) -> Plan:
    """A plan, not yet active, of the draft's changes and of the prompts after the rules."""
    request = draft.request
    turned_on = draft["enable_hr"] and not request.enable_hr
    hr_source = request.hr_prompts_if_on if turned_on else request.hr_prompts
    prompts = {p: rule.apply(p) for p in dict.fromkeys((*request.prompts, request.main_prompt))}
    hr_prompts = {p: hr_rule.apply(p) for p in dict.fromkeys(hr_source)}
    changes = [*draft.changes, *_edits("prompt", prompts)]
    if hr_rule is not rule or not hr_prompts.keys() <= prompts.keys():
        changes += _edits("hr_prompt", hr_prompts)
    notices = [*draft.notices, *_second_tags(rule, prompts), *_second_tags(hr_rule, hr_prompts)]
    return Plan(
        active=False,
        changes=tuple(changes),
        notices=tuple(dict.fromkeys(notices)),
        rule=rule,
        hr_rule=hr_rule,
        prompts=tuple(prompts[p].prompt for p in request.prompts),
        main_prompt=prompts[request.main_prompt].prompt,
        hr_prompts=tuple(hr_prompts[p].prompt for p in hr_source),
    )


_REASONS = {"": "the tag that loads the LoRA"}


def _edits(name: str, retagged: Mapping[str, Retagged]) -> list[Change]:
    """One change for each distinct edit, however many prompts of a batch have it."""
    pairs = dict.fromkeys(pair for one in retagged.values() for pair in one.edits)
    replaced = "the file and weight it stands for"
    return [Change(name, a, b, _REASONS.get(a, replaced if b else "taken out")) for a, b in pairs]


def _second_tags(rule: TagRule, retagged: Mapping[str, Retagged]) -> list[str]:
    kept = rule.file.name if rule.file else ""
    names = dict.fromkeys(name for one in retagged.values() for name in one.second)
    return [f"A second Hyper-SD tag, {echo(name)}, was taken out: {kept} is the one that counts." for name in names]


def _summary(draft: Draft, choice: LoraChoice) -> str:
    """One line: "Hyper-SD15-8steps-lora × 1 · 8 steps · CFG 1 · Euler · SGM Uniform"."""
    parts = [
        f"{choice.name} × {choice.schedule or format(choice.weight, 'g')}" if choice.file else choice.name,
        counted(draft["steps"], "step"),
        f"CFG {readable(draft['cfg_scale'])}",
    ]
    if choice.recipe.distilled_cfg is not None and draft["distilled_cfg_scale"] is not None:
        parts.append(f"distilled CFG {readable(draft['distilled_cfg_scale'])}")
    parts.append(draft["sampler_name"])
    schedule = schedule_in_effect(draft["sampler_name"], draft["scheduler"])
    if schedule is not None and draft["scheduler"] is not None:  # else the sampler's name says it
        parts.append(schedule)
    return " · ".join(dict.fromkeys(parts))
