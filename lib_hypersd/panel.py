"""The panel: one line when closed, one glance when open; the same in txt2img and img2img, on gradio 3 and 4."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import gradio as gr

from . import TITLE, infotext
from .request import FIELD_TITLES, Plan, show
from .settings import KEYS, PANEL_DEFAULTS

_GRADIO_4 = int(gr.__version__.split(".")[0]) >= 4
_JS = "js" if _GRADIO_4 else "_js"
"""gradio 4 renamed the argument that takes a listener's JavaScript."""
_LATEST: dict[str, Any] = {"trigger_mode": "always_last"} if _GRADIO_4 else {}
"""gradio 4 drops a click while the one before is under way, and with it the last thing that the person did."""

MIN_WIDTH = 100
"""Pixels: four controls stand side by side in a settings column of usual width."""

Components = dict[str, Any]


@dataclass(frozen=True)
class Choices:
    """What the host lists, for the panel's dropdowns."""

    loras: Sequence[str] = ()
    samplers: Sequence[str] = ()
    schedulers: Sequence[str] = ()
    upscalers: Sequence[str] = ()


@dataclass
class PageComponents:
    """The host's own components of one tab, caught by their DOM id as they are built; field name → component."""

    tab: str
    found: Components = field(default_factory=dict)

    def catch(self, component: Any, elem_id: str | None) -> None:
        tab, _, rest = (elem_id or "").partition("_")
        name = _PAGE_IDS.get(rest) if tab == self.tab else _BARE_IDS.get(elem_id or "")
        if name:
            self.found[name] = component


_PAGE_IDS: dict[str, str] = {
    "prompt": "prompt",
    "neg_prompt": "negative_prompt",
    "steps": "steps",
    "sampling": "sampler_name",
    "scheduler": "scheduler",
    "cfg_scale": "cfg_scale",
    "distilled_cfg_scale": "distilled_cfg_scale",
    "denoising_strength": "denoising_strength",
    "hr-checkbox": "enable_hr",
    "hr_upscaler": "hr_upscaler",
    "hr_scale": "hr_scale",
    "hires_steps": "hr_second_pass_steps",
    "hr_cfg": "hr_cfg",
    "hr_distilled_cfg": "hr_distilled_cfg",
    "hr_resize_x": "hr_resize_x",
    "hr_resize_y": "hr_resize_y",
}
_BARE_IDS: dict[str, str] = {
    "hires_prompt": "hr_prompt",
    "hr_sampler": "hr_sampler_name",
    "hr_scheduler": "hr_scheduler",
    "hr_checkpoint": "hr_checkpoint_name",
}
"""Ids of txt2img's hires controls, which don't name their tab."""


def build(
    page: PageComponents,
    choices: Choices,
    accordion: Callable[..., Any],
    preview: Callable[[str, dict[str, Any], Sequence[Any]], Plan | str],
    refreshed: Callable[[], Choices],
) -> list[Any]:
    """The components, in the contract's order, inside the host's `InputAccordion`.

    `preview(tab, page values, panel values)` gives the plan, or why there is none; `refreshed` the LoRAs as of now.
    """
    prefix = f"hypersd_{page.tab}"
    built: Components = {}
    with accordion(PANEL_DEFAULTS.enabled, label=TITLE, elem_id=prefix) as enabled:
        built["enabled"] = enabled
        with enabled.extra():
            badge = gr.HTML(_badge(None), elem_id=f"{prefix}_badge")
        with gr.Row(elem_classes=["hypersd-row"]):
            built["lora"] = _dropdown(prefix, "lora", "LoRA", ["auto", "none", *choices.loras])
            built["steps"] = _dropdown(prefix, "steps", "Steps", ["auto", "keep", "1", "2", "4", "6", "8", "12", "16"])
            built["hires"] = _dropdown(prefix, "hires", "Hires", ["tune", "keep", "always"])
        outlook = gr.HTML("", elem_id=f"{prefix}_outlook")
        with gr.Accordion("Details", open=False, elem_id=f"{prefix}_details"):
            _details(prefix, choices, built)
        # Pressed by javascript/hypersd.js after a pause in the page's changes.
        refresh = gr.Button("Refresh", elem_id=f"{prefix}_refresh", elem_classes=["hypersd-hidden"])
        number = gr.Textbox("", elem_id=f"{prefix}_number", elem_classes=["hypersd-hidden"])
    ordered = [built[key] for key in KEYS]
    _connect(page, ordered, (number, refresh), (badge, outlook), preview, refreshed)
    return ordered


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


