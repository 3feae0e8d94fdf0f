"""The hires pass: tuned, turned on, or left as it would be."""

from __future__ import annotations

from dataclasses import replace

from .draft import Draft
from .families import Checkpoint
from .lora_files import LoraIndex, Preference
from .recipes import Recipe
from .second_pass import off_timesteps, on_trained_timesteps
from .settings import Settings
from .tagging import TagRule, Typed, typed_tag
from .target import Target, file_target


def tune_hires_pass(
    draft: Draft,
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
    draft: Draft, settings: Settings, index: LoraIndex, first: Checkpoint, hr: Checkpoint
) -> Target | None:
    """What the hires pass is tuned for where it runs on another checkpoint; None: it is left as it would be."""
    request = draft.request
    if hr.family is not None and not hr.distilled and not hr.one_step_unet:
        typed = typed_tag(request.hr_prompts, index, hr.family, settings.explicit_steps, comments=request.comments)
        usable = typed.file is not None and typed.file.family == hr.family
        file = typed.file if usable else index.choose(hr.family, Preference(settings.explicit_steps))
        if file is not None and file.steps is not None and index.damage(file) is None:
            typed = typed if usable else Typed()
            weightless = settings if hr.family == first.family else replace(settings, weight="auto")
            return file_target(file, hr.family, file.kind, file.steps, hr, weightless, typed, index, request.comments)
    _pin_hires(draft)
    draft.notices.append(f"The hires pass was left alone: there is no Hyper-SD LoRA here for its checkpoint {hr.name}.")
    return None


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
        upscaler = draft.request.hr_upscaler or "Latent"
    draft.set("hr_upscaler", upscaler, why)
    if draft.request.hr_cfg is not None and settings.cfg == "keep":
        draft.set("hr_cfg", draft.request.cfg_scale, why)
    if draft.request.hr_second_pass_steps:
        draft.set("hr_second_pass_steps", 0, why)


def _tune_hires(draft: Draft, settings: Settings, checkpoint: Checkpoint, target: Target, *, turned_on: bool) -> None:
    request, recipe = draft.request, target.recipe
    if not turned_on and settings.hires_scale not in ("auto", "keep"):
        draft.set("hr_scale", settings.hires_scale, "asked for")
    if not turned_on and settings.hires_upscaler not in ("auto", "keep"):
        draft.set("hr_upscaler", settings.hires_upscaler, "asked for")
    if request.hr_cfg is not None and not (request.hr_cfg_zero_is_same and request.hr_cfg == 0):
        _hires_cfg(draft, settings, recipe)
    if request.hr_distilled_cfg is not None:
        draft.distilled_cfg(settings, checkpoint, recipe, "hr_distilled_cfg")
    # "Use same" stays: the first pass has the right one, or the one that was asked for.
    if request.hr_sampler_name is not None:
        draft.choice("hr_sampler_name", settings.sampler, recipe.sampler)
    if request.hr_scheduler is not None:
        draft.choice("hr_scheduler", settings.scheduler, recipe.scheduler)
    _second_pass(draft, settings, target, turned_on=turned_on)
    if turned_on:
        draft.set("enable_hr", True, "hires always")


def _hires_cfg(draft: Draft, settings: Settings, recipe: Recipe) -> None:
    if draft.request.hr_cfg_zero_is_same and draft["hr_cfg"] < 0 and recipe.cfg.holds(1.0):
        return  # reForge: below 0 means no uncond, which is what CFG 1 comes to
    draft.dial("hr_cfg", settings.cfg, recipe.cfg)


def _second_pass(draft: Draft, settings: Settings, target: Target, *, turned_on: bool) -> None:
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
    draft.notices.append(off_timesteps(trained, denoise))


def _hires_denoise(draft: Draft, settings: Settings, target: Target, *, turned_on: bool) -> float:
    if isinstance(settings.hires_denoise, int | float):
        draft.set("denoising_strength", float(settings.hires_denoise), "asked for")
    elif turned_on and settings.hires_denoise == "auto":
        # Set once, with the nudge, so that the account has one entry for it.
        return target.recipe.hires_denoise
    return float(draft["denoising_strength"] or 0.0)
