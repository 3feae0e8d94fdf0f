"""(Request, Settings, Checkpoint, LoRA files) → Plan: the heart.

Pure: the same input gives the same plan, nothing is touched. All or nothing: a plan is either active, with every
value it sets, or it changes nothing but an alias that has to go. Applied to its own result it changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from . import catalog, recipes
from .catalog import Family, Kind
from .families import Checkpoint
from .lora_files import LoraFile, LoraIndex, Preference, preference, wanted_variant
from .prompt_tags import format_tag, parse_alias
from .recipes import Recipe, recipe_for
from .request import Change, Plan, Request, show
from .second_pass import nearest_strengths, on_trained_timesteps
from .settings import Settings
from .tagging import TagRule, Typed, typed_tag

FAR_WEIGHT = (0.5, 1.5)
"""A LoRA weight outside these multiples of the recipe's gets a notice."""
FAR_STEPS = (0.75, 1.5)
"""The same for steps: the card runs the 8-step files at 6 steps, the source article at 9."""


@dataclass(frozen=True)
class Target:
    """What a pass is tuned for: a LoRA file (None: baked into the checkpoint), its trained steps and its recipe."""

    file: LoraFile | None
    name: str
    steps: int
    recipe: Recipe
    weight: float
    tag: str = ""
    unified: bool = False


class _Refusal(Exception):  # noqa: N818 - not an error: the request is left alone, and this says why
    """Nothing is changed; the message is the notice."""


@dataclass
class _Draft:
    """The plan while it is being made."""

    request: Request
    changes: list[Change] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def set(self, name: str, value: Any, reason: str) -> None:
        before = self[name]
        if value != before and name not in self.request.explicit:
            self.changes.append(Change(name, before, value, reason))

    def __getitem__(self, name: str) -> Any:
        """A field's value as the plan has it so far."""
        changed = (c.after for c in reversed(self.changes) if c.field == name)
        return next(changed, getattr(self.request, name, None))


def make_plan(
    request: Request,
    settings: Settings,
    checkpoint: Checkpoint,
    index: LoraIndex,
    hr_checkpoint: Checkpoint | None = None,
) -> Plan:
    """The plan for a request that is active by panel, object or tag.

    `checkpoint` is the model of the first pass, `hr_checkpoint` that of the hires pass where it is another one.
    """
    asked = None if settings.lora in ("auto", "none") else index.asked_file(settings.lora)
    typed = typed_tag(
        (*request.prompts, *request.hr_prompts),
        index,
        checkpoint.family,
        settings.explicit_steps,
        asked=asked,
        comments=request.comments,
    )
    draft = _Draft(request, notices=list(typed.dropped))
    try:
        target = _target(settings, checkpoint, index, typed, draft)
    except _Refusal as refusal:
        rule = TagRule(index, None, "", 0.0, checkpoint.family, request.comments)
        return _assemble(draft, None, rule, rule, [*draft.notices, str(refusal)])
    rule = TagRule(index, target.file, target.tag, target.recipe.weight, checkpoint.family, request.comments)
    _first_pass(draft, settings, checkpoint, target)
    hr_rule = _hires(draft, settings, index, target, rule, checkpoint, hr_checkpoint)
    _warnings(draft, settings, checkpoint, target)
    return _assemble(draft, target, rule, hr_rule, draft.notices)


def plan_for_tags(
    request: Request, checkpoint: Checkpoint, index: LoraIndex, hr_checkpoint: Checkpoint | None = None
) -> Plan:
    """The plan that typed tags ask for, the panel being off: the whole recipe of the first usable one.

    Where none can be used, aliases are taken out, a notice says so, and nothing else is changed.
    """
    typed = typed_tag(request.prompts + request.hr_prompts, index, checkpoint.family, None, comments=request.comments)
    if typed.tag is not None:
        return make_plan(request, Settings(), checkpoint, index, hr_checkpoint)
    rule = TagRule(index, None, "", 0.0, checkpoint.family, request.comments)
    return _assemble(_Draft(request), None, rule, rule, list(typed.dropped))