def _connect(
    page: PageComponents,
    ordered: list[Any],
    question: tuple[Any, Any],
    lines: tuple[Any, Any],
    preview: Callable[[str, dict[str, Any], Sequence[Any]], Plan | str],
    refreshed: Callable[[], Choices],
) -> None:
    """Show what will happen whenever the page, the panel or the checkpoint changes.

    `question` is the number of the question and the button that asks it, `lines` the header's and the body's.
    """
    number, refresh = question
    names = list(page.found)
    lora = ordered[KEYS.index("lora")]

    def look(asked: str, *values: Any) -> tuple[str, str, Any]:
        page_values, panel = dict(zip(names, values, strict=False)), values[len(names) :]
        plan = preview(page.tab, page_values, panel) if panel[0] else None
        loras = gr.update(choices=["auto", "none", *refreshed().loras])
        return _badge(plan, asked), _outlook(plan) if plan else "", loras

    refresh.click(
        look,
        inputs=[number, *page.found.values(), *ordered],
        outputs=[*lines, lora],
        show_progress=False,
        queue=False,
        **_LATEST,
    )
    for component in (*page.found.values(), *ordered):
        component.change(fn=None, inputs=[], outputs=[], **{_JS: f"() => hypersdChanged('{page.tab}')"})


def infotext_fields(
    ordered: Sequence[Any], option_eta: Callable[[], float | None]
) -> list[tuple[Any, Callable[[dict[str, Any]], Any]]]:
    """(component, value from a pasted infotext) pairs, for the host's paste button."""

    def pasted(key: str) -> Callable[[dict[str, Any]], Any]:
        if key == "eta":
            return lambda params: infotext.panel_eta(params, option_eta())
        return lambda params: infotext.panel_value(key, params)

    return [(component, pasted(key)) for key, component in zip(KEYS, ordered, strict=True)]


def _badge(plan: Plan | str | None, asked: str = "") -> str:
    """The header's one line, with the number of the question that it answers."""
    if plan is None:
        state, text = "", "off"
    elif isinstance(plan, str) or not plan.active:
        state, text = "hypersd-on hypersd-bad", f"not possible: {_why(plan)}"
    else:
        state, text = "hypersd-on hypersd-good", f"ready: {plan.summary}"
    return f"<span class='hypersd-badge {state}' data-number='{escape(str(asked))}'>{escape(text)}</span>"


def _outlook(plan: Plan | str) -> str:
    """ "now → then", then one line a notice."""
    if isinstance(plan, str):
        return ""
    changes = [
        f"<span>{escape(_title(c.field))} {escape(show(c.before))} → <b>{escape(show(c.after))}</b></span>"
        for c in plan.settings_changes
    ]
    rows = [f"<div class='hypersd-then'><i>now → then</i> {' · '.join(changes)}</div>"] if changes else []
    if plan.active and not changes:
        rows.append("<div class='hypersd-then'>the page's settings are right as they are</div>")
    if plan.active:
        rows += [f"<div class='hypersd-notice'>! {escape(notice)}</div>" for notice in plan.notices]
    return "".join(rows)


def _title(name: str) -> str:
    return FIELD_TITLES[name]


def _why(plan: Plan | str) -> str:
    return plan if isinstance(plan, str) else plan.notice or "nothing to do"
