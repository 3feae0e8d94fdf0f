"""The panel: one line when closed, one glance when open; the same in txt2img and img2img, on gradio 3 and 4."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import gradio as gr

from .. import TITLE
from ..request.preferences import Preferences
from ..request.settings import KEYS, PANEL_DEFAULTS, Choices
from . import listeners, markup
from . import paste as infotext
from .listeners import PanelBackend, Wires
from .outlook import Outlook
from .page_components import Components, PageComponents

MIN_WIDTH = 100
"""Pixels: four controls stand side by side in a settings column of usual width."""


def build(page: PageComponents, accordion: Callable[..., Any], backend: PanelBackend) -> list[Any]:
    """The components, in the contract's order, inside the host's `InputAccordion`."""
    prefix, choices = f"hypersd_{page.tab}", backend.choices()
    built: Components = {}
    with accordion(PANEL_DEFAULTS.enabled, label=TITLE, elem_id=prefix) as enabled:
        built["enabled"] = enabled
        with enabled.extra():
            badge = gr.HTML(markup.badge(Outlook()), elem_id=f"{prefix}_badge")
        with gr.Row(elem_classes=["hypersd-row"]):
            built["lora"] = _dropdown(prefix, "lora", "LoRA", ["auto", "none", *choices.loras])
            built["steps"] = _dropdown(prefix, "steps", "Steps", ["auto", "keep", "1", "2", "4", "6", "8", "12", "16"])
            built["hires"] = _dropdown(prefix, "hires", "Hires", ["tune", "keep", "always"])
        body = gr.HTML("", elem_id=f"{prefix}_outlook")
        with gr.Row(elem_classes=["hypersd-row"]):
            fill = _button(prefix, "fill", "Set these values in the page", interactive=False)
            compare = _button(prefix, "compare", "Compare 1·2·4·8 steps and stock")
        with gr.Accordion("Details", open=False, elem_id=f"{prefix}_details"):
            _details(prefix, choices, built)
        wires = Wires(badge, body, fill, compare, *_unseen(prefix, choices))
    ordered = [built[key] for key in KEYS]
    page.connect = lambda: listeners.connect(page, ordered, wires, backend)
    return ordered


def _unseen(prefix: str, choices: Choices) -> tuple[Any, Any, Any]:
    """What javascript/hypersd.js speaks through: the marks of the last answer, the question, the button that asks."""
    marks = markup.answer({"loras": listeners.mark(choices)})
    hidden = {"elem_classes": ["hypersd-hidden"]}
    return (
        gr.HTML(marks, elem_id=f"{prefix}_answer", **hidden),
        gr.Textbox("", elem_id=f"{prefix}_question", **hidden),
        gr.Button("ask", elem_id=f"{prefix}_ask", **hidden),
    )


def _details(prefix: str, choices: Choices, built: Components) -> None:
    """The rarely used controls; their values are exactly the API's."""
    with gr.Row(elem_classes=["hypersd-row"]):
        built["weight"] = _text(prefix, "weight", "Weight", "auto, or −2 to 2")
        built["cfg"] = _dropdown(prefix, "cfg", "CFG", ["clamp", "recipe", "keep"])
        built["distilled_cfg"] = _dropdown(prefix, "distilled_cfg", "Distilled CFG", ["clamp", "recipe", "keep"])
    with gr.Row(elem_classes=["hypersd-row"]):
        built["sampler"] = _dropdown(prefix, "sampler", "Sampler", ["auto", "keep", *choices.samplers])
        built["scheduler"] = _dropdown(prefix, "scheduler", "Schedule type", ["auto", "keep", *choices.schedulers])
        built["eta"] = _text(prefix, "eta", "Eta", "auto, or 0 to 1")
    with gr.Row(elem_classes=["hypersd-row"]):
        built["hires_steps"] = _text(prefix, "hires_steps", "Hires steps", "auto, keep, or 0 to 150")
        built["hires_denoise"] = _text(prefix, "hires_denoise", "Hires denoise", "auto, keep, or 0 to 1")
        built["hires_scale"] = _text(prefix, "hires_scale", "Hires scale", "auto, keep, or 1 to 8")
        built["hires_upscaler"] = _dropdown(
            prefix, "hires_upscaler", "Hires upscaler", ["auto", "keep", *choices.upscalers]
        )


def _dropdown(prefix: str, key: str, label: str, choices: list[str]) -> Any:
    return gr.Dropdown(
        choices,
        value=getattr(PANEL_DEFAULTS, key),
        label=label,
        elem_id=f"{prefix}_{key}",
        # A number, a file that is gone or a pasted name must not make the page refuse the whole request.
        allow_custom_value=True,
        min_width=MIN_WIDTH,
    )


def _text(prefix: str, key: str, label: str, takes: str) -> Any:
    return gr.Textbox(
        value=str(getattr(PANEL_DEFAULTS, key)),
        label=label,
        placeholder=takes,
        elem_id=f"{prefix}_{key}",
        max_lines=1,
        min_width=MIN_WIDTH,
    )


def _button(prefix: str, name: str, text: str, **more: Any) -> Any:
    return gr.Button(text, elem_id=f"{prefix}_{name}", size="sm", min_width=MIN_WIDTH, **more)


def infotext_fields(
    ordered: Sequence[Any], option_eta: Callable[[], float | None], preferences: Callable[[], Preferences]
) -> list[tuple[Any, Callable[[dict[str, Any]], Any]]]:
    """(component, value from a pasted infotext) pairs, for the host's paste button."""

    return [(component, _pasted(key, option_eta, preferences)) for key, component in zip(KEYS, ordered, strict=True)]


@cache  # the same function for both tabs: by it the hosts know which control goes where
def _pasted(
    key: str, option_eta: Callable[[], float | None], preferences: Callable[[], Preferences]
) -> Callable[[dict[str, Any]], Any]:
    if key == "eta":
        return lambda params: infotext.panel_eta(params, option_eta())
    return lambda params: infotext.panel_value(key, params, preferences())