# What to tune for ----------------------------------------------------------------------------------------------


def _target(settings: Settings, checkpoint: Checkpoint, index: LoraIndex, typed: Typed, draft: _Draft) -> Target:
    family = checkpoint.family
    if family is None:
        raise _Refusal(
            f"{checkpoint.name} is {checkpoint.title}, for which there is no Hyper-SD LoRA: nothing was changed; "
            "choose an SD 1.5, SDXL, SD 3 or FLUX.1-dev checkpoint."
        )
    named = typed.tag is not None or settings.lora not in ("auto", "none")
    if not named and checkpoint.one_step_unet:
        return _one_step_unet(settings, draft)
    if not named and settings.lora == "none":
        steps = settings.explicit_steps or checkpoint.baked_steps or recipes.DEFAULT_STEPS
        return Target(None, "none", steps, recipe_for(family, "plain", steps, nf4=checkpoint.nf4), 0.0, unified=True)
    if checkpoint.distilled and not named:
        raise _Refusal(
            f"{checkpoint.name} is distilled already ({checkpoint.distilled}) and a second distillation would ruin the "
            'picture: nothing was changed; set LoRA to "none" to tune the settings alone.'
        )
    file = _chosen_file(settings, family, index, typed)
    steps = _trained_steps(file, settings)
    if file.family not in (None, family):
        raise _Refusal(
            f"{file.name} is for {catalog.FAMILY_TITLES[file.family]}, but {checkpoint.name} is {checkpoint.title}: "  # type: ignore[index]
            'nothing was changed; set LoRA to "auto" or choose another checkpoint.'
        )
    if file.family is None:
        draft.notices.append(f"{file.name} does not tell its family: taken to be for {checkpoint.title}.")
    if checkpoint.distilled:
        draft.notices.append(
            f"{checkpoint.name} is distilled already ({checkpoint.distilled}); {file.name} on top will probably ruin "
            "the picture."
        )
    return _file_target(file, family, file.kind, steps, checkpoint, settings, typed, index, draft.request.comments)


def _file_target(
    file: LoraFile,
    family: Family,
    kind: Kind,
    steps: int,
    checkpoint: Checkpoint,
    settings: Settings,
    typed: Typed,
    index: LoraIndex,
    comments: bool,
) -> Target:
    recipe = recipe_for(family, kind, steps, nf4=checkpoint.nf4)
    if typed.tag is not None:
        # The typed tag beats the settings' weight; its wording also serves the prompts that have none.
        tag = TagRule(index, file, "", recipe.weight, family, comments).written(typed.tag)
        weight = recipe.weight if typed.tag.weight is None else typed.tag.weight
    else:
        weight = recipe.weight if settings.weight == "auto" else float(settings.weight)
        tag = format_tag(file.name, weight)
    return Target(file, file.name, steps, recipe, weight, tag, file.unified)


def _one_step_unet(settings: Settings, draft: _Draft) -> Target:
    draft.notices.append("The 1-step SDXL UNet draws soft pictures on its own: turn on hires fix for a second pass.")
    steps = settings.explicit_steps or recipes.ONE_STEP_UNET_STEPS
    return Target(None, catalog.ONE_STEP_UNET, steps, recipes.ONE_STEP_UNET, 0.0, unified=True)


def _chosen_file(settings: Settings, family: Family, index: LoraIndex, typed: Typed) -> LoraFile:
    wish = Preference(settings.explicit_steps)
    if typed.tag is not None:
        file, variant = typed.file, typed.missing
    elif settings.lora == "auto":
        file, variant = index.choose(family, wish), wanted_variant(family, wish)
        file = file or index.damaged(family, wish)
    else:
        file, variant = _named_file(settings, family, index)
    if file is None:
        assert variant is not None
        raise _Refusal(
            f"{variant.file} is not on this machine: nothing was changed; get it from {variant.source} "
            "and put it into models/Lora."
        )
    damage = index.damage(file)
    if damage:
        raise _Refusal(f"The file of {file.name} {damage}: nothing was changed; download it again.")
    return file


