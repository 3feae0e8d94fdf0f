"""What will be done to a generation (`Plan`), as a list of changes for people and for the host."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..models.catalog import Variant
from ..request.request import Request
from ..request.tag_rule import TagRule
from ..request.weight_schedule import Weight, WeightSchedule
from ..text import readable
from .application import Application

FIELD_TITLES: dict[str, str] = {
    "steps": "steps",
    "cfg_scale": "CFG",
    "distilled_cfg_scale": "distilled CFG",
    "sampler_name": "sampler",
    "scheduler": "schedule",
    "denoising_strength": "denoise",
    "enable_hr": "hires",
    "hr_scale": "hires scale",
    "hr_upscaler": "hires upscaler",
    "hr_second_pass_steps": "hires steps",
    "hr_cfg": "hires CFG",
    "hr_distilled_cfg": "hires distilled CFG",
    "hr_sampler_name": "hires sampler",
    "hr_scheduler": "hires schedule",
    "prompt": "prompt",
    "hr_prompt": "hires prompt",
    "ad_prompt": "ADetailer prompt",
}
"""The host's fields that a plan can change, by their short names for people."""
PROMPT_FIELDS = ("prompt", "hr_prompt", "ad_prompt")
"""Those whose change is an edit of a text; they are no settings."""


@dataclass(frozen=True)
class Change:
    """One change: `field` in the host's name, its value before and after, and why."""

    field: str
    before: Any
    after: Any
    reason: str

    def __str__(self) -> str:
        title = FIELD_TITLES[self.field]
        if self.before in ("", None) and self.field in PROMPT_FIELDS:
            return f"{title} + {self.after}"
        return f"{title} {readable(self.before)} → {readable(self.after)}"


@dataclass(frozen=True)
class Reason:
    """Why a request is left alone, and what to do."""

    why: str
    advice: str = ""

    def sentence(self, *, is_all: bool) -> str:
        """The notice; unless `is_all`, something had to be replaced nevertheless."""
        nothing = "nothing was changed" if is_all else "nothing else was changed"
        return f"{self.why}: {nothing}{'; ' if self.advice else ''}{self.advice}."


@dataclass(frozen=True)
class Plan:
    """What will be done. Not `active`: nothing, but for aliases that are removed from the prompts.

    `lora` is the file's name ("none" where the checkpoint has it baked in); `rule` and `hr_rule` keep the tag in
    every prompt and hires prompt; `changes` is what people read, and, prompts apart, what is set.
    """

    active: bool
    changes: tuple[Change, ...] = ()
    notices: tuple[str, ...] = ()
    lora: str | None = None
    weight: float | None = None
    rule: TagRule | None = None
    hr_rule: TagRule | None = None
    prompts: tuple[str, ...] = ()
    main_prompt: str = ""
    hr_prompts: tuple[str, ...] = ()
    summary: str = ""
    schedule: WeightSchedule | None = None
    """The weights of the first pass where they change from step to step; `weight` is the first of them."""
    hires_weight: Weight | None = None
    """The second pass's weight where the settings give it one of its own."""
    application: Application | None = None
    hr_application: Application | None = None
    leaves_out_standing: bool = False
    """The host's option adds a Hyper-SD file to each prompt by itself: not to this generation."""
    eta: float | None = None
    """TCD's eta where it is requested and used; else None."""
    missing: Variant | None = None
    """Not active because this published file is missing."""
    unfit: bool = False
    """Not active because of the checkpoint: of another family, or distilled already."""

    pending: bool = False
    """Not active because the checkpoint is not known until it is loaded."""

    @staticmethod
    def unchanged(request: Request) -> Plan:
        """The plan that does nothing."""
        return Plan(False, prompts=request.prompts, main_prompt=request.main_prompt, hr_prompts=request.hr_prompts)

    def with_inner_pass(self) -> Plan:
        """This plan, its changes saying that a prompt which was typed for an inner pass has the tag, too."""
        tag = self.rule.tag if self.rule else ""
        change = Change("ad_prompt", "", tag, "its pass runs on this run's settings")
        return replace(self, changes=(*self.changes, change))

    @property
    def notice(self) -> str:
        return " ".join(self.notices)

    @property
    def settings_changes(self) -> tuple[Change, ...]:
        """The changes of fields other than prompts, in the order in which they are to be set."""
        return tuple(c for c in self.changes if c.field not in PROMPT_FIELDS)
