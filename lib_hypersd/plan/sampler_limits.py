"""The passes of a plan as they will be drawn, and what of ours can't draw them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..models.families import Checkpoint
from ..models.recipes import EULER, SGM_UNIFORM, Recipe
from ..request.request import Request
from ..request.settings import Settings
from ..sampling.names import AUTOMATIC, TCD, schedule_in_effect, schedule_obstacle
from .draft import Draft
from .lora_choice import Refusal
from .trained_steps import NOTHING, schedule_length


@dataclass(frozen=True)
class Pass:
    """One pass: `length` is its schedule's, of which img2img and hires evaluate the last steps."""

    sampler: str
    schedule: str | None
    length: int
    flow: bool
    noise_levels: int | None
    own_sampler: bool
    own_schedule: bool
    """Whether its sampler and its schedule type are ours, and not another extension's of the same name."""
    fields: tuple[str, str]
    """The request's fields of its sampler and schedule type."""

    @property
    def own_names(self) -> tuple[str, ...]:
        """Which of our samplers and schedule types it names."""
        named = ((self.own_sampler, self.sampler), (self.own_schedule, self.schedule or ""))
        return tuple(dict.fromkeys(name for own, name in named if own))

    def obstacle(self) -> str | None:
        """Why ours can't draw it, or None."""
        if not self.own_names:
            return None
        if self.flow:
            return "this is a flow model, and it is for SD 1.5, SD 2 and SDXL"
        in_effect = schedule_in_effect(self.sampler, self.schedule)
        ours = self.own_schedule or (self.own_sampler and in_effect != self.schedule)
        return schedule_obstacle(in_effect, self.length, self.noise_levels) if ours else None


def passes(draft: Draft, checkpoint: Checkpoint, hr_checkpoint: Checkpoint | None) -> Iterator[Pass]:
    """The first pass, and the hires pass if there is one."""
    request = draft.request
    steps, denoise = draft["steps"], draft["denoising_strength"] or 0.0
    fixed = request.mode == "img2img" and request.img2img_fixed_steps
    model = first_is_flow(draft, checkpoint), request.noise_levels
    length = _length(steps, denoise) if fixed else steps
    yield _pass(request, draft["sampler_name"], draft["scheduler"], length, model, ("sampler_name", "scheduler"))
    if not draft["enable_hr"]:
        return
    yield _pass(
        request,
        draft["hr_sampler_name"] or draft["sampler_name"],
        draft["hr_scheduler"] or draft["scheduler"],
        _length(draft["hr_second_pass_steps"] or steps, denoise),
        (hr_checkpoint.flow, None) if hr_checkpoint else model,
        ("hr_sampler_name", "hr_scheduler"),
    )


def _pass(
    request: Request,
    sampler: str,
    schedule: str | None,
    length: int,
    model: tuple[bool, int | None],
    fields: tuple[str, str],
) -> Pass:
    own_sampler, own_schedule = sampler in request.own_samplers, schedule in request.own_schedules
    return Pass(sampler, schedule, length, *model, own_sampler, own_schedule, fields)


def first_is_flow(draft: Draft, checkpoint: Checkpoint) -> bool:
    """Whether the first pass's model is a flow model: the loaded model knows best."""
    return checkpoint.flow if draft.request.flow is None else draft.request.flow


def _length(steps: int, denoise: float) -> int:
    return schedule_length(steps, denoise) if denoise >= NOTHING else 1  # no pass to speak of


def fitting_schedule(sampler: str, recipe: Recipe, draft: Draft, *, flow: bool) -> str:
    """The schedule type for a sampler under a recipe: TCD's own for TCD, and for nothing else."""
    ours = TCD in draft.request.own_samplers and draft.request.has_schedule(TCD)
    if sampler == TCD and ours and not flow:
        return TCD
    return SGM_UNIFORM if recipe.scheduler == TCD else recipe.scheduler


def fitting_sampler(sampler: str, policy: str, recipe: Recipe, draft: Draft, *, flow: bool) -> str:
    """The recipe's sampler as this host names it; `sampler` is the pass's so far, `policy` the schedule type's.

    On a host without schedule types it is the one that brings the recipe's, unless the schedule is to be kept.
    """
    request = draft.request
    if request.scheduler is None and (policy == "keep" or "scheduler" in request.explicit):
        return sampler if request.method_of(sampler) == recipe.sampler else recipe.sampler
    return request.sampler_on(recipe.sampler, fitting_schedule(recipe.sampler, recipe, draft, flow=flow))


def what_cannot_be_drawn(
    draft: Draft, checkpoint: Checkpoint, hr_checkpoint: Checkpoint | None, instead: str = AUTOMATIC
) -> list[str]:
    """Take ours out of the passes that they can't draw, for the schedule type `instead` and, where that would still
    be ours, for Euler; one sentence for each reason.

    Otherwise the picture would be lost, or drawn by a schedule that nobody asked for.
    """
    told, euler = [], draft.request.sampler_on(EULER, instead)
    for one in passes(draft, checkpoint, hr_checkpoint):  # lazily: the hires pass inherits what was mended
        why = one.obstacle()
        if why is None:
            continue
        sampler, schedule = one.fields
        taken = []
        bound = one.schedule is None or instead == AUTOMATIC  # the sampler would bring its schedule again
        drop_sampler = one.own_sampler and (one.flow or bound)
        if drop_sampler:
            taken.append(f"sampler {euler}")
            draft.set(sampler, euler, "can't be used here", even_explicit=True)
        if one.own_schedule or not drop_sampler:
            taken.append(f"schedule type {instead}")
            draft.set(schedule, instead, "can't be used here", even_explicit=True)
        told.append(f"{' and '.join(one.own_names)} can't be used here: {why}; taken instead: {' and '.join(taken)}.")
    return list(dict.fromkeys(told))


def settle_own_sampling(
    draft: Draft, settings: Settings, checkpoint: Checkpoint, hr_checkpoint: Checkpoint | None
) -> float | None:
    """The last word on a tuned draft's use of ours, with its notices; returns TCD's eta where one was asked for.

    Raises Refusal where the settings name what can't draw the first pass.
    """
    first = next(passes(draft, checkpoint, hr_checkpoint))
    why = first.obstacle()
    if why and draft.request.names_own(settings.sampler, settings.scheduler):
        raise Refusal(f"{' and '.join(first.own_names)} can't be used here: {why}: nothing was changed.")
    draft.notices += what_cannot_be_drawn(draft, checkpoint, hr_checkpoint, instead=SGM_UNIFORM)
    drawn = list(passes(draft, checkpoint, hr_checkpoint))
    for name in dict.fromkeys(name for one in drawn for name in one.own_names):
        draft.notices.append(f"{name} is this extension's own: a WebUI without it can't redraw this picture.")
    if settings.eta == "auto":
        return None
    if not any(one.own_sampler and one.sampler == TCD for one in drawn):
        draft.notices.append(f"Eta was not used: only {TCD} takes it from here.")
        return None
    return float(settings.eta)
