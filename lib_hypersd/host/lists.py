"""What the host lists by name, for the panel and for checking settings."""

from __future__ import annotations

from ..catalog import BY_NAME, ONE_STEP_UNETS
from ..prompt_tags import parse_alias
from ..settings import Choices, HostLists
from .loras import lora_index
from .options import sampler_names, scheduler_labels, scheduler_names, upscaler_names


def panel_choices() -> Choices:
    return Choices([f.name for f in lora_index().files], sampler_names(), scheduler_labels(), upscaler_names())


def host_lists() -> HostLists:
    def knows_lora(name: str) -> bool:
        return name in BY_NAME or name in ONE_STEP_UNETS or parse_alias(name) is not None or name in lora_index()

    return HostLists(sampler_names, scheduler_names, upscaler_names, knows_lora)