def _named_file(settings: Settings, family: Family, index: LoraIndex) -> tuple[LoraFile | None, catalog.Variant | None]:
    """The file that the `lora` setting names: a file of the host, a published name, or an alias."""
    file = index.asked_file(settings.lora)
    if file is not None:
        return file, None
    published = catalog.BY_NAME.get(settings.lora)
    alias = parse_alias(settings.lora)
    if published is not None or alias is None:
        return None, published
    wish = preference(alias, settings.explicit_steps)
    return index.choose(alias.family, wish), wanted_variant(alias.family, wish)


def _trained_steps(file: LoraFile, settings: Settings) -> int:
    steps = file.steps or settings.explicit_steps
    if steps is None:
        raise _Refusal(
            f"{file.name} does not tell for how many steps it was trained: nothing was changed; set Steps, or write "
            f'"{file.name} = 8" into Settings > Hyper-SD > Trained steps.'
        )
    return steps


# First pass ----------------------------------------------------------------------------------------------------


def _first_pass(draft: _Draft, settings: Settings, checkpoint: Checkpoint, target: Target) -> None:
    request, recipe = draft.request, target.recipe
    fixed = request.mode == "img2img" and request.img2img_fixed_steps and "steps" not in request.explicit
    if fixed and settings.steps == "auto":
        _img2img_steps(draft, target)
    elif settings.steps != "keep":
        wanted = settings.explicit_steps or target.steps
        draft.set("steps", wanted, "asked for" if settings.explicit_steps else f"trained for {target.steps}")
    _dial(draft, "cfg_scale", settings.cfg, recipe.cfg)
    _distilled_cfg(draft, settings, checkpoint, recipe, "distilled_cfg_scale")
    _choice(draft, "sampler_name", settings.sampler, recipe.sampler)
    if request.scheduler is not None:
        _choice(draft, "scheduler", settings.scheduler, recipe.scheduler)
    elif settings.scheduler != "keep":
        draft.notices.append(f"This WebUI has no schedule types: {recipe.scheduler} could not be set.")


def _img2img_steps(draft: _Draft, target: Target) -> None:
    denoise = draft.request.denoising_strength or 0.0
    nudge = "denoising_strength" not in draft.request.explicit
    second = on_trained_timesteps(target.steps, denoise, nudge=nudge)
    if second is None:
        draft.set("steps", target.steps, f"trained for {target.steps}")
        draft.notices.append(_off_timesteps(target.steps, denoise))
        return
    draft.set("steps", second.steps, f"the last {second.steps} of {target.steps} trained timesteps")
    draft.set("denoising_strength", second.denoise, f"lands on the {target.steps} trained timesteps")


def _dial(draft: _Draft, name: str, policy: Any, dial: recipes.Dial) -> None:
    """A number by policy: "clamp", "recipe", "keep" or the number itself."""
    if policy == "keep" or (policy == "clamp" and dial.holds(draft[name])):
        return
    if policy in ("clamp", "recipe"):
        span = f"recipe {dial.low:g}–{dial.high:g}" if dial.low < dial.high else "recipe"
        draft.set(name, dial.value, span)
    else:
        draft.set(name, policy, "asked for")


def _distilled_cfg(draft: _Draft, settings: Settings, checkpoint: Checkpoint, recipe: Recipe, name: str) -> None:
    dial = recipe.distilled_cfg
    if dial is not None and draft[name] is not None and not checkpoint.uses_shift:
        _dial(draft, name, settings.distilled_cfg, dial)
    elif isinstance(settings.distilled_cfg, float) and name == "distilled_cfg_scale":
        draft.notices.append(f"Distilled CFG was not set: it means nothing for {checkpoint.title} here.")


