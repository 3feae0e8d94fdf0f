"""Which sampler and schedule type a pass uses, and what to do where Hyper-SD's own are not supported."""

from collections.abc import Iterator
from dataclasses import dataclass

from ..models.recipes import EULER, SGM_UNIFORM, Recipe
from ..request.request import Request
from ..request.settings import Settings
from ..sampling.names import AUTOMATIC, TCD, schedule_in_effect, schedule_obstacle
from .draft import Draft
from .lora_choice import Refusal
from .trained_steps import NOTHING, schedule_length


def fitting_schedule(request: Request, sampler: str, recipe: Recipe, *, flow: bool) -> str:
    """The schedule type for a sampler under a recipe: TCD's own for TCD, and for nothing else."""
    if sampler == TCD and TCD in request.host.own_samplers and request.has_schedule(TCD) and not flow:
        return TCD
    return SGM_UNIFORM if recipe.scheduler == TCD else recipe.scheduler


def fitting_sampler(request: Request, sampler: str, policy: str, recipe: Recipe, *, flow: bool) -> str:
    """The recipe's sampler as this host names it; `sampler` is the pass's so far, `policy` the schedule type's.

    On a host without schedule types it is the one that brings the recipe's, unless the schedule is to be kept.
    """
    if request.scheduler is None and (policy == "keep" or "scheduler" in request.explicit):
        return sampler if request.method_of(sampler) == recipe.sampler else recipe.sampler
    return request.sampler_on(recipe.sampler, fitting_schedule(request, recipe.sampler, recipe, flow=flow))


@dataclass(frozen=True)
class SampledPass:
    """One pass as it will be sampled. `length` is its schedule's, of which img2img and hires evaluate the last steps;
    `own_sampler` and `own_schedule`: they are Hyper-SD's, and not another extension's of the same name."""

    sampler: str
    schedule: str | None
    length: int
    flow: bool
    noise_levels: int | None
    own_sampler: bool
    own_schedule: bool

    @property
    def own_names(self) -> tuple[str, ...]:
        """Which of Hyper-SD's samplers and schedule types it names."""
        named = ((self.own_sampler, self.sampler), (self.own_schedule, self.schedule or ""))
        return tuple(dict.fromkeys(name for own, name in named if own))

    def obstacle(self) -> str | None:
        """Why Hyper-SD's sampler or schedule type is not supported for it, or None."""
        if not self.own_names:
            return None
        if self.flow:
            return "this is a flow model, and it is for models that predict noise (SD 1.5, SD 2, SDXL)"
        in_effect = schedule_in_effect(self.sampler, self.schedule)
        own = self.own_schedule or (self.own_sampler and in_effect != self.schedule)
        return schedule_obstacle(in_effect, self.length, self.noise_levels) if own else None


FIRST, HIRES = ("sampler_name", "scheduler"), ("hr_sampler_name", "hr_scheduler")
"""The request's fields of a pass's sampler and schedule type."""
_Fields = tuple[str, str]


def sampled_passes(draft: Draft) -> Iterator[tuple[_Fields, SampledPass]]:
    """The first pass, and the hires pass if there is one, each as the draft has it by then."""
    request, hr_checkpoint = draft.request, draft.inputs.hr_checkpoint
    first_model = draft.inputs.flow, request.noise_levels
    denoise = draft["denoising_strength"] or 0.0
    length = _length(draft["steps"], denoise) if request.fixed_img2img_steps else draft["steps"]
    yield FIRST, _sampled(request, draft["sampler_name"], draft["scheduler"], length, first_model)
    if draft["enable_hr"]:
        sampler, schedule = (draft[hires] or draft[first] for hires, first in zip(HIRES, FIRST, strict=True))
        length = _length(draft["hr_second_pass_steps"] or draft["steps"], denoise)
        model = (hr_checkpoint.flow, None) if hr_checkpoint else first_model
        yield HIRES, _sampled(request, sampler, schedule, length, model)


def _sampled(
    request: Request, sampler: str, schedule: str | None, length: int, model: tuple[bool, int | None]
) -> SampledPass:
    own = sampler in request.host.own_samplers, schedule in request.host.own_schedules
    return SampledPass(sampler, schedule, length, *model, *own)


def _length(steps: int, denoise: float) -> int:
    return schedule_length(steps, denoise) if denoise >= NOTHING else 1  # no pass to speak of


def replace_unsupported(draft: Draft, instead: str = AUTOMATIC) -> list[str]:
    """Replace Hyper-SD's sampler and schedule type in the passes for which they are not supported, by the schedule type
    `instead` and, where that would still bring Hyper-SD's, by Euler; returns one sentence for each reason.

    Otherwise the picture would be lost, or sampled on a schedule that was not requested. On a flow model the schedule
    type is always SGM Uniform: Automatic, under Hyper-SD's sampler too, makes a black picture of FLUX on Forge, and of
    SDXL's flow variants and Mugen on Forge Neo (docs/hosts.md).
    """
    notices = []
    for (sampler, schedule), one in sampled_passes(draft):  # lazily: the hires pass inherits what was replaced
        why = one.obstacle()
        if why is None:
            continue
        fallback = SGM_UNIFORM if one.flow else instead
        euler, replaced = draft.request.sampler_on(EULER, fallback), []
        bound = one.schedule is None or fallback == AUTOMATIC  # the sampler would bring its schedule again
        drop_sampler = one.own_sampler and (one.flow or bound)
        if drop_sampler:
            replaced.append(f"sampler {euler}")
            draft.set(sampler, euler, "can't be used here", even_explicit=True)
        if one.own_schedule or not drop_sampler or (one.flow and one.schedule == AUTOMATIC):
            replaced.append(f"schedule type {fallback}")
            draft.set(schedule, fallback, "can't be used here", even_explicit=True)
        names = " and ".join(one.own_names)
        notices.append(f"{names} can't be used here: {why}; taken instead: {' and '.join(replaced)}.")
    return list(dict.fromkeys(notices))


def settle_own_sampling(draft: Draft, settings: Settings, recipe: Recipe) -> float | None:
    """Validate a tuned draft's use of Hyper-SD's samplers, replacing them where they are not supported; returns TCD's
    eta if one is requested, or `recipe` has one, and TCD runs.

    Raises Refusal where the settings name what is not supported for the first pass.
    """
    _, first = next(sampled_passes(draft))
    why = first.obstacle()
    if why and draft.own_names(settings):
        raise Refusal(f"{' and '.join(first.own_names)} can't be used here: {why}")
    draft.notices += replace_unsupported(draft, instead=SGM_UNIFORM)
    settled = [one for _, one in sampled_passes(draft)]
    for name in dict.fromkeys(name for one in settled for name in one.own_names):
        draft.notices.append(f"{name} is this extension's own: a WebUI without it can't redraw this picture.")
    runs_tcd = any(one.own_sampler and one.sampler == TCD for one in settled)
    if settings.eta == "auto":
        return recipe.eta if runs_tcd else None
    if not runs_tcd:
        draft.notices.append(f"Eta was not used: only {TCD} takes it from here.")
        return None
    return float(settings.eta)
