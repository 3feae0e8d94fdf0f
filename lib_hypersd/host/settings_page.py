"""The extension's section of the host's settings page."""

from __future__ import annotations

from typing import Any

import gradio as gr
from modules import shared

from .. import TITLE
from ..own_sampling import TCD, TCD_ETA
from .lora_folder import OPTION_DOWNLOAD_API
from .options import OPTION_TAGS, OPTION_TRAINED_STEPS
from .sampling import OPTION_ETA

_SECTION = ("hypersd", TITLE)


def add_options() -> None:
    """Add the options; the host keeps their values in its own config. Called at each start of its page."""
    for name, option in _options().items():
        shared.opts.add_option(name, option)


def _options() -> dict[str, Any]:
    return {
        OPTION_TAGS: shared.OptionInfo(
            "aliases",
            "With the panel off, react to prompt tags",
            gr.Radio,
            {"choices": ["aliases", "all", "none"]},
            section=_SECTION,
        ).info("aliases: short names such as <lora:Hyper-SDXL>; all: full file names too"),
        OPTION_TRAINED_STEPS: shared.OptionInfo("", "Trained steps of renamed LoRA files", section=_SECTION).info(
            "for files whose names don't tell: my-lora = 8, other-lora = 4"
        ),
        OPTION_ETA: shared.OptionInfo(
            TCD_ETA,
            f"Eta of the sampler {TCD} at two or more steps",
            gr.Slider,
            {"minimum": 0.0, "maximum": 1.0, "step": 0.05},
            section=_SECTION,
        ).info("share of noise drawn anew at each step; the panel's Eta comes first, ticked or not"),
        OPTION_DOWNLOAD_API: shared.OptionInfo(
            False, "API clients may download Hyper-SD LoRA files", gr.Checkbox, section=_SECTION
        ).info("by POST /hypersd/v1/download, into the LoRA folder; the panel's button needs no permission"),
    }