def _choice(draft: _Draft, name: str, policy: str, recipe_value: str) -> None:
    if policy == "auto":
        draft.set(name, recipe_value, "recipe")
    elif policy != "keep":
        draft.set(name, policy, "asked for")


# Hires pass ----------------------------------------------------------------------------------------------------


def _hires(
    draft: _Draft,
    settings: Settings,
    index: LoraIndex,
    target: Target,
    rule: TagRule,
    checkpoint: Checkpoint,
    hr_checkpoint: Checkpoint | None,
) -> TagRule:
    """Tune the hires pass; returns the rule for its prompts."""
    request = draft.request
    turn_on = settings.hires == "always" and not request.enable_hr
    if turn_on and (request.mode == "img2img" or request.hires_obstacle):
        why = request.hires_obstacle or "this is img2img"
        draft.notices.append(f"Hires fix was not turned on: {why}.")
        return rule
    if not request.enable_hr and not turn_on:
        return rule
    if hr_checkpoint is not None and request.enable_hr:
        found = _hires_target(draft, settings, index, checkpoint, hr_checkpoint)
        if found is None:
            return TagRule(index, None, "", 0.0, hr_checkpoint.family, request.comments)
        target, checkpoint = found, hr_checkpoint
        rule = TagRule(index, target.file, target.tag, target.recipe.weight, checkpoint.family, request.comments)
    if turn_on:
        _turn_on(draft, settings, target)
    if turn_on or settings.hires == "tune" or request.enable_hr and settings.hires == "always":
        _tune_hires(draft, settings, checkpoint, target, turned_on=turn_on)
    return rule


def _hires_target(
    draft: _Draft, settings: Settings, index: LoraIndex, first: Checkpoint, hr: Checkpoint
) -> Target | None:
    """What the hires pass is tuned for where it runs on another checkpoint; None: it is left as it would be."""
    request = draft.request
    if hr.family is not None and not hr.distilled and not hr.one_step_unet:
        typed = typed_tag(request.hr_prompts, index, hr.family, settings.explicit_steps, comments=request.comments)
        usable = typed.file is not None and typed.file.family == hr.family
        file = typed.file if usable else index.choose(hr.family, Preference(settings.explicit_steps))
        if file is not None and file.steps is not None and index.damage(file) is None:
            typed = typed if usable else Typed()
            weightless = settings if hr.family == first.family else _without_weight(settings)
            return _file_target(file, hr.family, file.kind, file.steps, hr, weightless, typed, index, request.comments)
    _pin_hires(draft)
    draft.notices.append(f"The hires pass was left alone: there is no Hyper-SD LoRA here for its checkpoint {hr.name}.")
    return None


def _without_weight(settings: Settings) -> Settings:
    return Settings(**{**settings.__dict__, "weight": "auto"})


def _pin_hires(draft: _Draft) -> None:
    """Keep what the hires pass would have inherited from the first pass as it was."""
    request, why = draft.request, "as the hires pass had it"
    if not request.hr_second_pass_steps:
        draft.set("hr_second_pass_steps", request.steps, why)
    if request.hr_sampler_name is None:
        draft.set("hr_sampler_name", request.sampler_name, why)
    if request.hr_scheduler is None and request.scheduler is not None:
        draft.set("hr_scheduler", request.scheduler, why)
    if request.hr_cfg == 0 and request.hr_cfg_zero_is_same:
        draft.set("hr_cfg", request.cfg_scale, why)


def _turn_on(draft: _Draft, settings: Settings, target: Target) -> None:
    """Turn hires fix on: everything it needs first, `enable_hr` itself last (see `_tune_hires`)."""
    recipe, why = target.recipe, "hires always"
    scale = recipe.hires_scale if settings.hires_scale == "auto" else settings.hires_scale
    upscaler: str | None = recipe.hires_upscaler if settings.hires_upscaler == "auto" else settings.hires_upscaler
    if settings.hires_scale != "keep":
        draft.set("hr_scale", float(scale), why)
    if settings.hires_upscaler == "keep":
        upscaler = draft.request.hr_upscaler or "Latent"
    draft.set("hr_upscaler", upscaler, why)
    if draft.request.hr_cfg is not None and settings.cfg == "keep":
        draft.set("hr_cfg", draft.request.cfg_scale, why)
    if draft.request.hr_second_pass_steps:
        draft.set("hr_second_pass_steps", 0, why)


