"""Whether a plan is requested, by whom, and the plan: one way for the hooks, the page and the plan endpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from .. import TITLE
from ..request.settings import HostLists, Settings, SettingsError, from_script_args, with_listed_names
from ..request.tag_rule import requested_by_tags
from ..text import counted, readable
from .draft import Inputs
from .make import make_plan, plan_for_own_sampling, plan_for_tags
from .result import FIELD_TITLES, Change, Plan

By = Literal["settings", "tags", "nobody"]
"""Who can request a plan: an object, a ticked panel or a plot's axis; with the panel off, the prompts' tags; nobody
where an object or an axis turns everything off."""


def requester(args: Sequence[Any], axes: Mapping[str, Any]) -> By:
    """Who can request a plan, by the script's arguments and the settings that a plot's axes have set. Never raises."""
    if not args or args[0] is False:  # the panel is off; without arguments there is no panel
        return "settings" if axes else "tags"
    off = isinstance(args[0], Mapping) and args[0].get("enabled") is False
    return "nobody" if off else "settings"


@dataclass(frozen=True)
class Activation:
    """Who requests a plan, with which settings; `error` is bad input, for which nothing is changed."""

    by: By
    settings: Settings = field(default_factory=Settings)
    error: SettingsError | None = None

    @property
    def may_plan(self) -> bool:
        """Whether a recipe can come of it."""
        return self.by != "nobody" and self.error is None

    @property
    def failed(self) -> bool:
        """Whether something was requested that can't be read."""
        return self.error is not None and self.by != "nobody"


def read_activation(args: Sequence[Any], axes: Mapping[str, Any], lists: HostLists) -> Activation:
    """What the script's arguments request: an object, or the panel's values.

    A plot's cell along one of Hyper-SD's axes is generated with the panel's settings and the cell's, ticked or not,
    unless one of them says off.
    """
    by = requester(args, axes)
    if by == "tags":
        return Activation(by)
    try:
        settings = from_script_args(args)
        if axes:
            panel_is_off = not args or args[0] is False
            settings = settings.naming({**({"enabled": True} if panel_is_off else {}), **axes})
        settings = with_listed_names(settings, lists)
    except SettingsError as error:
        return Activation(by, error=error)
    return Activation("settings" if settings.enabled else "nobody", settings)


@dataclass(frozen=True)
class Decision:
    """`plan`: a recipe is requested. `hint`: only warn in the page that a typed LoRA does not suit the settings.
    `nothing`: leave the request alone. `plan` is what is to be done, if anything is."""

    kind: Literal["plan", "hint", "nothing"]
    plan: Plan | None = None


def decide(inputs: Inputs, activation: Activation) -> Decision:
    """What is requested, and the plan for it."""
    if activation.by == "settings" and activation.may_plan:
        return Decision("plan", make_plan(inputs, activation.settings))
    kind: Literal["plan", "hint", "nothing"] = "nothing"
    if activation.by == "tags":
        request = inputs.request
        prompts, comments = request.prompts + request.hr_prompts, request.host.comments
        kind = requested_by_tags(prompts, inputs.lookups, inputs.tag_reaction, comments=comments)
    return Decision(kind, plan_for_tags(inputs) if kind == "plan" else plan_for_own_sampling(inputs))


_HINTED = ("steps", "cfg_scale", "sampler_name", "scheduler")


def hint(inputs: Inputs) -> str | None:
    """For the page only: a Hyper-SD tag with the panel off, at settings that will look bad."""
    plan = make_plan(replace(inputs, hr_checkpoint=None), Settings())
    unsuited = [c for c in plan.settings_changes if c.field in _HINTED]
    if not plan.active or not unsuited:
        return None
    made_for = ", ".join(map(_wanted, unsuited))
    return f"{TITLE} is off, and {plan.lora} is made for {made_for}: tick {TITLE} to set this."


def _wanted(change: Change) -> str:
    """The value that a setting should have, to be put after "is made for": "8 steps", "CFG 1"."""
    if change.field == "steps":
        return counted(change.after, "step")
    return f"{FIELD_TITLES[change.field]} {readable(change.after)}"
