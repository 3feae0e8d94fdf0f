"""The host's options and lists, and this extension's options."""

import contextlib
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from modules import errors, sd_samplers, shared
from modules.paths_internal import data_path

from ..models.catalog import Family
from ..request.preferences import Preferences

try:
    from modules import sd_schedulers as _sd_schedulers
except ImportError:
    _sd_schedulers = None

sd_schedulers: Any = _sd_schedulers
"""The host's module of schedule types; None on "classic", which has none."""

OPTION_TAGS = "hypersd_prompt_tags"
OPTION_TRAINED_STEPS = "hypersd_trained_steps"
OPTION_NOT_DISTILLED = "hypersd_not_distilled"
_FAMILIES: tuple[Family, ...] = ("sd15", "sdxl", "sd3", "flux")
OPTION_POLICY = {family: f"hypersd_policy_{family}" for family in _FAMILIES}
OPTION_RECIPES = "hypersd_recipes"
OPTION_NOTICES = "hypersd_notices"
OPTION_STOP = "hypersd_stop"
OPTION_REMEMBER = "hypersd_remember"
OPTION_DOWNLOAD_API = "hypersd_download_api"

_NONE: Mapping[str, Any] = MappingProxyType({})


def report(message: str, *, exc_info: bool = False) -> None:
    """Log a fault as the host logs its own; where the console can't be written to, the picture goes on."""
    with contextlib.suppress(Exception):
        errors.report(message, exc_info=exc_info)


def option(name: str, default: Any, overrides: Mapping[str, Any] = _NONE) -> Any:
    """An option of the host's. `overrides` are those of the request, which the host has not set yet."""
    return overrides[name] if name in overrides else getattr(shared.opts, name, default)


def prompt_tag_reaction(overrides: Mapping[str, Any] = _NONE) -> str:
    """Which tags activate with the panel off: "aliases", "all" or "none"; `overrides` as for `option`."""
    return str(overrides.get(OPTION_TAGS) or option(OPTION_TAGS, "aliases"))


def is_ticked(name: str, default: bool = False) -> bool:
    """Whether an option is ticked; `default` where the host does not have it yet."""
    return bool(option(name, default))


def panel_file() -> str:
    """The path at which the panel's values are kept for each checkpoint, beside the host's own config."""
    return os.path.join(data_path, "hypersd-panels.json")


def preferences(overrides: Mapping[str, Any] = _NONE) -> Preferences:
    """The person's preferences as the options hold them now; `overrides` as for `option`."""
    ticked = tuple((family, _words(option(name, None, overrides))) for family, name in OPTION_POLICY.items())
    return _read_preferences(ticked, str(option(OPTION_RECIPES, None, overrides) or ""))


def _words(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


@lru_cache(maxsize=8)
def _read_preferences(ticked: tuple[tuple[Family, tuple[str, ...]], ...], recipes: str) -> Preferences:
    return Preferences.read(dict(ticked), recipes)


def known_steps() -> Mapping[str, int]:
    """Trained steps that the person has set for files whose names lack them: "my-lora = 8, other = 4"."""
    return _parse_known_steps(str(option(OPTION_TRAINED_STEPS, "")))


@lru_cache(maxsize=4)
def _parse_known_steps(text: str) -> Mapping[str, int]:
    pairs = (re.fullmatch(r"([^=]+)=\s*(\d{1,2})(?!\d).*", entry) for entry in re.split(r"[,\n]", text))
    return {pair[1].strip(): int(pair[2]) for pair in pairs if pair and 1 <= int(pair[2]) <= 16}


def not_distilled() -> str:
    """Checkpoints that the person has set to be not distilled, whatever their names say: "my_turbo, other"."""
    return str(option(OPTION_NOT_DISTILLED, ""))


def sampler_names() -> list[str]:
    return list(sd_samplers.all_samplers_map)


def scheduler_labels() -> list[str]:
    return [s.label for s in sd_schedulers.schedulers] if sd_schedulers else []


def scheduler_names() -> dict[str, str]:
    """Every name that the host accepts for a schedule type, and its label."""
    known = sd_schedulers.schedulers_map if sd_schedulers else {}
    return {name: str(scheduler.label) for name, scheduler in known.items()}


def upscaler_names() -> list[str]:
    return [*shared.latent_upscale_modes, *(u.name for u in shared.sd_upscalers)]
