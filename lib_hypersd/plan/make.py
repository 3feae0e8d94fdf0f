"""(Request, Settings, Checkpoint, LoRA files) → Plan: the heart.

Pure: the same input gives the same plan, nothing is touched. All or nothing: a plan is either active, with every
value it sets, or it changes nothing but an alias that has to go. Applied to its own result it changes nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..models.families import Checkpoint
from ..models.lora_index import LoraIndex
from ..models.recipes import ONE_STEP_UNET_STOCK, Dial, Recipe
from ..request.defaults import NO_PREFERENCES, Preferences
from ..request.prompt_tags import find_tags
from ..request.request import Request
from ..request.settings import Settings
from ..request.tag_rule import TagRule, Typed, typed_tag
from ..sampling.names import TCD, schedule_in_effect
from ..text import echo, readable
from .draft import Draft
from .first_pass import tune_first_pass
from .hires_pass import HiresPass, tune_hires_pass, turns_on
from .lora_choice import Refusal, Target, find_target, typed_otherwise
from .result import PROMPT_FIELDS, Change, Plan
from .sampler_limits import first_is_flow, fitting_schedule, settle_own_sampling, what_cannot_be_drawn

FAR_WEIGHT = (0.5, 1.5)
"""A LoRA weight outside these multiples of the recipe's gets a notice."""
FAR_STEPS = (0.75, 1.5)
"""The same for steps: the card runs the 8-step files at 6 steps, the source article at 9."""


def make_plan(
    request: Request,
    settings: Settings,
    checkpoint: Checkpoint,
    index: LoraIndex,
    hr_checkpoint: Checkpoint | None = None,
    preferences: Preferences = NO_PREFERENCES,
) -> Plan:
    """The plan for a request that is active by panel, object or tag.

    `checkpoint` is the model of the first pass, `hr_checkpoint` that of the hires pass where it is another one.
    """
    settings, for_hires = _settled(request, settings, checkpoint, hr_checkpoint, preferences)
    asked = None if settings.lora in ("auto", "none") else index.asked_file(settings.lora)

    def read(hr_prompts: tuple[str, ...]) -> Typed:
        # A hires pass on another checkpoint has a tag of its own.
        prompts = request.prompts if hr_checkpoint else (*request.prompts, *hr_prompts)
        family, steps = checkpoint.family, settings.explicit_steps
        return typed_tag(prompts, index, family, steps, asked=asked, comments=request.comments)

    typed = read(request.hr_prompts_if_on if turns_on(request, settings) else request.hr_prompts)
    draft = Draft(request, preferences, notices=list(typed.dropped))
    try:
        target = find_target(settings, checkpoint, index, typed, draft)
        rule = target.rule(index, checkpoint.family, request.comments, settings.explicit_steps)
        draft.notices += typed_otherwise(typed)
        tune_first_pass(draft, settings, checkpoint, target)
        hires = tune_hires_pass(draft, for_hires, index, target, rule, checkpoint, hr_checkpoint)
        eta = settle_own_sampling(draft, settings, checkpoint, hr_checkpoint)
    except Refusal as refusal:
        untouched = Draft(request, notices=[*read(request.hr_prompts).dropped, str(refusal)])
        refused = _refused(untouched, index, checkpoint, hr_checkpoint)
        return replace(refused, missing=refusal.missing, unfit=refusal.unfit)
    _warnings(draft, settings, checkpoint, target, hires)
    families = [one.family for one in (checkpoint, hr_checkpoint) if one]
    draft.notices += preferences.notices(families, index.is_file)
    plan = _assemble(draft, target, rule, hires.rule, draft.notices)
    return replace(plan, eta=eta)


def _settled(
    request: Request,
    settings: Settings,
    checkpoint: Checkpoint,
    hr_checkpoint: Checkpoint | None,
    preferences: Preferences,
) -> tuple[Settings, Settings]:
    """The settings of the first and of the hires pass, by what the defaults mean for each one's family.

    Whether there is a hires pass is the first one's to say.
    """
    settled = preferences.settled(settings, checkpoint.family, img2img=request.mode == "img2img")
    if hr_checkpoint is None:
        return settled, settled
    return settled, replace(preferences.settled(settings, hr_checkpoint.family), hires=settled.hires)


