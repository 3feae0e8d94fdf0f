"""The hires pass: tuned, turned on, or left as it would be."""

from dataclasses import dataclass, replace

from ..models.checkpoint import Checkpoint
from ..models.lora_index import LoraFile, LoraQuery
from ..models.recipes import Recipe
from ..request.prompt_tags import format_tag
from ..request.request import Request
from ..request.settings import Settings
from ..request.tag_rule import TagRule, Typed
from ..request.weight_schedule import number_of
from .draft import REQUESTED, Draft
from .first_pass import set_distilled_cfg
from .lora_choice import (
    LoraChoice,
    baked_in,
    distilled_twice,
    file_choice,
    no_lora_for,
    trained_steps,
    typed_otherwise,
)
from .sampler_limits import fitting_sampler, fitting_schedule, sampled_passes
from .trained_steps import Grid, TrainedLanding, on_trained_timesteps

TURNED_ON = "hires always"
"""The reason of a change that turning hires fix on needs."""


@dataclass(frozen=True)
class _Tuning:
    """What a hires pass is tuned by. `own_model`: it runs on another checkpoint than the first pass; `flow`: its model
    is a flow model."""

    settings: Settings
    choice: LoraChoice
    checkpoint: Checkpoint
    flow: bool
    own_model: bool
    turned_on: bool


def turns_on(request: Request, settings: Settings) -> bool:
    """Whether hires fix, off in the request, is turned on."""
    possible = request.mode == "txt2img" and not request.hires_obstacle and "enable_hr" not in request.explicit
    return settings.hires == "always" and not request.enable_hr and possible


@dataclass(frozen=True)
class HiresPass:
    """The rule for the prompts of the pass, and what it is tuned for, None where it was left alone."""

    rule: TagRule
    choice: LoraChoice | None = None

    @property
    def recipe(self) -> Recipe | None:
        """The recipe that the pass is judged by."""
        return self.choice.recipe if self.choice else None


def tune_hires_pass(draft: Draft, settings: Settings, first: LoraChoice, rule: TagRule) -> HiresPass:
    """Tune the hires pass; `first` and `rule` are the first pass's."""
    request, turned_on = draft.request, turns_on(draft.request, settings)
    checkpoint, hr_checkpoint = draft.inputs.checkpoint, draft.inputs.hr_checkpoint
    if settings.hires == "always" and not request.enable_hr and not turned_on:
        held = "an axis holds it" if draft.is_held("enable_hr") else "this is img2img"
        draft.notices.append(f"Hires fix was not turned on: {request.hires_obstacle or held}.")
    if not request.enable_hr and not turned_on:
        return HiresPass(rule, first)
    tuning = _Tuning(settings, first, checkpoint, draft.inputs.flow, own_model=False, turned_on=turned_on)
    if hr_checkpoint is not None:
        same_family = first if hr_checkpoint.family == checkpoint.family else None
        choice = _choose(draft, settings, same_family, hr_checkpoint)
        reader = draft.inputs.hr_reader(settings)
        if isinstance(choice, str):
            _leave_alone(draft, settings, choice, turned_on=turned_on)
            return HiresPass(TagRule(reader))
        tuning = _Tuning(settings, choice, hr_checkpoint, hr_checkpoint.flow, own_model=True, turned_on=turned_on)
        rule = choice.rule(reader)
    elif request.host.comments_stay_in_hires and any("#" in prompt for prompt in request.hr_prompts_if_on):
        rule = replace(rule, reader=replace(rule.reader, comments=request.host.hr_comments))
    if turned_on:
        _turn_on(draft, settings, tuning.choice.recipe)
    if settings.hires != "keep":
        _tune(draft, tuning)
    return HiresPass(_with_own_weight(rule, tuning.choice), tuning.choice)


def _with_own_weight(rule: TagRule, choice: LoraChoice) -> TagRule:
    """`rule`, its tag with the second pass's own weight where the settings give one."""
    if choice.file is None or choice.hires is None or choice.is_typed:
        return rule
    return replace(rule, tag=format_tag(choice.file.name, number_of(choice.hires, choice.weight)))


# Another checkpoint --------------------------------------------------------------------------------------------


