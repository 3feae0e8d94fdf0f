"""What a generation asks for (`Request`) and what will be done to it (`Plan`): the plan's two faces to the host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..sampling.names import BOUND, SAMPLERS, SCHEDULES
from .prompt_tags import CommentSyntax


@dataclass(frozen=True)
class Request:
    """A generation as the host is about to run it, in the host's own field names.

    A field that a host does not have is None: `scheduler`, `distilled_cfg_scale`, `hr_cfg`, `hr_distilled_cfg`.
    `explicit` names fields that must not be touched (an X/Y/Z axis set them).
    """

    prompts: tuple[str, ...]
    main_prompt: str
    steps: int
    cfg_scale: float
    sampler_name: str
    scheduler: str | None = None
    mode: Literal["txt2img", "img2img"] = "txt2img"
    negative_prompt: bool = False
    distilled_cfg_scale: float | None = None
    denoising_strength: float | None = None
    enable_hr: bool = False
    hr_prompts: tuple[str, ...] = ()
    own_hr_prompt: str = ""
    """A hires prompt that the request brings though hires fix is off."""
    hr_scale: float = 2.0
    hr_upscaler: str | None = None
    default_upscaler: str = "Latent"
    """What the host's page offers first; what None means, though Forge Neo's API fails at that."""
    hr_second_pass_steps: int = 0
    hr_cfg: float | None = None
    hr_distilled_cfg: float | None = None
    hr_sampler_name: str | None = None
    hr_scheduler: str | None = None
    hires_obstacle: str | None = None
    """Why hires fix can't be turned on for this request ("a resize by pixels is set"), or None."""
    hr_cfg_zero_is_same: bool = False
    """reForge: `hr_cfg` 0 means the first pass's, below 0 no uncond."""
    img2img_fixed_steps: bool = False
    """The host's option "do exactly the amount of steps" (`img2img_fix_steps`)."""
    refiner: bool = False
    own_samplers: frozenset[str] = frozenset(SAMPLERS)
    """Which of our samplers the host lists as ours: another extension may have taken a name."""
    own_schedules: frozenset[str] = frozenset(SCHEDULES)
    bound_samplers: frozenset[str] = frozenset()
    """Samplers that the host lists and whose names tell the schedule type that they bring ("Euler SGMUniform")."""
    noise_levels: int | None = None
    """Length of the loaded model's sigma table, where it is known."""
    flow: bool | None = None
    """Whether the loaded model is a flow model, where it tells."""
    comments: CommentSyntax = "hash"
    comments_stay_in_hires: bool = False
    """The host takes comments out of the first pass's prompts alone: a tag in a hires prompt's comment is a tag."""
    explicit: frozenset[str] = frozenset()

    def names_own(self, sampler: str, schedule: str) -> bool:
        """Whether one of these is ours here."""
        return sampler in self.own_samplers or schedule in self.own_schedules

    def has_schedule(self, name: str) -> bool:
        """Whether our schedule type `name` can be had: from the host's list, or bound to our sampler of that name
        where the host has no schedule types."""
        return name in (self.own_samplers if self.scheduler is None else self.own_schedules)

    def sampler_on(self, method: str, schedule: str) -> str:
        """The sampler to ask for, for `method` on `schedule`: where the host has no schedule types, the one that brings
        it, if the host lists such a one."""
        bound = (name for name in self.bound_samplers if BOUND[name] == (method, schedule))
        return next(bound, method) if self.scheduler is None else method

    def method_of(self, sampler: str) -> str:
        """A sampler's method: its name without the schedule type that it brings."""
        return BOUND[sampler][0] if self.scheduler is None and sampler in self.bound_samplers else sampler

    @property
    def hr_comments(self) -> CommentSyntax:
        """What the host takes out of the hires prompts."""
        return "none" if self.comments_stay_in_hires else self.comments

    @property
    def hr_prompts_if_on(self) -> tuple[str, ...]:
        """The hires prompts, were hires fix on: the request's own, or the first pass's."""
        if self.enable_hr:
            return self.hr_prompts
        return (self.own_hr_prompt,) * len(self.prompts) if self.own_hr_prompt else self.prompts
