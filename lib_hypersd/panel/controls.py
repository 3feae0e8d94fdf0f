"""The panel: one line when closed, one glance when open; the same in txt2img and img2img, on gradio 3 and 4."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from .. import TITLE
from ..request.settings import KEYS, PANEL_DEFAULTS, Choices
from . import listeners, markup
from .listeners import PanelBackend, Wires
from .outlook import Outlook
from .page_components import Components, PageComponents

MIN_WIDTH = 100
"""Pixels: four controls fit side by side in a settings column of usual width."""
_ROW = ("lora", "steps", "hires")
_DETAILS = (
    ("weight", "hires_weight", "apply"),
    ("cfg", "distilled_cfg", "eta"),
    ("sampler", "scheduler"),
    ("hires_steps", "hires_denoise", "hires_scale", "hires_upscaler"),
)
_POLICIES = ("clamp", "recipe", "keep")


def _controls(choices: Choices) -> dict[str, tuple[str, str | tuple[str, ...]]]:
    """Key → label, and a text box's placeholder or a dropdown's choices. Values are exactly the API's."""
    return {
        "lora": ("LoRA", choices.listed_loras),
        "steps": ("Steps", ("auto", "keep", "1", "2", "4", "6", "8", "12", "16")),
        "hires": ("Hires", ("tune", "keep", "always")),
        "weight": ("Weight", "auto, −2 to 2, or 1@0,0.5@1"),
        "hires_weight": ("Hires weight", "auto, −2 to 2, or 1@0,0.5@1"),
        "apply": ("Apply", ("auto", "host", "bypass")),
        "cfg": ("CFG", _POLICIES),
        "distilled_cfg": ("Distilled CFG", _POLICIES),
        "sampler": ("Sampler", ("auto", "keep", *choices.samplers)),
        "scheduler": ("Schedule type", ("auto", "keep", *choices.schedulers)),
        "eta": ("Eta", "auto, or 0 to 1"),
        "hires_steps": ("Hires steps", "auto, keep, or 0 to 150"),
        "hires_denoise": ("Hires denoise", "auto, keep, or 0 to 1"),
        "hires_scale": ("Hires scale", "auto, keep, or 1 to 8"),
        "hires_upscaler": ("Hires upscaler", ("auto", "keep", *choices.upscalers)),
    }


def build(page: PageComponents, accordion: Callable[..., Any], backend: PanelBackend) -> list[Any]:
    """The components, in the contract's order, inside the host's `InputAccordion`."""
    prefix, choices = f"hypersd_{page.tab}", backend.choices()
    controls, built = _controls(choices), Components()

    def row(keys: tuple[str, ...]) -> None:
        with gr.Row(elem_classes=["hypersd-row"]):
            built.update({key: _control(f"{prefix}_{key}", key, *controls[key]) for key in keys})

    with accordion(PANEL_DEFAULTS.enabled, label=TITLE, elem_id=prefix) as enabled:
        built["enabled"] = enabled
        with enabled.extra():
            badge = gr.HTML(markup.badge(Outlook()), elem_id=f"{prefix}_badge")
        row(_ROW)
        body = gr.HTML("", elem_id=f"{prefix}_outlook")
        with gr.Row(elem_classes=["hypersd-row"]):
            fill = _button(f"{prefix}_fill", "Set these values in the page", interactive=False)
            compare = _button(f"{prefix}_compare", "Compare 1·2·4·8 steps and stock")
        with gr.Accordion("Details", open=False, elem_id=f"{prefix}_details"):
            for keys in _DETAILS:
                row(keys)
        wires = Wires(badge, body, fill, compare, *_unseen(prefix, choices))
    ordered = [built[key] for key in KEYS]
    page.connect = lambda: listeners.connect(page, ordered, wires, backend)
    return ordered


def _unseen(prefix: str, choices: Choices) -> tuple[Any, Any, Any]:
    """What javascript/hypersd.js speaks through: the marks of the last answer, the query, the button that sends it."""
    marks = markup.answer({"loras": listeners.mark(choices)})
    hidden = {"elem_classes": ["hypersd-hidden"]}
    return (
        gr.HTML(marks, elem_id=f"{prefix}_answer", **hidden),
        gr.Textbox("", elem_id=f"{prefix}_question", **hidden),
        gr.Button("ask", elem_id=f"{prefix}_ask", **hidden),
    )


def _control(elem_id: str, key: str, label: str, takes: str | tuple[str, ...]) -> Any:
    value, common = getattr(PANEL_DEFAULTS, key), {"label": label, "elem_id": elem_id, "min_width": MIN_WIDTH}
    if isinstance(takes, str):
        return gr.Textbox(str(value), placeholder=takes, max_lines=1, **common)
    # A number, a file that is gone or a pasted name must not make the page refuse the whole request.
    return gr.Dropdown(list(takes), value=value, allow_custom_value=True, **common)


def _button(elem_id: str, text: str, **more: Any) -> Any:
    return gr.Button(text, elem_id=elem_id, size="sm", min_width=MIN_WIDTH, **more)
