"""What the person requests: the API object or the panel's positional values → `Settings`, with clear errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ..text import echo
from .weight_schedule import HIGHEST, LOWEST, ScheduleError, Weight, WeightSchedule, parse_schedule


class SettingsError(ValueError):
    """Bad input; `field` is the key it came from, the message one sentence for a person."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


Setting = str | float | int
"""A policy word ("auto", "keep", "clamp", "recipe") or a value."""


@dataclass(frozen=True)
class Settings:
    """The API object's keys with their defaults, in the order of the panel's components."""

    enabled: bool = True
    lora: str = "auto"
    steps: Setting = "auto"
    weight: Setting = "auto"
    cfg: Setting = "clamp"
    distilled_cfg: Setting = "clamp"
    sampler: str = "auto"
    scheduler: str = "auto"
    hires: str = "tune"
    hires_steps: Setting = "auto"
    hires_denoise: Setting = "auto"
    hires_scale: Setting = "auto"
    hires_upscaler: str = "auto"
    eta: Setting = "auto"
    apply: str = "auto"
    hires_weight: Setting = "auto"
    named: frozenset[str] = field(default=frozenset(), compare=False, repr=False, kw_only=True)
    """Keys that were given by name, be it with their default: a person's preferences don't change them."""

    @property
    def explicit_steps(self) -> int | None:
        """The step count that was requested by number, or None."""
        return self.steps if isinstance(self.steps, int) else None

    @property
    def varies(self) -> bool:
        """Whether a weight is requested that changes from step to step."""
        return any(isinstance(weight_of(value), WeightSchedule) for value in (self.weight, self.hires_weight))

    def naming(self, values: Mapping[str, Any]) -> Settings:
        """These settings with `values`, all of them given by name."""
        return replace(self, **values, named=self.named | values.keys())


def weight_of(setting: Setting) -> Weight | None:
    """The weight that a setting gives, or None for "auto"."""
    if setting == "auto":
        return None
    return parse_schedule(setting) if isinstance(setting, str) else float(setting)


@dataclass(frozen=True)
class HostLists:
    """What the host knows by name. Names are looked up lazily: a request that names nothing costs nothing."""

    samplers: Callable[[], Collection[str]]
    schedulers: Callable[[], Mapping[str, str]]
    """Each name that the host takes, inner names included, with the label that it shows for it."""
    upscalers: Callable[[], Collection[str]]
    knows_lora: Callable[[str], bool]


OTHER_LORAS = "other few-step LoRAs:"
"""A line of the panel's list of LoRAs, above those of other distillations. Chosen itself, it means "auto": gradio has
no headings in a dropdown, and gradio 3 no labels apart from the values."""


@dataclass(frozen=True)
class Choices:
    """What the host lists, for the panel's dropdowns. `kin` are LoRAs of other distillations, by their names."""

    loras: Sequence[str] = ()
    samplers: Sequence[str] = ()
    schedulers: Sequence[str] = ()
    upscalers: Sequence[str] = ()
    kin: Sequence[str] = ()

    @property
    def listed_loras(self) -> tuple[str, ...]:
        """What the panel's list of LoRAs has, in its order."""
        return ("auto", "none", *self.loras, *((OTHER_LORAS, *self.kin) if self.kin else ()))


@dataclass(frozen=True)
class _Rule:
    """What a key takes: one of `words`; a number in the closed range; a name, described by `listed`, that the host
    lists; or, with `schedule`, a schedule of weights as text."""

    words: tuple[str, ...]
    low: float | None = None
    high: float = 0
    whole: bool = False
    listed: str = ""
    schedule: bool = False

    def parse(self, value: object) -> Setting | None:
        """The value as the settings hold it, or None. Raises ScheduleError."""
        if isinstance(value, str):
            if self.schedule and value not in self.words:
                return str(parse_schedule(value))
            return value if value in self.words or (self.listed and value) else None
        if self.low is None or isinstance(value, bool) or not isinstance(value, int | float):
            return None
        # NaN and infinities are in no range; the range also keeps huge integers from the conversions below.
        if not self.low <= value <= self.high or (self.whole and value != int(value)):
            return None
        return int(value) if self.whole else float(value)

    def allowed(self) -> str:
        words = [f'"{word}"' for word in self.words]
        if self.low is None and not self.listed:
            return " or ".join(words)
        kind = "a whole number" if self.whole else "a number"
        number = f"{kind} from {self.low:g} to {self.high:g}" if self.low is not None else ""
        takes = [*words, number, 'a schedule such as "1@0,0.5@1"'] if self.schedule else [*words, self.listed or number]
        return ", ".join([*takes[:-1], f"or {takes[-1]}"])