def _choose(draft: Draft, settings: Settings, first: LoraChoice | None, hr: Checkpoint) -> LoraChoice | str:
    """What the pass is tuned for where it runs on another checkpoint; or why it is left alone.

    `first` is the first pass's choice where both are of one family: the LoRA that was requested there is meant here,
    too, unless the hires prompt has a tag of its own.
    """
    requested = first.file if first else None
    typed = draft.inputs.hr_reader(settings, requested).first_typed(draft.request.hr_prompts_if_on)
    draft.notices += typed.dropped
    nothing = f"there is no Hyper-SD LoRA here for its checkpoint {hr.name}"
    if hr.family is None:
        return f"its checkpoint {hr.name} is {no_lora_for(hr)}"
    if hr.one_step_unet or hr.foreign_unet is not None:
        return nothing
    if typed.file is None or typed.file.family not in (hr.family, requested and requested.family):
        typed = Typed()
    named = _is_named(draft.request, settings, typed, requested)
    if settings.lora == "none" and not named:
        if hr.distilled:
            return baked_in(draft, settings, hr, hr.family)
        return f"LoRA is none, and the name of its checkpoint {hr.name} does not tell that one is baked in"
    if hr.distilled and not named:
        return f"its checkpoint {hr.name} is distilled already ({hr.distilled})"
    file = typed.file or requested or draft.inputs.index.choose(hr.family, LoraQuery(settings.explicit_steps))
    if file is None or not trained_steps(file, settings, hr.family) or draft.inputs.index.damage(file):
        return nothing
    if hr.distilled:
        draft.notices.append(distilled_twice(hr, file))
    draft.notices += typed_otherwise(typed)
    weights = settings if first else replace(settings, weight="auto", hires_weight="auto")
    choice = file_choice(draft, weights, hr, file, typed)
    if first and typed.file is None and requested:
        return replace(choice, tag=first.tag, weight=first.weight, schedule=first.schedule, hires=first.hires)
    return choice


def _is_named(request: Request, settings: Settings, typed: Typed, requested: LoraFile | None) -> bool:
    """Whether a LoRA is requested by name for the pass: then a second distillation is, too.

    A tag in the first pass's prompt may be this plan's own from a run before: it requests none.
    """
    typed_here = request.enable_hr or request.own_hr_prompt or settings.lora == "none"
    by_setting = settings.lora not in ("auto", "none") and requested is not None
    return bool(typed.file and typed_here) or by_setting


def _leave_alone(draft: Draft, settings: Settings, why: str, *, turned_on: bool) -> None:
    request = draft.request
    if turned_on:
        draft.notices.append(f"Hires fix was not turned on: {why}.")
    elif settings.hires == "keep":
        draft.notices.append(f"The hires pass has no LoRA: {why}.")
    else:
        _pin(draft)
        shared = request.hr_cfg is None and draft["cfg_scale"] != request.cfg_scale
        but = f", but for CFG, of which this WebUI has one for both passes ({draft['cfg_scale']:g})" if shared else ""
        draft.notices.append(f"The hires pass was left alone{but}: {why}.")


def _pin(draft: Draft) -> None:
    """Keep what the pass would have inherited from the first pass as it was, where that has changed or may yet."""
    request, why = draft.request, "as the hires pass had it"
    may_change = next(sampled_passes(draft))[1].obstacle() is not None
    if not request.hr_second_pass_steps and draft["steps"] != request.steps:
        draft.set("hr_second_pass_steps", request.steps, why)
    for name in ("sampler_name", "scheduler"):
        before, is_inherited = getattr(request, name), getattr(request, f"hr_{name}") is None
        if is_inherited and before is not None and (draft[name] != before or may_change):
            draft.set(f"hr_{name}", before, why)
    if request.hr_cfg == 0 and request.host.hr_cfg_zero_is_same and draft["cfg_scale"] != request.cfg_scale:
        draft.set("hr_cfg", request.cfg_scale, why)


# Turning on, and tuning ----------------------------------------------------------------------------------------


def _turn_on(draft: Draft, settings: Settings, recipe: Recipe) -> None:
    """Turn hires fix on: everything it needs first, `enable_hr` itself last (see `_tune`)."""
    request = draft.request
    scale = recipe.hires_scale if settings.hires_scale == "auto" else settings.hires_scale
    upscaler: str | None = recipe.hires_upscaler if settings.hires_upscaler == "auto" else settings.hires_upscaler
    if settings.hires_scale != "keep":
        draft.set("hr_scale", float(scale), TURNED_ON)
    if settings.hires_upscaler == "keep":
        upscaler = request.hr_upscaler or request.host.default_upscaler
    draft.set("hr_upscaler", upscaler, TURNED_ON)
    if request.hr_cfg is not None and settings.cfg == "keep":
        draft.set("hr_cfg", request.cfg_scale, TURNED_ON)
    if request.hr_second_pass_steps:
        draft.set("hr_second_pass_steps", 0, TURNED_ON)


def _tune(draft: Draft, tuning: _Tuning) -> None:
    settings, recipe = tuning.settings, tuning.choice.recipe
    if not tuning.turned_on:
        _requested_size(draft, settings)
    _cfg(draft, settings, recipe)
    if draft.request.hr_distilled_cfg is not None:
        set_distilled_cfg(draft, "hr_distilled_cfg", settings, tuning.checkpoint, recipe)
    _sampling(draft, tuning)
    _steps_and_denoise(draft, tuning)
    if tuning.turned_on:
        draft.set("enable_hr", True, TURNED_ON)


