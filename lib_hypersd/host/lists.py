"""What the host lists by name, for the panel and for checking settings."""

from collections.abc import Callable

from ..models.catalog import BY_NAME, ONE_STEP_UNETS, parse_alias
from ..request.settings import Choices, HostLists
from .loras import lora_index
from .options import report, sampler_names, scheduler_labels, scheduler_names, upscaler_names


def panel_choices() -> Choices:
    """What the panel's dropdowns offer now."""
    lists = (_lora_names, sampler_names, scheduler_labels, upscaler_names, _kin_names)
    return Choices(*map(_or_empty, lists))


def _lora_names() -> list[str]:
    return [file.name for file in lora_index().files]


def _kin_names() -> list[str]:
    return list(lora_index().kin)


def _or_empty(names: Callable[[], list[str]]) -> list[str]:
    """A list, empty where the host can't give it: the panel is of use without it."""
    try:
        return names()
    except Exception:
        report("A list of the panel is empty", exc_info=True)
        return []


def host_lists() -> HostLists:
    """What settings may name on this host."""

    def knows_lora(name: str) -> bool:
        return name in BY_NAME or name in ONE_STEP_UNETS or parse_alias(name) is not None or name in lora_index()

    return HostLists(sampler_names, scheduler_names, upscaler_names, knows_lora)
