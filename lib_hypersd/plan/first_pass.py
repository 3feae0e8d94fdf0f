"""The first pass of a generation, and all of img2img."""

from ..models.checkpoint import Checkpoint
from ..models.recipes import Recipe
from ..request.settings import Settings
from ..sampling.names import schedule_in_effect
from .draft import REQUESTED, Draft
from .lora_choice import LoraChoice
from .sampler_limits import fitting_sampler, fitting_schedule
from .trained_steps import on_trained_timesteps


def tune_first_pass(draft: Draft, settings: Settings, choice: LoraChoice) -> None:
    """Set steps, CFG, distilled CFG, sampler and schedule type by the settings' policies."""
    request, recipe, flow = draft.request, choice.recipe, draft.inputs.flow
    _steps(draft, settings, choice)
    draft.dial("cfg_scale", settings.cfg, recipe.cfg)
    set_distilled_cfg(draft, "distilled_cfg_scale", settings, draft.inputs.checkpoint, recipe)
    sampler = fitting_sampler(request, draft["sampler_name"], settings.scheduler, recipe, flow=flow)
    draft.choice("sampler_name", settings.sampler, sampler)
    fitting = fitting_schedule(request, draft["sampler_name"], recipe, flow=flow)
    if request.scheduler is None:
        _note_other_schedule(draft, settings, fitting)
    else:
        _schedule(draft, settings, fitting)


def set_distilled_cfg(draft: Draft, name: str, settings: Settings, checkpoint: Checkpoint, recipe: Recipe) -> None:
    """Set a pass's distilled CFG, the field `name`, where the host and the checkpoint have one."""
    dial, is_there = recipe.distilled_cfg, draft[name] is not None and not checkpoint.uses_shift
    if dial is not None and is_there:
        draft.dial(name, settings.distilled_cfg, dial)
    elif is_there and checkpoint.flux_variant and isinstance(settings.distilled_cfg, float):
        draft.set(name, settings.distilled_cfg, REQUESTED)
    elif isinstance(settings.distilled_cfg, float) and name == "distilled_cfg_scale":
        draft.notices.append(f"Distilled CFG was not set: it means nothing for {checkpoint.title} here.")


def _steps(draft: Draft, settings: Settings, choice: LoraChoice) -> None:
    fixed = draft.request.fixed_img2img_steps
    if fixed and settings.steps == "auto" and not draft.is_held("steps"):
        _img2img_steps(draft, choice)
    elif settings.steps != "keep":
        wanted, denoise = settings.explicit_steps or choice.steps, draft["denoising_strength"] or 0.0
        draft.set("steps", wanted, REQUESTED if settings.explicit_steps else f"trained for {choice.steps}")
        steps = draft["steps"]
        if fixed and on_trained_timesteps(choice.steps, denoise, steps=steps, nudge=False) is None:
            draft.notices.append(choice.grid.missed(denoise, steps=steps))


def _img2img_steps(draft: Draft, choice: LoraChoice) -> None:
    """Land the evaluated steps on the trained timesteps, by steps and a small nudge of the denoising strength."""
    denoise, nudge = draft["denoising_strength"] or 0.0, not draft.is_held("denoising_strength")
    landing = on_trained_timesteps(choice.steps, denoise, nudge=nudge)
    if landing is None:
        draft.set("steps", choice.steps, f"trained for {choice.steps}")
        draft.notices.append(choice.grid.missed(denoise))
        return
    draft.set("steps", landing.steps, choice.grid.last(landing.steps))
    draft.set("denoising_strength", landing.denoise, choice.grid.lands())


def _note_other_schedule(draft: Draft, settings: Settings, fitting: str) -> None:
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
    if settings.scheduler != "auto" or in_effect != fitting:
        draft.choice("scheduler", settings.scheduler, fitting)
