"""A generation as the host is about to run it, in the host's own field names, and what this host can do."""

from dataclasses import dataclass, field
from typing import Literal

from ..models.catalog import Family
from ..sampling.names import BOUND, SAMPLERS, SCHEDULES
from .prompt_tags import CommentSyntax


@dataclass(frozen=True)
class HostTraits:
    """What differs from host to host, as far as a plan depends on it."""

    own_samplers: frozenset[str] = frozenset(SAMPLERS)
    """Hyper-SD's samplers that the host lists; a name that another extension has taken is not among them."""
    own_schedules: frozenset[str] = frozenset(SCHEDULES)
    """The same for schedule types."""
    bound_samplers: frozenset[str] = frozenset()
    """Samplers that the host lists and whose names say the schedule type that they bring ("Euler SGMUniform")."""
    comments: CommentSyntax = "hash"
    comments_stay_in_hires: bool = False
    """The host removes comments from the first pass's prompts alone: a tag in a hires prompt's comment counts."""
    hr_cfg_zero_is_same: bool = False
    """reForge: `hr_cfg` 0 means the first pass's CFG, below 0 no uncond."""
    img2img_fixed_steps: bool = False
    """The option "do exactly the amount of steps" (`img2img_fix_steps`)."""
    has_lcm: bool = True
    """The host lists the sampler LCM."""
    drops_all_loras: bool = False
    """A tag for a LoRA that is not there makes the host drop every LoRA of the prompt (Forge, reForge)."""
    schedules_weights: bool = False
    """sd-webui-loractl is here and on: schedules of weights in typed tags are its own."""
    weights_blocks: bool = False
    """sd-webui-lora-block-weight is here: block weights in typed tags are its own."""
    families: tuple[Family, ...] = ("sd15", "sdxl", "sd3", "flux")
    """The families of Hyper-SD's whose checkpoints the host can load."""
    default_upscaler: str = "Latent"
    """What the page offers first; what None means, though Forge Neo's API fails at that."""

    @property
    def hr_comments(self) -> CommentSyntax:
        """What the host removes from hires prompts."""
        return "none" if self.comments_stay_in_hires else self.comments


@dataclass(frozen=True)
class Request:
    """A generation as the host is about to run it.

    A field that the host does not have is None: `scheduler`, `distilled_cfg_scale`, `hr_cfg`, `hr_distilled_cfg`.
    `explicit` names fields that must not be changed (an X/Y/Z axis set them).
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
    hr_negative_prompt: bool = False
    """Whether the hires pass has a negative prompt, or would have one, were it on: its own, else the first pass's."""
    own_hr_prompt: str = ""
    """A hires prompt that the request has although hires fix is off."""
    hr_scale: float = 2.0
    hr_upscaler: str | None = None
    hr_second_pass_steps: int = 0
    hr_cfg: float | None = None
    hr_distilled_cfg: float | None = None
    hr_sampler_name: str | None = None
    hr_scheduler: str | None = None
    hires_obstacle: str | None = None
    """Why hires fix can't be turned on for this request ("a resize by pixels is set"), or None."""
    refiner: bool = False
    noise_levels: int | None = None
    """Length of the loaded model's sigma table, where it is known."""
    flow: bool | None = None
    """Whether the loaded model is a flow model, where that is known."""
    standing_lora: str | None = None
    """The LoRA that the host's option "Add network to prompt" (`sd_lora`) adds to each prompt, or None."""
    explicit: frozenset[str] = frozenset()
    host: HostTraits = field(default_factory=HostTraits)

    @property
    def fixed_img2img_steps(self) -> bool:
        """Whether this is img2img whose last `steps` steps of a longer schedule are evaluated."""
        return self.mode == "img2img" and self.host.img2img_fixed_steps

    @property
    def hr_prompts_if_on(self) -> tuple[str, ...]:
        """The hires prompts, were hires fix on: the request's own, or the first pass's."""
        if self.enable_hr:
            return self.hr_prompts
        return (self.own_hr_prompt,) * len(self.prompts) if self.own_hr_prompt else self.prompts

    def has_schedule(self, name: str) -> bool:
        """Whether Hyper-SD's schedule type `name` is available: in the host's list, or bound to the sampler of that
        name where the host has no schedule types."""
        return name in (self.host.own_samplers if self.scheduler is None else self.host.own_schedules)

    def sampler_on(self, method: str, schedule: str) -> str:
        """The sampler's name for `method` on `schedule`: where the host has no schedule types, the one that brings it,
        if the host lists such a one."""
        bound = (name for name in self.host.bound_samplers if BOUND[name] == (method, schedule))
        return next(bound, method) if self.scheduler is None else method

    def method_of(self, sampler: str) -> str:
        """A sampler's method: its name without the schedule type that it brings."""
        return BOUND[sampler][0] if self.scheduler is None and sampler in self.host.bound_samplers else sampler
