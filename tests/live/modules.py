"""The VAE and the text encoders that a host loads beside a checkpoint's net: an option of Forge's and Neo's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OPTION = "forge_additional_modules"
HIRES_FIELD = "hr_additional_modules"
SAME = "Use same choices"
_NEEDS_THEM = ("flux",)
"""Words in the names of checkpoints whose files mostly hold the net alone. To others such modules are wrong ones."""


@dataclass(frozen=True)
class HostModules:
    """What goes beside a checkpoint. `known`: names or paths as the host lists them; None where the host has no such
    option."""

    known: tuple[str, ...] | None

    @staticmethod
    def of(options: Mapping[str, Any], given: Sequence[str]) -> HostModules:
        """Those that a person gives, or else those that are set on the host."""
        return HostModules(tuple(given or options[OPTION] or ()) if OPTION in options else None)

    def options(self, checkpoint: str) -> dict[str, Any]:
        """The options by which the host loads a checkpoint."""
        beside = {} if self.known is None else {OPTION: self._of(checkpoint)}
        return {"sd_model_checkpoint": checkpoint, **beside}

    def completed(self, request: Mapping[str, Any], *, has_hires_field: bool) -> dict[str, Any]:
        """A request with the modules of the checkpoints that it names."""
        overrides, done = request.get("override_settings") or {}, dict(request)
        if "sd_model_checkpoint" in overrides:
            done["override_settings"] = {**overrides, **self.options(overrides["sd_model_checkpoint"])}
        if request.get("enable_hr") and has_hires_field:
            # Without it Forge's API ends in 500 on every hires request, with or without extensions.
            other = request.get("hr_checkpoint_name")
            done.setdefault(HIRES_FIELD, self._of(other) if other and self.known is not None else [SAME])
        return done

    def _of(self, checkpoint: str) -> list[str]:
        needs = any(word in checkpoint.lower() for word in _NEEDS_THEM)
        return list(self.known or ()) if needs else []