def plan_for_tags(
    request: Request,
    checkpoint: Checkpoint,
    index: LoraIndex,
    hr_checkpoint: Checkpoint | None = None,
    preferences: Preferences = NO_PREFERENCES,
) -> Plan:
    """The plan that typed tags ask for, the panel being off: the whole recipe of the first usable one.

    Where none can be used, aliases are taken out, a notice says so, and nothing else is changed.
    """
    typed = typed_tag(request.prompts + request.hr_prompts, index, checkpoint.family, None, comments=request.comments)
    hr_family = hr_checkpoint.family if hr_checkpoint else None
    for_hires = typed_tag(request.hr_prompts, index, hr_family, None, comments=request.hr_comments)
    if typed.tag is not None or (hr_checkpoint is not None and for_hires.tag is not None):
        return make_plan(request, Settings(), checkpoint, index, hr_checkpoint, preferences)
    refused = _refused(Draft(request, notices=list(typed.dropped)), index, checkpoint, hr_checkpoint)
    return replace(refused, missing=typed.wanted, unfit=bool(typed.dropped) and typed.wanted is None)


def plan_for_own_sampling(
    request: Request, checkpoint: Checkpoint, hr_checkpoint: Checkpoint | None = None
) -> Plan | None:
    """With no recipe asked for: what must be taken out of a request that names a sampler or a schedule type of ours
    which can't draw it. None where there is nothing to do; prompts stay as they are."""
    draft = Draft(request)
    notices = what_cannot_be_drawn(draft, checkpoint, hr_checkpoint)
    if not notices:
        return None
    return Plan(
        active=False,
        changes=tuple(draft.changes),
        notices=tuple(notices),
        prompts=request.prompts,
        main_prompt=request.main_prompt,
        hr_prompts=request.hr_prompts,
    )


def _refused(draft: Draft, index: LoraIndex, checkpoint: Checkpoint, hr_checkpoint: Checkpoint | None) -> Plan:
    """Nothing is changed but what can't be left in: aliases, and ours where they can't draw."""
    draft.notices += what_cannot_be_drawn(draft, checkpoint, hr_checkpoint)
    rule = TagRule(index, None, "", 0.0, checkpoint.family, draft.request.comments)
    plan = _assemble(draft, None, rule, rule, draft.notices)
    gone = (change.before for change in plan.changes if change.field in PROMPT_FIELDS and not change.after)
    names = dict.fromkeys(echo(tag.name) for text in gone for tag in find_tags(text, comments="none"))
    untold = (name for name in names if f"<lora:{name}>" not in plan.notice)
    more = (f"<lora:{name}> was taken out of the prompt: without the recipe it means nothing." for name in untold)
    return replace(plan, notices=(*plan.notices, *more))


def _warnings(draft: Draft, settings: Settings, checkpoint: Checkpoint, target: Target, hires: HiresPass) -> None:
    """What will look bad though it was asked for, and what will have no effect."""
    request, recipe, say = draft.request, target.recipe, draft.notices.append
    _cfg_of_each_pass(draft, recipe, hires)
    if draft["cfg_scale"] == 1 and request.negative_prompt:
        say("The negative prompt has no effect at CFG 1.")
    _steps_and_weight(draft, target)
    distilled, dial = draft["distilled_cfg_scale"], recipe.distilled_cfg
    if dial is not None and distilled is not None and not checkpoint.uses_shift and not dial.holds(distilled):
        say(f"Distilled CFG {distilled:g} is outside the recipe's {_span(dial)}.")
    sampler = draft["sampler_name"]
    schedule = schedule_in_effect(sampler, draft["scheduler"])
    fitting = fitting_schedule(sampler, recipe, draft, flow=first_is_flow(draft, checkpoint))
    if request.method_of(sampler) not in (recipe.sampler, TCD):
        meant = request.sampler_on(recipe.sampler, recipe.scheduler)
        say(f"Sampler {sampler} is not the recipe's {meant}: expect noise or blur.")
    if schedule not in (None, fitting):
        say(f"Schedule type {schedule} is not the recipe's {fitting}: expect noise or blur.")
    hires_values = any(getattr(settings, key) != "auto" for key in _HIRES_VALUES)
    if hires_values and (not draft["enable_hr"] or settings.hires == "keep"):
        say(f"The hires values were not used: {'Hires is set to keep' if draft['enable_hr'] else 'hires fix is off'}.")
    if settings.hires_scale not in ("auto", "keep") and request.hires_obstacle and draft["enable_hr"]:
        say(f"The hires scale was not used: {request.hires_obstacle}.")
    if recipe is ONE_STEP_UNET_STOCK and not draft["enable_hr"] and request.mode == "txt2img":
        say("The 1-step SDXL UNet draws soft pictures on its own: turn on hires fix for a second pass.")
    if request.refiner:
        say("A refiner is set: it runs without this plan; switch it off for few-step pictures.")


_HIRES_VALUES = ("hires_steps", "hires_denoise", "hires_scale", "hires_upscaler")


