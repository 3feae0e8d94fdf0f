"""A plan while it is being made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..models.families import Checkpoint
from ..models.recipes import Dial, Recipe
from ..request.defaults import NO_PREFERENCES, Preferences
from ..request.request import Request
from ..request.settings import Settings
from .result import Change


@dataclass
class Draft:
    """The plan while it is being made."""

    request: Request
    preferences: Preferences = NO_PREFERENCES
    changes: list[Change] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def set(self, name: str, value: Any, reason: str, *, even_explicit: bool = False) -> None:
        if value == self[name] or (name in self.request.explicit and not even_explicit):
            return
        # One entry a field, from what the request had.
        self.changes = [c for c in self.changes if c.field != name]
        before = getattr(self.request, name, None)
        if value != before:
            self.changes.append(Change(name, before, value, reason))

    def __getitem__(self, name: str) -> Any:
        """A field's value as the plan has it so far."""
        changed = (c.after for c in reversed(self.changes) if c.field == name)
        return next(changed, getattr(self.request, name, None))

    def dial(self, name: str, policy: Any, dial: Dial) -> None:
        """A number by policy: "clamp", "recipe", "keep" or the number itself."""
        if policy == "keep" or (policy == "clamp" and dial.holds(self[name])):
            return
        if policy in ("clamp", "recipe"):
            span = f"recipe {dial.low:g}–{dial.high:g}" if dial.low < dial.high else "recipe"
            self.set(name, dial.value, span)
        else:
            self.set(name, policy, "asked for")

    def choice(self, name: str, policy: str, recipe_value: str) -> None:
        if policy == "auto":
            self.set(name, recipe_value, "recipe")
        elif policy != "keep":
            self.set(name, policy, "asked for")

    def distilled_cfg(self, settings: Settings, checkpoint: Checkpoint, recipe: Recipe, name: str) -> None:
        dial = recipe.distilled_cfg
        if dial is not None and self[name] is not None and not checkpoint.uses_shift:
            self.dial(name, settings.distilled_cfg, dial)
        elif isinstance(settings.distilled_cfg, float) and name == "distilled_cfg_scale":
            self.notices.append(f"Distilled CFG was not set: it means nothing for {checkpoint.title} here.")
