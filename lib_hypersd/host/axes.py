"""X/Y/Z plot's axes: what they set is the person's explicit wish."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modules import scripts

_AXES: dict[str, str] = {
    "Steps": "steps",
    "Hires steps": "hr_second_pass_steps",
    "CFG Scale": "cfg_scale",
    "Distilled CFG Scale": "distilled_cfg_scale",
    "Sampler": "sampler_name",
    "Hires sampler": "hr_sampler_name",
    "Schedule type": "scheduler",
    "Denoising": "denoising_strength",
    "Hires upscaler": "hr_upscaler",
}
"""X/Y/Z plot's axes, by label, and the field that each one sets."""
_EXPLICIT = "_hypersd_explicit"


def watch_axes() -> None:
    """See to it that a value which an X/Y/Z axis has set can be told from a slider's. Idempotent."""
    for script in scripts.scripts_data:
        for option in getattr(script.module, "axis_options", ()):
            name = _AXES.get(getattr(option, "label", ""))
            if name and not hasattr(option.apply, "hypersd_field"):
                option.apply = _noted(option.apply, name)


def _noted(apply_axis: Callable[..., Any], name: str) -> Callable[..., Any]:
    def apply_and_note(p: Any, *values: Any) -> None:
        apply_axis(p, *values)
        # A tuple: sd-webui-distributed makes JSON of whatever stands on `p`.
        setattr(p, _EXPLICIT, tuple(fields_set_by_axes(p) | {name}))

    apply_and_note.hypersd_field = name  # type: ignore[attr-defined]
    return apply_and_note


def fields_set_by_axes(p: Any) -> frozenset[str]:
    """The fields of `p` that an axis has set for this cell of a plot."""
    return frozenset(getattr(p, _EXPLICIT, ()))
