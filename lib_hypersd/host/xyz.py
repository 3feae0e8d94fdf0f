"""X/Y/Z plot: what the host's axes set for a cell, and this extension's own axes, which replace the panel's values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modules import scripts

from .. import TITLE
from ..request.settings import SettingsError, as_object, as_typed
from .loras import lora_index
from .options import sampler_names

_FIELDS: dict[str, str] = {
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
"""The host's axes, by label, and the field that each one sets."""
_EXPLICIT, _VALUES = "_hypersd_explicit", "_hypersd_axis_values"
"""Attributes of `p`: the fields that the host's axes have set, and the settings that this extension's have."""
_ON = {"On": True, "Off": False}
_STOCK = "off"
"""Among the steps: a cell without Hyper-SD, so that one axis can compare step counts and the stock picture."""


@dataclass(frozen=True)
class _Axis:
    """An axis of this extension: the setting that it sets, and the plot's choices for it; none for numbers."""

    name: str
    key: str
    choices: Callable[[], Sequence[str]] | None = None

    @property
    def label(self) -> str:
        return f"[{TITLE}] {self.name}"

    def option(self, kind: Callable[..., Any]) -> Any:
        """The plot's option for this axis; `kind` is the host's class `AxisOption`."""
        more = {"format_value": self.format_value, "confirm": self.confirm, "choices": self.choices}
        return kind(self.label, str, self.apply, **more)

    def format_value(self, p: Any, option: Any, value: str) -> str:
        """The text beside a row or above a column, as the hosts write it."""
        return f"stock: {p.steps} steps" if self._is_stock(value) else f"{self.label}: {value}"

    def confirm(self, p: Any, values: Sequence[str]) -> None:
        """Check all values. The plot shows a RuntimeError in the page and generates nothing."""
        try:
            for value in values:
                self._settings(value)
        except SettingsError as error:
            raise RuntimeError(f"{self.label}: {error}") from None

    def apply(self, p: Any, value: str, values: Sequence[str]) -> None:
        before, now = values_set_by_axes(p), self._settings(value)
        off = {"enabled": False} if False in (before.get("enabled"), now.get("enabled")) else {}
        setattr(p, _VALUES, {**before, **now, **off})

    def _settings(self, value: str) -> dict[str, Any]:
        """The settings that a value means. Raises SettingsError."""
        if self._is_stock(value):
            return {"enabled": False}
        text = value.strip()
        return {self.key: as_typed(self.key, _ON.get(text.capitalize(), text) if self.key == "enabled" else text)}

    def _is_stock(self, value: str) -> bool:
        return self.key == "steps" and value.strip().lower() == _STOCK


_AXES = (
    _Axis("LoRA", "lora", lambda: ["auto", "none", *(file.name for file in lora_index().files), *lora_index().kin]),
    _Axis("Steps", "steps", lambda: ["auto", "keep", "1", "2", "4", "8", "12", "16", _STOCK]),
    _Axis("Weight", "weight"),
    _Axis("Hires weight", "hires_weight"),
    _Axis("Apply", "apply", lambda: ["auto", "host", "bypass"]),
    _Axis("CFG policy", "cfg", lambda: ["clamp", "recipe", "keep"]),
    _Axis("Sampler", "sampler", lambda: ["auto", "keep", *sampler_names()]),
    _Axis("Eta", "eta"),
    _Axis("On/Off", "enabled", lambda: list(_ON)),
)


def set_up_axes() -> None:
    """Have the host's axes note what they set, and add this extension's. Idempotent.

    Every script must be loaded by then. Without a note, a value that an axis has set could be the slider's.
    """
    plots = [(script.module, getattr(script.module, "axis_options", [])) for script in scripts.scripts_data]
    for option in (option for _, options in plots for option in options):
        field = _FIELDS.get(getattr(option, "label", ""))
        if field and not hasattr(option.apply, "hypersd_field"):
            option.apply = _noting(option.apply, field)
    for module, options in plots:
        if hasattr(module, "AxisOption"):
            known = {option.label for option in options}
            options += [axis.option(module.AxisOption) for axis in _AXES if axis.label not in known]


def _noting(apply_axis: Callable[..., Any], field: str) -> Callable[..., Any]:
    def apply_and_note(p: Any, *values: Any) -> None:
        apply_axis(p, *values)
        # A tuple: sd-webui-distributed makes JSON of each attribute of `p`.
        setattr(p, _EXPLICIT, tuple(fields_set_by_axes(p) | {field}))

    apply_and_note.hypersd_field = field  # type: ignore[attr-defined]
    return apply_and_note


def fields_set_by_axes(p: Any) -> frozenset[str]:
    """The fields of `p` that the host's axes have set for this cell of a plot."""
    return frozenset(getattr(p, _EXPLICIT, ()))


def values_set_by_axes(p: Any) -> Mapping[str, Any]:
    """The settings that this extension's axes have set for this cell of a plot."""
    values: Mapping[str, Any] = getattr(p, _VALUES, {})
    return values


# On other machines ---------------------------------------------------------------------------------------------

_DISTRIBUTOR = "Distribute"
"""The title of sd-webui-distributed's script."""
_KEEPING = {
    "steps": "steps",
    "cfg_scale": "cfg",
    "distilled_cfg_scale": "distilled_cfg",
    "sampler_name": "sampler",
    "scheduler": "scheduler",
}
"""Fields that the host's axes set, and the setting that leaves each of them alone."""


def send_axes_to_workers(p: Any, args: Sequence[Any], position: int) -> None:
    """Put what axes have set for this cell into this script's arguments, the first of which is at `position`.

    sd-webui-distributed sends its workers all scripts' arguments, and nothing else of an axis. Without it the arguments
    stay as they are. A bad value gets its notice in `process`.
    """
    if not (values_set_by_axes(p) or fields_set_by_axes(p)) or not _is_distributed(p):
        return
    try:
        request = _with_axes(p, args)
    except SettingsError:
        return
    if request is not None:
        given = p.script_args
        p.script_args = type(given)((*given[:position], request, *given[position + 1 :]))


def _is_distributed(p: Any) -> bool:
    return any(script.title() == _DISTRIBUTOR for script in p.scripts.alwayson_scripts)


def _with_axes(p: Any, args: Sequence[Any]) -> dict[str, Any] | None:
    """The API object for this cell on another machine; None where panel and axes leave it to the prompt's tags."""
    request, own = as_object(args), values_set_by_axes(p)
    if own and args[0] is False:
        request["enabled"] = True
    request.update(own)
    if request.get("enabled") is False and not own:
        return None
    if not getattr(p, "enable_hr", False):  # "keep" would hold for the hires pass too
        kept = {_KEEPING[name] for name in fields_set_by_axes(p) if name in _KEEPING}
        if isinstance(request.get("steps"), int | float):  # the number also chooses the file
            kept.discard("steps")
        request.update(dict.fromkeys(kept, "keep"))
    return request
