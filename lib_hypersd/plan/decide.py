"""What somebody asks for, and the plan for it: one way for the hooks, the page and the plan endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .. import TITLE
from ..host import loras, options
from ..models.families import Checkpoint
from ..request.request import Request
from ..request.settings import Settings
from ..request.tag_rule import what_tags_ask
from ..text import readable
from .make import make_plan, plan_for_own_sampling, plan_for_tags
from .result import FIELD_TITLES, Plan

Wish = Literal["plan", "hint", "nothing"]
"""A recipe; a hint in the page, that a typed file will look bad; neither."""


@dataclass(frozen=True)
class Asked:
    """A request, the checkpoints it would run on, and the options it brings along."""

    request: Request
    checkpoint: Checkpoint
    hr_checkpoint: Checkpoint | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)


def settle(asked: Asked, settings: Settings | None) -> tuple[Wish, Plan | None]:
    """What is wished for, and the plan; None where nothing is to be done.

    `settings` are an object's or a ticked panel's, None where the panel is off and only tags can ask.
    """
    wish = _wish(asked, settings)
    request, checkpoint, hr_checkpoint = asked.request, asked.checkpoint, asked.hr_checkpoint
    if wish != "plan":
        return wish, plan_for_own_sampling(request, checkpoint, hr_checkpoint)
    index, preferences = loras.lora_index(), options.preferences(asked.overrides)
    if settings is None:
        return wish, plan_for_tags(request, checkpoint, index, hr_checkpoint, preferences)
    return wish, make_plan(request, settings, checkpoint, index, hr_checkpoint, preferences)


def _wish(asked: Asked, settings: Settings | None) -> Wish:
    """With the panel off an alias asks for the whole recipe; a full name only where the option says so."""
    if settings is not None:
        return "plan" if settings.enabled else "nothing"
    request, reaction = asked.request, options.prompt_tag_reaction(asked.overrides)
    return what_tags_ask(request.prompts + request.hr_prompts, loras.lora_index(), reaction, comments=request.comments)


def hint(asked: Asked) -> str | None:
    """For the page only: a Hyper-SD tag with the panel off, at settings that will look bad."""
    plan = make_plan(
        asked.request,
        Settings(),
        asked.checkpoint,
        loras.lora_index(),
        preferences=options.preferences(asked.overrides),
    )
    wrong = [c for c in plan.settings_changes if c.field in ("steps", "cfg_scale", "sampler_name", "scheduler")]
    if not plan.active or not wrong:
        return None
    made_for = ", ".join(f"{FIELD_TITLES[c.field]} {readable(c.after)}" for c in wrong)
    return f"{TITLE} is off, and {plan.lora} is made for {made_for}: tick {TITLE} to set this."
