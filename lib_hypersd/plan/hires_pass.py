"""The hires pass: tuned, turned on, or left as it would be."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..models.families import Checkpoint
from ..models.lora_index import LoraIndex, Preference
from ..models.recipes import DEFAULT_STEPS, Recipe
from ..request.request import Request
from ..request.settings import Settings
from ..request.tag_rule import TagRule, Typed, typed_tag
from .draft import Draft
from .lora_choice import Target, distilled_twice, file_target, typed_otherwise
from .sampler_limits import first_is_flow, fitting_sampler, fitting_schedule
from .trained_steps import off_timesteps, on_trained_timesteps


@dataclass(frozen=True)
class HiresPass:
    """The rule for the prompts of the pass, and the recipe that it is judged by; None where it was left alone."""

    rule: TagRule
    recipe: Recipe | None


def turns_on(request: Request, settings: Settings) -> bool:
    """Whether hires fix, off in the request, is turned on."""
    possible = request.mode == "txt2img" and not request.hires_obstacle
    return settings.hires == "always" and not request.enable_hr and possible


def tune_hires_pass(
    draft: Draft,
    settings: Settings,
    index: LoraIndex,
    target: Target,
    rule: TagRule,
    checkpoint: Checkpoint,
    hr_checkpoint: Checkpoint | None,
) -> HiresPass:
    """Tune the hires pass."""
    request, turn_on, first_flow = draft.request, turns_on(draft.request, settings), first_is_flow(draft, checkpoint)
    if settings.hires == "always" and not request.enable_hr and not turn_on:
        draft.notices.append(f"Hires fix was not turned on: {request.hires_obstacle or 'this is img2img'}.")
    if not request.enable_hr and not turn_on:
        return HiresPass(rule, target.recipe)
    if hr_checkpoint is not None:
        first = target if hr_checkpoint.family == checkpoint.family else None
        found = _hires_target(draft, settings, index, first, hr_checkpoint)
        if isinstance(found, str):
            _leave_alone(draft, settings, found, turn_on=turn_on)
            return HiresPass(TagRule(index, None, "", 0.0, hr_checkpoint.family, request.hr_comments), None)
        target, checkpoint = found, hr_checkpoint
        rule = target.rule(index, checkpoint.family, request.hr_comments, settings.explicit_steps)
    elif request.comments_stay_in_hires and any("#" in prompt for prompt in request.hr_prompts_if_on):
        rule = replace(rule, comments=request.hr_comments)
    if turn_on:
        _turn_on(draft, settings, target)
    if settings.hires != "keep":
        own_model = hr_checkpoint is not None
        _tune_hires(draft, settings, checkpoint, target, first_flow, turned_on=turn_on, own_model=own_model)
    return HiresPass(rule, target.recipe)


def _hires_target(
    draft: Draft, settings: Settings, index: LoraIndex, first: Target | None, hr: Checkpoint
) -> Target | str:
    """What the hires pass is tuned for where it runs on another checkpoint; or why it is left alone.

    `first` is the first pass's target where both are of one family: the LoRA that was asked for there is meant here,
    too, unless the hires prompt has a tag of its own.
    """
    request, family = draft.request, hr.family
    steps, comments = settings.explicit_steps, request.hr_comments
    asked = first.file if first else None
    typed = typed_tag(request.hr_prompts_if_on, index, family, steps, asked=asked, comments=comments)
    draft.notices += typed.dropped
    nothing = f"there is no Hyper-SD LoRA here for its checkpoint {hr.name}"
    if family is None or hr.one_step_unet:
        return nothing
    usable = typed.file is not None and typed.file.family in (family, asked and asked.family)
    # A tag in the first pass's prompt may be this plan's own from a run before: it asks for no second distillation.
    typed_here = request.enable_hr or request.own_hr_prompt or settings.lora == "none"
    named = (usable and typed_here) or (settings.lora not in ("auto", "none") and asked is not None)
    if settings.lora == "none" and not named:
        return _baked_in(draft, settings, hr)
    if hr.distilled and not named:
        return f"its checkpoint {hr.name} is distilled already ({hr.distilled})"
    file = typed.file if usable else asked or index.choose(family, Preference(steps))
    trained = (file.steps or steps) if file else None
    if file is None or trained is None or index.damage(file):
        return nothing
    if hr.distilled:
        draft.notices.append(distilled_twice(hr, file))
    if usable:
        draft.notices += typed_otherwise(typed)
    own = settings if first else replace(settings, weight="auto")
    made = file_target(file, family, trained, hr, own, typed if usable else Typed(), index, draft)
    return replace(made, tag=first.tag, weight=first.weight) if first and file is asked and not usable else made


def _baked_in(draft: Draft, settings: Settings, hr: Checkpoint) -> Target | str:
    """With "none" for the LoRA a pass is tuned on a checkpoint that has it baked in, as far as its name tells."""
    if not hr.distilled or hr.family is None:
        return f"LoRA is none, and the name of its checkpoint {hr.name} does not tell that one is baked in"
    steps = settings.explicit_steps or hr.baked_steps or DEFAULT_STEPS
    recipe = draft.preferences.recipe(hr.family, "plain", steps, nf4=hr.nf4)
    return Target(None, "none", steps, recipe, 0.0, unified=True)


def _leave_alone(draft: Draft, settings: Settings, why: str, *, turn_on: bool) -> None:
    request = draft.request
    if turn_on:
        draft.notices.append(f"Hires fix was not turned on: {why}.")
    elif settings.hires == "keep":
        draft.notices.append(f"The hires pass has no LoRA: {why}.")
    else:
        _pin_hires(draft)
        shared = request.hr_cfg is None and draft["cfg_scale"] != request.cfg_scale
        but = f", but for CFG, of which this WebUI has one for both passes ({draft['cfg_scale']:g})" if shared else ""
        draft.notices.append(f"The hires pass was left alone{but}: {why}.")


def _pin_hires(draft: Draft) -> None:
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


def _turn_on(draft: Draft, settings: Settings, target: Target) -> None:
    """Turn hires fix on: everything it needs first, `enable_hr` itself last (see `_tune_hires`)."""
    recipe, why = target.recipe, "hires always"
    scale = recipe.hires_scale if settings.hires_scale == "auto" else settings.hires_scale
    upscaler: str | None = recipe.hires_upscaler if settings.hires_upscaler == "auto" else settings.hires_upscaler
    if settings.hires_scale != "keep":
        draft.set("hr_scale", float(scale), why)
    if settings.hires_upscaler == "keep":
        upscaler = draft.request.hr_upscaler or draft.request.default_upscaler
    draft.set("hr_upscaler", upscaler, why)
    if draft.request.hr_cfg is not None and settings.cfg == "keep":
        draft.set("hr_cfg", draft.request.cfg_scale, why)
    if draft.request.hr_second_pass_steps:
        draft.set("hr_second_pass_steps", 0, why)


def _tune_hires(
    draft: Draft,
    settings: Settings,
    checkpoint: Checkpoint,
    target: Target,
    first_flow: bool,
    *,
    turned_on: bool,
    own_model: bool,
) -> None:
    request, recipe = draft.request, target.recipe
    if not turned_on and settings.hires_scale not in ("auto", "keep") and not request.hires_obstacle:
        draft.set("hr_scale", settings.hires_scale, "asked for")
    if not turned_on and settings.hires_upscaler not in ("auto", "keep"):
        draft.set("hr_upscaler", settings.hires_upscaler, "asked for")
    if request.hr_cfg is not None and not (request.hr_cfg_zero_is_same and request.hr_cfg == 0):
        _hires_cfg(draft, settings, recipe)
    if request.hr_distilled_cfg is not None:
        draft.distilled_cfg(settings, checkpoint, recipe, "hr_distilled_cfg")
    flow = checkpoint.flow if own_model else first_flow
    sampler = draft["hr_sampler_name"] or draft["sampler_name"]
    sampler = fitting_sampler(sampler, settings.scheduler, recipe, draft, flow=flow)
    _hires_choice(draft, "sampler_name", settings.sampler, sampler, own_model)
    inherited = draft["hr_sampler_name"] is None  # then what the first pass can't draw goes out of this one, too
    sampler, flow = draft["hr_sampler_name"] or draft["sampler_name"], flow or (inherited and first_flow)
    fitting = fitting_schedule(sampler, recipe, draft, flow=flow)
    _hires_choice(draft, "scheduler", settings.scheduler, fitting, own_model)
    _second_pass(draft, settings, target, turned_on=turned_on)
    if turned_on:
        draft.set("enable_hr", True, "hires always")


def _hires_choice(draft: Draft, name: str, policy: str, recipe_value: str, own_model: bool) -> None:
    """ "Use same" stays: the first pass has the right one, or the one asked for, unless its model is another one."""
    hires_name = f"hr_{name}"
    inherited = draft[hires_name] is None
    if not inherited or (own_model and draft[name] not in (None, recipe_value)):
        draft.choice(hires_name, policy, recipe_value)


def _hires_cfg(draft: Draft, settings: Settings, recipe: Recipe) -> None:
    if draft.request.hr_cfg_zero_is_same and draft["hr_cfg"] < 0 and recipe.cfg.holds(1.0):
        return  # reForge: below 0 means no uncond, which is what CFG 1 comes to
    draft.dial("hr_cfg", settings.cfg, recipe.cfg)


def _second_pass(draft: Draft, settings: Settings, target: Target, *, turned_on: bool) -> None:
    """Steps and denoising strength of the pass; the account has one entry for each."""
    denoise, why = _hires_denoise(draft, settings, target, turned_on=turned_on)
    trained = settings.explicit_steps or target.steps
    steps = _hires_steps(draft, settings)
    second = None
    if steps != "keep":
        fixed = steps if isinstance(steps, int) else None
        nudge = settings.hires_denoise == "auto" and "denoising_strength" not in draft.request.explicit
        second = on_trained_timesteps(trained, denoise, steps=fixed or None, nudge=nudge) if fixed != 0 else None
        if second is not None:
            told = "asked for" if fixed else f"the last {second.steps} of {trained} trained steps"
            draft.set("hr_second_pass_steps", second.steps, told)
        elif fixed is not None:
            draft.set("hr_second_pass_steps", fixed, "asked for")
        else:
            if draft["hr_second_pass_steps"] != 0 or draft["steps"] != trained:
                draft.set("hr_second_pass_steps", trained, f"trained for {trained}")
            draft.notices.append(off_timesteps(trained, denoise))
    if second is not None and second.denoise != denoise:
        denoise, why = second.denoise, f"lands on the {trained} trained steps"
    draft.set("denoising_strength", denoise, why)


def _hires_steps(draft: Draft, settings: Settings) -> str | int:
    if "hr_second_pass_steps" in draft.request.explicit:
        return "keep"
    return settings.hires_steps if isinstance(settings.hires_steps, str) else int(settings.hires_steps)


def _hires_denoise(draft: Draft, settings: Settings, target: Target, *, turned_on: bool) -> tuple[float, str]:
    """The pass's strength before any nudge, and why it is that."""
    if isinstance(settings.hires_denoise, int | float):
        return float(settings.hires_denoise), "asked for"
    if turned_on and settings.hires_denoise == "auto":
        return target.recipe.hires_denoise, "hires always"
    return float(draft["denoising_strength"] or 0.0), "as it was"