def _tune_hires(draft: _Draft, settings: Settings, checkpoint: Checkpoint, target: Target, *, turned_on: bool) -> None:
    request, recipe = draft.request, target.recipe
    if not turned_on and settings.hires_scale not in ("auto", "keep"):
        draft.set("hr_scale", settings.hires_scale, "asked for")
    if not turned_on and settings.hires_upscaler not in ("auto", "keep"):
        draft.set("hr_upscaler", settings.hires_upscaler, "asked for")
    if request.hr_cfg is not None and not (request.hr_cfg_zero_is_same and request.hr_cfg == 0):
        _hires_cfg(draft, settings, recipe)
    if request.hr_distilled_cfg is not None:
        _distilled_cfg(draft, settings, checkpoint, recipe, "hr_distilled_cfg")
    # "Use same" stays: the first pass has the right one, or the one that was asked for.
    if request.hr_sampler_name is not None:
        _choice(draft, "hr_sampler_name", settings.sampler, recipe.sampler)
    if request.hr_scheduler is not None:
        _choice(draft, "hr_scheduler", settings.scheduler, recipe.scheduler)
    _second_pass(draft, settings, target, turned_on=turned_on)
    if turned_on:
        draft.set("enable_hr", True, "hires always")


def _hires_cfg(draft: _Draft, settings: Settings, recipe: Recipe) -> None:
    if draft.request.hr_cfg_zero_is_same and draft["hr_cfg"] < 0 and recipe.cfg.holds(1.0):
        return  # reForge: below 0 means no uncond, which is what CFG 1 comes to
    _dial(draft, "hr_cfg", settings.cfg, recipe.cfg)


def _second_pass(draft: _Draft, settings: Settings, target: Target, *, turned_on: bool) -> None:
    denoise = _hires_denoise(draft, settings, target, turned_on=turned_on)
    if settings.hires_steps == "keep":
        return
    trained = settings.explicit_steps or target.steps
    nudge = settings.hires_denoise == "auto" and "denoising_strength" not in draft.request.explicit
    fixed = settings.hires_steps if isinstance(settings.hires_steps, int) else None
    if fixed is None and "hr_second_pass_steps" in draft.request.explicit:
        return
    second = on_trained_timesteps(trained, denoise, steps=fixed or None, nudge=nudge) if fixed != 0 else None
    if second is not None:
        why = "asked for" if fixed else f"the last {second.steps} of {trained} trained timesteps"
        draft.set("hr_second_pass_steps", second.steps, why)
        draft.set("denoising_strength", second.denoise, f"lands on the {trained} trained timesteps")
        return
    if fixed is not None:
        draft.set("hr_second_pass_steps", fixed, "asked for")
        return
    if draft["hr_second_pass_steps"] != 0 or draft["steps"] != trained:
        draft.set("hr_second_pass_steps", trained, f"trained for {trained}")
    draft.notices.append(_off_timesteps(trained, denoise))


def _hires_denoise(draft: _Draft, settings: Settings, target: Target, *, turned_on: bool) -> float:
    if isinstance(settings.hires_denoise, int | float):
        draft.set("denoising_strength", float(settings.hires_denoise), "asked for")
    elif turned_on and settings.hires_denoise == "auto":
        # Set once, with the nudge, so that the account has one entry for it.
        return target.recipe.hires_denoise
    return float(draft["denoising_strength"] or 0.0)


def _off_timesteps(trained: int, denoise: float) -> str:
    better = " or ".join(f"{d:g}" for d in nearest_strengths(trained, denoise))
    return (
        f"At denoising strength {denoise:g} a second pass can't land on the {trained} trained timesteps: the strength "
        f"was left as it is; try {better}."
    )