def _cfg_of_each_pass(draft: Draft, recipe: Recipe, hires: HiresPass) -> None:
    """Each pass is judged by its own recipe: the hires pass may run on another checkpoint."""
    first, own = draft["cfg_scale"], _own_hires_cfg(draft)
    judged = [("CFG", first, recipe.cfg)]
    if draft["enable_hr"] and hires.recipe is not None and (own is not None or hires.recipe.cfg != recipe.cfg):
        judged.append(("Hires CFG", first if own is None else own, hires.recipe.cfg))
    for title, value, dial in judged:
        if not dial.holds(value):
            draft.notices.append(
                f"{title} {value:g} is outside the recipe's {_span(dial)}: expect a burnt or washed-out picture."
            )


def _own_hires_cfg(draft: Draft) -> float | None:
    """The hires pass's CFG, or None where it is the first pass's."""
    value: float | None = draft["hr_cfg"]
    return None if value is None or (draft.request.hr_cfg_zero_is_same and value <= 0) else value


def _steps_and_weight(draft: Draft, target: Target) -> None:
    request, recipe, steps = draft.request, target.recipe, draft["steps"]
    low, high = _steps_range(target)
    fixed_second_pass = request.mode == "img2img" and request.img2img_fixed_steps
    if not fixed_second_pass and not low <= steps <= high:
        made_for = "the checkpoint's name tells" if target.file is None else f"{target.name} was trained for"
        draft.notices.append(f"{steps} steps are far from the {target.steps} that {made_for}.")
    low, high = sorted(factor * recipe.weight for factor in FAR_WEIGHT)
    if target.file is not None and not low <= target.weight <= high:
        draft.notices.append(f"Weight {target.weight:g} is far from {recipe.weight:g}, at which {target.name} works.")


def _steps_range(target: Target) -> tuple[float, float]:
    if target.unified:
        return 1, max(8, target.steps)
    return FAR_STEPS[0] * target.steps, FAR_STEPS[1] * target.steps


def _span(dial: Dial) -> str:
    return f"{dial.low:g}–{dial.high:g}" if dial.low < dial.high else f"{dial.value:g}"


def _assemble(draft: Draft, target: Target | None, rule: TagRule, hr_rule: TagRule, notices: list[str]) -> Plan:
    request = draft.request
    prompts = {p: rule.apply(p) for p in dict.fromkeys((*request.prompts, request.main_prompt))}
    turned_on = any(c.field == "enable_hr" for c in draft.changes)
    hr_source = request.hr_prompts_if_on if turned_on else request.hr_prompts
    hr_prompts = {p: hr_rule.apply(p) for p in dict.fromkeys(hr_source)}
    changes = [*draft.changes, *_edits("prompt", prompts)]
    if hr_rule is not rule or not hr_prompts.keys() <= prompts.keys():
        changes += _edits("hr_prompt", hr_prompts)
    for one_rule, tagged in ((rule, prompts), (hr_rule, hr_prompts)):
        for name in dict.fromkeys(name for t in tagged.values() for name in t.second):
            kept = one_rule.file.name if one_rule.file else ""
            notices.append(f"A second Hyper-SD tag, {echo(name)}, was taken out: {kept} is the one that counts.")
    return Plan(
        active=target is not None,
        changes=tuple(changes),
        notices=tuple(dict.fromkeys(notices)),
        lora=target.name if target else None,
        weight=target.weight if target and target.file else None,
        rule=rule,
        hr_rule=hr_rule,
        prompts=tuple(prompts[p].prompt for p in request.prompts),
        main_prompt=prompts[request.main_prompt].prompt,
        hr_prompts=tuple(hr_prompts[p].prompt for p in hr_source),
        summary=_summary(draft, target) if target else "",
    )


def _edits(name: str, tagged: dict[str, Any]) -> list[Change]:
    """One change for each distinct edit, however many prompts of a batch have it."""
    reasons = {"": "the tag that loads the LoRA"}
    pairs = dict.fromkeys(pair for t in tagged.values() for pair in t.edits)
    return [
        Change(name, a, b, reasons.get(a, "taken out" if not b else "the file and weight it stands for"))
        for a, b in pairs
    ]


def _summary(draft: Draft, target: Target) -> str:
    """One line: "Hyper-SD15-8steps-lora × 1 · 8 steps · CFG 1 · Euler · SGM Uniform"."""
    steps = draft["steps"]
    parts = [
        f"{target.name} × {target.weight:g}" if target.file else target.name,
        f"{steps} step{'s' if steps != 1 else ''}",
        f"CFG {readable(draft['cfg_scale'])}",
    ]
    if target.recipe.distilled_cfg is not None and draft["distilled_cfg_scale"] is not None:
        parts.append(f"distilled CFG {readable(draft['distilled_cfg_scale'])}")
    parts.append(draft["sampler_name"])
    schedule = schedule_in_effect(draft["sampler_name"], draft["scheduler"])
    if schedule is not None and draft["scheduler"] is not None:  # else the sampler's name tells it
        parts.append(schedule)
    return " · ".join(dict.fromkeys(parts))