def _requested_size(draft: Draft, settings: Settings) -> None:
    """Scale and upscaler where they are requested for a pass that the request has anyway."""
    if settings.hires_scale not in ("auto", "keep") and not draft.request.hires_obstacle:
        draft.set("hr_scale", settings.hires_scale, REQUESTED)
    if settings.hires_upscaler not in ("auto", "keep"):
        draft.set("hr_upscaler", settings.hires_upscaler, REQUESTED)


def _cfg(draft: Draft, settings: Settings, recipe: Recipe) -> None:
    request = draft.request
    if request.hr_cfg is None or (request.host.hr_cfg_zero_is_same and request.hr_cfg == 0):
        return
    if request.host.hr_cfg_zero_is_same and draft["hr_cfg"] < 0 and recipe.cfg.holds(1.0):
        return  # reForge: below 0 means no uncond, which is what CFG 1 comes to
    draft.dial("hr_cfg", settings.cfg, recipe.cfg)


def _sampling(draft: Draft, tuning: _Tuning) -> None:
    request, settings, recipe = draft.request, tuning.settings, tuning.choice.recipe
    sampler = draft["hr_sampler_name"] or draft["sampler_name"]
    sampler = fitting_sampler(request, sampler, settings.scheduler, recipe, flow=tuning.flow)
    _sampling_choice(draft, "sampler_name", settings.sampler, sampler, tuning.own_model)
    inherited = draft["hr_sampler_name"] is None  # then what the first pass does not support is replaced here, too
    sampler, flow = draft["hr_sampler_name"] or draft["sampler_name"], tuning.flow or (inherited and draft.inputs.flow)
    fitting = fitting_schedule(request, sampler, recipe, flow=flow)
    _sampling_choice(draft, "scheduler", settings.scheduler, fitting, tuning.own_model)


def _sampling_choice(draft: Draft, name: str, policy: str, recipe_value: str, own_model: bool) -> None:
    """ "Use same" stays: the first pass has the right one, or the requested one, unless its model is another one."""
    inherited = draft[f"hr_{name}"] is None
    if not inherited or (own_model and draft[name] not in (None, recipe_value)):
        draft.choice(f"hr_{name}", policy, recipe_value)


def _steps_and_denoise(draft: Draft, tuning: _Tuning) -> None:
    """Set steps and denoising strength of the pass; the changes have one entry for each."""
    requested, trained = tuning.settings.explicit_steps, tuning.choice.grid
    grid = trained if requested is None or requested == trained.length else Grid(requested, is_trained=False)
    denoise, why = _denoise(draft, tuning)
    landing = _steps(draft, tuning.settings, grid, denoise)
    if landing is not None and landing.denoise != denoise:
        denoise, why = landing.denoise, grid.lands()
    draft.set("denoising_strength", denoise, why)


def _denoise(draft: Draft, tuning: _Tuning) -> tuple[float, str]:
    """The pass's strength before any nudge, and why it is that."""
    setting = tuning.settings.hires_denoise
    wanted, why = draft["denoising_strength"], "as it was"
    if isinstance(setting, int | float):
        wanted, why = setting, REQUESTED
    elif tuning.turned_on and setting == "auto":
        wanted, why = tuning.choice.recipe.hires_denoise, TURNED_ON
    return float(draft.result("denoising_strength", wanted) or 0.0), why


def _steps(draft: Draft, settings: Settings, grid: Grid, denoise: float) -> TrainedLanding | None:
    """Set the pass's steps; returns where they land on `grid`, None where they don't."""
    # The steps that an axis holds are as good as a number in the settings.
    setting = draft.result("hr_second_pass_steps", settings.hires_steps)
    if setting == "keep":
        return None
    fixed = None if isinstance(setting, str) else int(setting)
    nudge = settings.hires_denoise == "auto" and not draft.is_held("denoising_strength")
    landing = on_trained_timesteps(grid.length, denoise, steps=fixed, nudge=nudge) if fixed != 0 else None
    if landing is not None:
        draft.set("hr_second_pass_steps", landing.steps, REQUESTED if fixed else grid.last(landing.steps))
    elif fixed is not None:
        draft.set("hr_second_pass_steps", fixed, REQUESTED)
    else:
        if draft["hr_second_pass_steps"] != 0 or draft["steps"] != grid.length:
            why = f"trained for {grid.length}" if grid.is_trained else REQUESTED
            draft.set("hr_second_pass_steps", grid.length, why)
        draft.notices.append(grid.missed(denoise))
    return landing
