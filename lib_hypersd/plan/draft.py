"""What a plan is made from (`Inputs`), and a plan while it is being made (`Draft`)."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ..models.catalog import Family
from ..models.checkpoint import Checkpoint
from ..models.lora_index import LoraFile, LoraIndex
from ..models.recipes import Dial
from ..models.storage import Merged
from ..request.preferences import NO_PREFERENCES, Preferences
from ..request.prompt_tags import CommentSyntax
from ..request.request import Request
from ..request.settings import Setting, Settings
from ..request.tag_rule import Lookups, TagReader
from .result import Change

REQUESTED = "asked for"
"""The reason of a change to a value that the settings give."""


Measure = Callable[[LoraFile, float], Merged | None]


def _nothing_measured(_file: LoraFile, _weight: float) -> Merged | None:
    return None


@dataclass(frozen=True)
class Inputs:
    """All that a plan is made from, the settings apart.

    `checkpoint` is the model of the first pass, `hr_checkpoint` that of the hires pass where it is another one.
    `tag_reaction` is the option that says which tags request a plan: "aliases", "all" or "none". `storage` is how the
    loaded model's weights are stored ("nf4", "fp8", "q4_0", "fp16"), where that is known. `is_merged`: the host merges
    a LoRA into them; False where it adds it in each evaluation (its option "fp16 LoRA"). `measure` tells what its merge
    of a file at a weight would keep, on a low-bit checkpoint that is loaded.
    """

    request: Request
    checkpoint: Checkpoint
    index: LoraIndex = field(default_factory=LoraIndex, repr=False)
    hr_checkpoint: Checkpoint | None = None
    preferences: Preferences = NO_PREFERENCES
    tag_reaction: str = "aliases"
    storage: str | None = None
    is_merged: bool = True
    measure: Measure = field(default=_nothing_measured, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", self.index.as_of_now())

    @cached_property
    def lookups(self) -> Lookups:
        """What the prompts' tags mean, for all of the plan."""
        return Lookups(self.index)

    @property
    def flow(self) -> bool:
        """Whether the first pass's model is a flow model: the loaded model knows best."""
        return self.checkpoint.flow if self.request.flow is None else self.request.flow

    @property
    def has_distilled_cfg(self) -> bool:
        """Whether the host's distilled CFG means that on the checkpoint of a pass, or may mean it on one that is not
        known until it is loaded."""
        checkpoints = [one for one in (self.checkpoint, self.hr_checkpoint) if one and not one.uses_shift]
        is_there = self.request.distilled_cfg_scale is not None
        return is_there and any(one.family == "flux" or one.is_unknown for one in checkpoints)

    @property
    def standing_file(self) -> LoraFile | None:
        """The Hyper-SD file that the host's option adds to each prompt by itself, or None."""
        name = self.request.standing_lora
        return self.index.hyper_file(name) if name else None

    def reader(self, settings: Settings | None = None, requested: LoraFile | None = None) -> TagReader:
        """Reads the tags of the first pass's prompts."""
        return self._reader(self.checkpoint.family, self.request.host.comments, settings, requested)

    def hr_reader(self, settings: Settings | None = None, requested: LoraFile | None = None) -> TagReader:
        """Reads the tags of the prompts of a hires pass on its own checkpoint."""
        family = self.hr_checkpoint.family if self.hr_checkpoint else None
        reader = self._reader(family, self.request.host.hr_comments, settings, requested)
        return replace(reader, is_known=not (self.hr_checkpoint and self.hr_checkpoint.is_unknown))

    def _reader(
        self, family: Family | None, comments: CommentSyntax, settings: Settings | None, requested: LoraFile | None
    ) -> TagReader:
        return TagReader(self.lookups, family, comments, settings.explicit_steps if settings else None, requested)


@dataclass
class Draft:
    """A plan while it is being made: the changes so far, one entry a field, and the notices."""

    inputs: Inputs
    notices: list[str] = field(default_factory=list)
    _changes: dict[str, Change] = field(default_factory=dict)

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(self._changes.values())

    @property
    def request(self) -> Request:
        return self.inputs.request

    def is_held(self, name: str) -> bool:
        """Whether an axis of X/Y/Z plot has set a field: it is the axis's, and no setting for it counts."""
        return name in self.request.explicit

    def result(self, name: str, value: Any) -> Any:
        """What a field would be, were it set to `value`: whatever depends on the field is computed from this."""
        return self[name] if self.is_held(name) else value

    def set(self, name: str, value: Any, reason: str, *, even_explicit: bool = False) -> None:
        """Change a field; one that an axis holds only with `even_explicit`."""
        value = value if even_explicit else self.result(name, value)
        if value == self[name]:
            return
        # One entry a field, from what the request had, in the order of the last changes.
        self._changes.pop(name, None)
        before = getattr(self.request, name, None)
        if value != before:
            self._changes[name] = Change(name, before, value, reason)

    def __getitem__(self, name: str) -> Any:
        """A field's value as the plan has it so far."""
        change = self._changes.get(name)
        return getattr(self.inputs.request, name, None) if change is None else change.after

    def dial(self, name: str, policy: Setting, dial: Dial) -> None:
        """Set a number by policy: "clamp", "recipe", "keep" or the number itself."""
        by_recipe = f"recipe {dial.span}" if dial.low < dial.high else "recipe"
        if policy != "keep":  # NaN would differ from itself
            self.set(name, dial.under(policy, self[name]), by_recipe if isinstance(policy, str) else REQUESTED)

    def own_names(self, settings: Settings) -> list[str]:
        """Hyper-SD's samplers and schedule types that the settings name for the first pass."""
        named = {"sampler_name": settings.sampler, "scheduler": settings.scheduler}
        host = self.request.host
        listed = {"sampler_name": host.own_samplers, "scheduler": host.own_schedules}
        return [name for field, name in named.items() if name in listed[field] and not self.is_held(field)]

    def choice(self, name: str, policy: str, recipe_value: str) -> None:
        """Set a name by policy: "auto", "keep" or the name itself."""
        if policy == "auto":
            self.set(name, recipe_value, "recipe")
        elif policy != "keep":
            self.set(name, policy, REQUESTED)