_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")  # as JSON writes one, or nearly
_AUTO_KEEP = ("auto", "keep")
_POLICIES = ("clamp", "recipe", "keep")
_RULES: dict[str, _Rule] = {
    "lora": _Rule(("auto", "none"), listed="the name of a Hyper-SD LoRA or of a LoRA on this machine"),
    "steps": _Rule(_AUTO_KEEP, 1, 16, whole=True),
    "weight": _Rule(("auto",), LOWEST, HIGHEST, schedule=True),
    "cfg": _Rule(_POLICIES, 0, 30),
    "distilled_cfg": _Rule(_POLICIES, 0, 30),
    "sampler": _Rule(_AUTO_KEEP, listed="a sampler that this WebUI lists"),
    "scheduler": _Rule(_AUTO_KEEP, listed="a schedule type that this WebUI lists"),
    "hires": _Rule(("tune", "keep", "always")),
    "hires_steps": _Rule(_AUTO_KEEP, 0, 150, whole=True),
    "hires_denoise": _Rule(_AUTO_KEEP, 0, 1),
    "hires_scale": _Rule(_AUTO_KEEP, 1, 8),
    "hires_upscaler": _Rule(_AUTO_KEEP, listed="an upscaler that this WebUI lists"),
    "eta": _Rule(("auto",), 0, 1),
    "apply": _Rule(("auto", "host", "bypass")),
    "hires_weight": _Rule(("auto",), LOWEST, HIGHEST, schedule=True),
}

KEYS: tuple[str, ...] = tuple(f.name for f in fields(Settings) if not f.kw_only)
PANEL_DEFAULTS = Settings(enabled=False)
"""What the panel shows before anybody touched it."""


def from_script_args(args: Sequence[Any]) -> Settings:
    """Settings from what the host passes to the script: an object first, or the panel's components in order.

    Raises SettingsError. What is missing at the end has the panel's default, what is too much is ignored: the
    hosts fill and cut in the same way.
    """
    if args and isinstance(args[0], Mapping):
        return from_object(args[0])
    return from_positional(args)


def from_object(values: Mapping[Any, Any]) -> Settings:
    """Settings from the API object. Raises SettingsError for an unknown key, a wrong type, a value out of range."""
    for key in values:
        if key not in KEYS:
            name = echo(key).strip() or '""'
            raise SettingsError(name, f"{name} is no key; the keys are {', '.join(KEYS)}.")
    return Settings().naming({key: _checked(key, value) for key, value in values.items()})


def from_positional(args: Sequence[Any]) -> Settings:
    """Settings from the panel's components. Text boxes hold "8" where the object has 8; an empty one is "auto"."""
    values = {"enabled": False, **dict(zip(KEYS, args, strict=False))}
    return Settings(**{key: as_typed(key, value) for key, value in values.items()})


def as_object(args: Sequence[Any]) -> dict[str, Any]:
    """The API object that means the same as what the host passes to the script. Raises SettingsError."""
    if args and isinstance(args[0], Mapping):
        return dict(args[0])
    settings, defaults = from_positional(args), Settings()
    return {key: getattr(settings, key) for key in KEYS if getattr(settings, key) != getattr(defaults, key)}


def panel_eta(args: Sequence[Any]) -> float | None:
    """The number in the panel's Eta, which serves its sampler with the panel ticked or not. Raises SettingsError."""
    eta = as_typed("eta", dict(zip(KEYS, args, strict=False)).get("eta", "auto"))
    return None if eta == "auto" else float(eta)


def as_typed(key: str, value: object) -> Any:
    """One setting's value as the panel's text box or dropdown holds it. Raises SettingsError."""
    if isinstance(value, str) and key != "enabled":
        text = value.strip()
        is_number = _RULES[key].low is not None and _NUMBER.fullmatch(text)
        text = "" if key == "lora" and text == OTHER_LORAS else text
        value = float(text) if is_number else text or getattr(Settings(), key)
    return _checked(key, value)


def is_taken(key: str, value: object) -> bool:
    """Whether the panel has a component `key` that can show `value`, of whatever the host may list."""
    try:
        return key in KEYS and as_typed(key, value) is not None
    except SettingsError:
        return False


def with_listed_names(settings: Settings, lists: HostLists) -> Settings:
    """`settings` with the schedule type by its label.

    Raises SettingsError where a sampler, schedule type, upscaler or LoRA is named that the host does not list.
    """
    for key, names in (("sampler", lists.samplers), ("hires_upscaler", lists.upscalers)):
        if getattr(settings, key) not in _AUTO_KEEP and getattr(settings, key) not in names():
            raise _error(key, getattr(settings, key))
    if settings.lora not in ("auto", "none") and not lists.knows_lora(settings.lora):
        raise _error("lora", settings.lora)
    if settings.scheduler in _AUTO_KEEP:
        return settings
    known = lists.schedulers()
    if not known:
        takes = 'it takes "auto" or "keep": this WebUI has no schedule types, its samplers bring their own.'
        raise SettingsError("scheduler", f"scheduler is {echo(settings.scheduler)}; {takes}")
    label = known.get(settings.scheduler)
    if label is None:
        raise _error("scheduler", settings.scheduler)
    return replace(settings, scheduler=label)


def _checked(key: str, value: object) -> Any:
    if key == "enabled":
        if isinstance(value, bool):
            return value
        raise SettingsError(key, f"enabled is {echo(value)}; it takes true or false.")
    try:
        parsed = _RULES[key].parse(value)
    except ScheduleError as error:
        raise SettingsError(key, f"{key} is {echo(value)}, which {error}; it takes {_RULES[key].allowed()}.") from None
    if parsed is None:
        raise _error(key, value)
    return parsed


def _error(key: str, value: object) -> SettingsError:
    return SettingsError(key, f"{key} is {echo(value)}; it takes {_RULES[key].allowed()}.")
