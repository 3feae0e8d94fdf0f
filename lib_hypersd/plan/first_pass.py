"""The first pass of a generation, and all of img2img."""

from __future__ import annotations

from ..models.families import Checkpoint
from ..request.settings import Settings
from ..sampling.names import schedule_in_effect
from .draft import Draft
from .lora_choice import Target
from .sampler_limits import first_is_flow, fitting_sampler, fitting_schedule
from .trained_steps import off_timesteps, on_trained_timesteps


def tune_first_pass(draft: Draft, settings: Settings, checkpoint: Checkpoint, target: Target) -> None:
    request, recipe = draft.request, target.recipe
    fixed = request.mode == "img2img" and request.img2img_fixed_steps and "steps" not in request.explicit
    if fixed and settings.steps == "auto":
        _img2img_steps(draft, target)
    elif settings.steps != "keep":
        wanted = settings.explicit_steps or target.steps
        draft.set("steps", wanted, "asked for" if settings.explicit_steps else f"trained for {target.steps}")
        if fixed and on_trained_timesteps(target.steps, _denoise(draft), steps=wanted, nudge=False) is None:
            draft.notices.append(off_timesteps(target.steps, _denoise(draft)))
    draft.dial("cfg_scale", settings.cfg, recipe.cfg)
    draft.distilled_cfg(settings, checkpoint, recipe, "distilled_cfg_scale")
    flow = first_is_flow(draft, checkpoint)
    sampler = fitting_sampler(draft["sampler_name"], settings.scheduler, recipe, draft, flow=flow)
    draft.choice("sampler_name", settings.sampler, sampler)
    fitting = fitting_schedule(draft["sampler_name"], recipe, draft, flow=flow)
    if request.scheduler is None:
        _tell_other_schedule(draft, settings, fitting)
    else:
        _schedule(draft, settings, fitting)


def _tell_other_schedule(draft: Draft, settings: Settings, fitting: str) -> None:
    """The host has no schedule types: what the sampler brings is what there is."""
    sampler = draft["sampler_name"]
    if schedule_in_effect(sampler, None) == fitting:
        return
    better = draft.request.sampler_on(sampler, fitting)
    if better != sampler:
        draft.notices.append(f"Sampler {sampler} brings another schedule than {fitting}: take {better} for that.")
    elif settings.scheduler != "keep":
        draft.notices.append(f"This WebUI has no schedule types: {fitting} could not be set.")


def _schedule(draft: Draft, settings: Settings, fitting: str) -> None:
    # The hosts paste a sampler's own schedule type as "Automatic": nothing to change then.
    bound = draft["sampler_name"] == draft.request.sampler_name
    in_effect = schedule_in_effect(draft["sampler_name"], draft["scheduler"]) if bound else draft["scheduler"]
    if settings.scheduler == "keep" or (settings.scheduler == "auto" and in_effect == fitting):
        return
    draft.choice("scheduler", settings.scheduler, fitting)


def _img2img_steps(draft: Draft, target: Target) -> None:
    denoise = _denoise(draft)
    nudge = "denoising_strength" not in draft.request.explicit
    second = on_trained_timesteps(target.steps, denoise, nudge=nudge)
    if second is None:
        draft.set("steps", target.steps, f"trained for {target.steps}")
        draft.notices.append(off_timesteps(target.steps, denoise))
        return
    draft.set("steps", second.steps, f"the last {second.steps} of {target.steps} trained steps")
    draft.set("denoising_strength", second.denoise, f"lands on the {target.steps} trained steps")


def _denoise(draft: Draft) -> float:
    return draft.request.denoising_strength or 0.0
