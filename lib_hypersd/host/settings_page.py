"""This extension's section of the host's settings page."""

from typing import Any

import gradio as gr
from modules import shared

from .. import TITLE
from ..models.catalog import FAMILY_TITLES
from ..models.recipes import RECIPES
from ..request.preferences import policies_of
from ..request.recipe_lines import RECIPE_WORDS, RECIPES_LABEL
from ..sampling.names import TCD, TCD_ETA
from . import options
from .sampling import OPTION_ETA

_SECTION = ("hypersd", TITLE)
_EXAMPLE = "sdxl: weight 0.8, cfg 1.2, range 1-2\nflux: distilled 3, distilled range 2.5-4"


def add_options() -> None:
    """Add the options; the host keeps their values in its own config. Called at each start of its page."""
    for name, option in {**_acting(), **_policies(), **_recipes(), **_page()}.items():
        option.section = _SECTION
        shared.opts.add_option(name, option)


def _acting() -> dict[str, Any]:
    return {
        options.OPTION_TAGS: shared.OptionInfo(
            "aliases", "With the panel off, react to prompt tags", gr.Radio, {"choices": ["aliases", "all", "none"]}
        ).info("aliases: short names such as &lt;lora:Hyper-SDXL&gt;; all: full file names too"),
        options.OPTION_STOP: shared.OptionInfo(False, "Stop the generation where the recipe can't be applied").info(
            "else it is drawn with the page's settings; a plot or loop ends as by Interrupt"
        ),
    }


def _policies() -> dict[str, Any]:
    about = shared.OptionHTML(
        "<b>What the defaults mean.</b> A setting that is left at its default, in the panel, in an API object or with "
        "a prompt tag alone, means what is ticked for the checkpoint's family. What is set to anything else, or given "
        "by name in an API object, comes first."
    )
    ticks = {
        name: shared.OptionInfo([], FAMILY_TITLES[family], gr.CheckboxGroup, {"choices": list(policies_of(family))})
        for family, name in options.OPTION_POLICY.items()
    }
    return {"hypersd_about_policies": about, **ticks}


def _recipes() -> dict[str, Any]:
    about = shared.OptionHTML(
        f"<b>Recipes.</b> One line each: a recipe's name ({', '.join(RECIPES)}) or a LoRA file's, whose line comes "
        f"before its recipe's; then any of {', '.join(RECIPE_WORDS)}. A CFG within its range is left as it is."
    )
    return {
        "hypersd_about_recipes": about,
        options.OPTION_RECIPES: shared.OptionInfo(
            "", RECIPES_LABEL, gr.Textbox, {"lines": 4, "placeholder": _EXAMPLE}
        ).info("empty: as published"),
        options.OPTION_TRAINED_STEPS: shared.OptionInfo("", "Trained steps of renamed LoRA files").info(
            "for files whose names don't tell: my-lora = 8, other-lora = 4"
        ),
        options.OPTION_NOT_DISTILLED: shared.OptionInfo("", "Checkpoints that are not distilled").info(
            "where a name says turbo or lightning and means a style: my_turbo, other_model"
        ),
        OPTION_ETA: shared.OptionInfo(
            TCD_ETA,
            f"Eta of the sampler {TCD} at two or more steps",
            gr.Slider,
            {"minimum": 0.0, "maximum": 1.0, "step": 0.05},
        ).info("share of noise drawn anew at each step; the panel's Eta comes first, ticked or not"),
    }


def _page() -> dict[str, Any]:
    return {
        "hypersd_about_page": shared.OptionHTML("<b>The page, and downloads.</b>"),
        options.OPTION_NOTICES: shared.OptionInfo(True, "Notices under the picture").info(
            "off: they stand in the infotext alone"
        ),
        options.OPTION_REMEMBER: shared.OptionInfo(False, "Remember the panel for each checkpoint").info(
            "its values come back when the checkpoint does; kept in hypersd-panels.json"
        ),
        options.OPTION_DOWNLOAD_API: shared.OptionInfo(
            False, "API clients may download Hyper-SD LoRA files", restrict_api=True
        ).info("by POST /hypersd/v1/download, into the LoRA folder; the panel's button needs no permission"),
    }