# Notices -------------------------------------------------------------------------------------------------------


def _warnings(draft: _Draft, settings: Settings, checkpoint: Checkpoint, target: Target) -> None:
    """What will look bad though it was asked for, and what will have no effect."""
    request, recipe, say = draft.request, target.recipe, draft.notices.append
    cfg, steps = draft["cfg_scale"], draft["steps"]
    if not recipe.cfg.holds(cfg):
        say(f"CFG {cfg:g} is outside {_span(recipe.cfg)}, for which {target.name} was made: expect a burnt picture.")
    elif cfg == 1 and request.negative_prompt:
        say("The negative prompt has no effect at CFG 1.")
    low, high = _steps_range(target)
    fixed_second_pass = request.mode == "img2img" and request.img2img_fixed_steps
    if not fixed_second_pass and not low <= steps <= high:
        say(f"{steps} steps are far from the {target.steps} that {target.name} was trained for.")
    if target.file is not None:
        low, high = sorted(factor * recipe.weight for factor in FAR_WEIGHT)
        if not low <= target.weight <= high:
            say(f"Weight {target.weight:g} is far from {recipe.weight:g}, at which {target.name} works.")
    distilled, dial = draft["distilled_cfg_scale"], recipe.distilled_cfg
    if dial is not None and distilled is not None and not checkpoint.uses_shift and not dial.holds(distilled):
        say(f"Distilled CFG {distilled:g} is outside {_span(dial)}.")
    if request.refiner:
        say("A refiner is set: it runs without this plan; switch it off for few-step pictures.")


def _steps_range(target: Target) -> tuple[float, float]:
    if target.unified:
        return 1, max(8, target.steps)
    return FAR_STEPS[0] * target.steps, FAR_STEPS[1] * target.steps


def _span(dial: recipes.Dial) -> str:
    return f"{dial.low:g}–{dial.high:g}" if dial.low < dial.high else f"{dial.value:g}"


# The result ----------------------------------------------------------------------------------------------------


def _assemble(draft: _Draft, target: Target | None, rule: TagRule, hr_rule: TagRule, notices: list[str]) -> Plan:
    request = draft.request
    prompts = {p: rule.apply(p) for p in dict.fromkeys((*request.prompts, request.main_prompt))}
    hr_prompts = {p: hr_rule.apply(p) for p in dict.fromkeys(request.hr_prompts)}
    changes = [*draft.changes, *_edits("prompt", prompts)]
    if hr_rule is not rule or not hr_prompts.keys() <= prompts.keys():
        changes += _edits("hr_prompt", hr_prompts)
    second = dict.fromkeys(n for tagged in (*prompts.values(), *hr_prompts.values()) for n in tagged.second)
    for name in second:
        kept = target.name if target else ""
        notices.append(f"A second Hyper-SD tag, {name}, was taken out: one is enough, and {kept} came first.")
    hr_on = request.enable_hr or any(c.field == "enable_hr" for c in draft.changes)
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
        hr_prompts=tuple(hr_prompts[p].prompt for p in request.hr_prompts) if hr_on else (),
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


def _summary(draft: _Draft, target: Target) -> str:
    """One line: "Hyper-SD15-8steps-lora × 1 · 8 steps · CFG 1 · Euler · SGM Uniform"."""
    steps = draft["steps"]
    parts = [
        f"{target.name} × {target.weight:g}" if target.file else target.name,
        f"{steps} step{'s' if steps != 1 else ''}",
        f"CFG {show(draft['cfg_scale'])}",
    ]
    if target.recipe.distilled_cfg is not None and draft["distilled_cfg_scale"] is not None:
        parts.append(f"distilled CFG {show(draft['distilled_cfg_scale'])}")
    parts.append(draft["sampler_name"])
    if draft["scheduler"] is not None:
        parts.append(draft["scheduler"])
    return " · ".join(parts)
