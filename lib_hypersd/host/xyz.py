"""X/Y/Z plot's axes of this extension's own settings: a cell draws as if its values stood in the panel, ticked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modules import scripts

from .. import TITLE
from ..request.settings import SettingsError, as_object, as_typed
from .axes import fields_set_by_axes
from .loras import lora_index
from .options import sampler_names

_VALUES = "_hypersd_axis_values"
_ON = {"On": True, "Off": False}
_STOCK = "off"
"""Among the steps: a cell without us, so that one axis can compare step counts and the stock picture."""


@dataclass(frozen=True)
class _Axis:
    """`key` is the setting that it sets, `choices` what the plot offers; none for numbers."""

    label: str
    key: str
    choices: Callable[[], Sequence[str]] | None = None


_AXES = (
    _Axis("LoRA", "lora", lambda: ["auto", "none", *(file.name for file in lora_index().files)]),
    _Axis("Steps", "steps", lambda: ["auto", "keep", "1", "2", "4", "8", "12", "16", _STOCK]),
    _Axis("Weight", "weight"),
    _Axis("CFG policy", "cfg", lambda: ["clamp", "recipe", "keep"]),
    _Axis("Sampler", "sampler", lambda: ["auto", "keep", *sampler_names()]),
    _Axis("Eta", "eta"),
    _Axis("On/Off", "enabled", lambda: list(_ON)),
)


def add_own_axes() -> None:
    """Add ours to the end of X/Y/Z plot's axes. Idempotent."""
    for script in scripts.scripts_data:
        options = getattr(script.module, "axis_options", None)
        if options is None or not hasattr(script.module, "AxisOption"):
            continue
        known = {option.label for option in options}
        for axis in _AXES:
            label = f"[{TITLE}] {axis.label}"
            if label not in known:
                options.append(_option(script.module.AxisOption, label, axis))


def _option(kind: Callable[..., Any], label: str, axis: _Axis) -> Any:
    return kind(
        label,
        str,
        _apply(axis.key),
        format_value=_label_of(label, axis.key),
        confirm=_confirm(axis),
        choices=axis.choices,
    )


def _label_of(label: str, key: str) -> Callable[[Any, Any, str], str]:
    """What stands beside a row or above a column, as the hosts write it."""

    def text(p: Any, option: Any, value: str) -> str:
        is_stock = key == "steps" and value.strip().lower() == _STOCK
        return f"stock: {p.steps} steps" if is_stock else f"{label}: {value}"

    return text


def values_set_by_axes(p: Any) -> Mapping[str, Any]:
    """The settings that axes have set for this cell of a plot."""
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
"""Fields that the host's own axes set, and the setting that leaves each of them alone."""


def tell_axes(p: Any, args: Sequence[Any], position: int) -> None:
    """Put what axes have set for this cell of a plot into our arguments, the first of which stands at `position`.

    sd-webui-distributed sends its workers all scripts' arguments, and nothing else of an axis. Without it nothing is
    touched. A bad value is told in `process`.
    """
    if not (values_set_by_axes(p) or fields_set_by_axes(p)) or not _is_distributed(p):
        return
    try:
        wish = _with_axes(p, args)
    except SettingsError:
        return
    if wish is not None:
        given = p.script_args
        p.script_args = type(given)((*given[:position], wish, *given[position + 1 :]))


def _is_distributed(p: Any) -> bool:
    return any(script.title() == _DISTRIBUTOR for script in p.scripts.alwayson_scripts)


def _with_axes(p: Any, args: Sequence[Any]) -> dict[str, Any] | None:
    """The object that draws this cell on another machine; None where panel and axes leave it to the prompt's tags."""
    wish, own = as_object(args), values_set_by_axes(p)
    if own and args[0] is False:
        wish["enabled"] = True
    wish.update(own)
    if wish.get("enabled") is False and not own:
        return None
    if not getattr(p, "enable_hr", False):  # "keep" would hold for the hires pass too
        kept = {_KEEPING[name] for name in fields_set_by_axes(p) if name in _KEEPING}
        if isinstance(wish.get("steps"), int | float):  # the number also chooses the file
            kept.discard("steps")
        wish.update(dict.fromkeys(kept, "keep"))
    return wish


# The plot's part -----------------------------------------------------------------------------------------------


def _apply(key: str) -> Callable[..., None]:
    def apply(p: Any, value: str, values: Sequence[str]) -> None:
        before, now = values_set_by_axes(p), _set_by(key, value)
        off = {"enabled": False} if False in (before.get("enabled"), now.get("enabled")) else {}
        setattr(p, _VALUES, {**before, **now, **off})

    return apply


def _confirm(axis: _Axis) -> Callable[[Any, Sequence[str]], None]:
    def confirm(p: Any, values: Sequence[str]) -> None:
        """The plot shows a RuntimeError to the person and draws nothing."""
        try:
            for value in values:
                _set_by(axis.key, value)
        except SettingsError as error:
            raise RuntimeError(f"[{TITLE}] {axis.label}: {error}") from None

    return confirm


def _set_by(key: str, value: str) -> dict[str, Any]:
    """The settings that a value of the axis `key` means. Raises SettingsError."""
    text = value.strip()
    if key == "steps" and text.lower() == _STOCK:
        return {"enabled": False}
    return {key: as_typed(key, _ON.get(text.capitalize(), text) if key == "enabled" else text)}
