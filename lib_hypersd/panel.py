"""The panel: one line when closed, one glance when open; the same in txt2img and img2img, on gradio 3 and 4."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from . import TITLE, infotext, panel_html
from .outlook import KEEPS, Outlook, Preview
from .preferences import Preferences
from .settings import KEYS, PANEL_DEFAULTS, as_typed

_JS = "js" if int(gr.__version__.split(".")[0]) >= 4 else "_js"
"""gradio 4 renamed the argument that takes a listener's JavaScript."""

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
    """The host's own components of one tab, caught by their DOM id as they are built.

    `found` is field name → component, `plot` X/Y/Z plot's; `connect` is called once the tab's last one is there: where
    the person has put the scripts first, most come after the panel.
    """

    tab: str
    found: Components = field(default_factory=dict)
    plot: Components = field(default_factory=dict)
    connect: Callable[[], None] | None = None

    def catch(self, component: Any, elem_id: str | None) -> None:
        tab, _, rest = (elem_id or "").partition("_")
        name = _PAGE_IDS.get(rest) if tab == self.tab else _BARE_IDS.get(elem_id or "")
        if name:
            self.found[name] = component
        control = (elem_id or "").removeprefix(f"script_{self.tab}_xyz_plot_")
        if control in _PLOT_IDS:
            self.plot[control] = component
        elif isinstance(component, gr.Dropdown) and component.label == "X values":  # the hosts give it no id
            self.plot["x_values_dropdown"] = component
        if elem_id == f"html_log_{self.tab}" and self.connect:
            connect, self.connect = self.connect, None
            connect()


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
_PLOT_IDS = ("script_list", "x_type", "x_values", "y_type", "z_type")


@dataclass(frozen=True)
class Faces:
    """What the panel asks of the rest.

    `preview(tab, page values, panel values)` is what would be done now; `choices()` what the host lists now;
    `checkpoint()` the selected one's name.
    """

    preview: Callable[[str, Mapping[str, Any], Sequence[Any]], Preview]
    choices: Callable[[], Choices]
    checkpoint: Callable[[], str]


def build(page: PageComponents, accordion: Callable[..., Any], faces: Faces) -> list[Any]:
    """The components, in the contract's order, inside the host's `InputAccordion`."""
    prefix, choices = f"hypersd_{page.tab}", faces.choices()
    built: Components = {}
    with accordion(PANEL_DEFAULTS.enabled, label=TITLE, elem_id=prefix) as enabled:
        built["enabled"] = enabled
        with enabled.extra():
            badge = gr.HTML(panel_html.badge(Outlook()), elem_id=f"{prefix}_badge")
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
        wires = _Wires(prefix, badge, body, fill, compare, choices)
    ordered = [built[key] for key in KEYS]
    page.connect = lambda: _connect(page, ordered, wires, faces)
    return ordered


class _Wires:
    """What the page's JavaScript and the listeners speak through, besides the controls."""

    def __init__(self, prefix: str, badge: Any, body: Any, fill: Any, compare: Any, choices: Choices) -> None:
        self.badge, self.body, self.fill, self.compare = badge, body, fill, compare
        self.answer = gr.HTML(
            panel_html.answer({"loras": _mark(choices)}), elem_id=f"{prefix}_answer", elem_classes=_OUT
        )
        # A listener's inputs; javascript/hypersd.js puts its own text in their place.
        self.question = gr.Textbox("", elem_id=f"{prefix}_question", elem_classes=_OUT)
        self.ask = gr.Button("ask", elem_id=f"{prefix}_ask", elem_classes=_OUT)
        self.keep = gr.Button("keep", elem_id=f"{prefix}_keep", elem_classes=_OUT)
        for component in (self.answer, self.question, self.ask, self.keep, fill, compare, badge, body):
            component.do_not_save_to_config = True  # the host's Defaults tab


_OUT = ["hypersd-hidden"]


def _mark(choices: Choices) -> int:
    """A number that changes with the list of LoRAs: the page's dropdown is sent a new list only then."""
    return zlib.crc32("\n".join(choices.loras).encode("utf8", "surrogatepass"))


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


def _connect(page: PageComponents, ordered: list[Any], wires: _Wires, faces: Faces) -> None:
    """Everything that answers the person: the lines as they type, the ticks, the two buttons."""
    tab, inputs = page.tab, [*page.found.values(), *ordered]
    wires.ask.click(
        _look(page, faces),
        inputs=[wires.question, *inputs],
        outputs=[wires.answer, wires.badge, wires.body, wires.fill, ordered[KEYS.index("lora")]],
        **_quietly(f"(...values) => [hypersdQuestion('{tab}'), ...values.slice(1)]"),
    )
    kept = list(dict.fromkeys(KEEPS.values()))
    wires.keep.click(
        _ticked(kept),
        inputs=[wires.question],
        outputs=[ordered[KEYS.index(key)] for key in kept],
        **_quietly(f"() => [hypersdTick('{tab}')]"),
    )
    wires.fill.click(_fill(page, faces), inputs=inputs, outputs=list(page.found.values()), **_quietly())
    _connect_compare(page, wires.compare)
    for component in inputs:
        component.change(fn=None, inputs=[], outputs=[], **{_JS: f"() => hypersdChanged('{tab}')"})


def _quietly(script: str | None = None) -> dict[str, Any]:
    return {"show_progress": False, "queue": False, **({_JS: script} if script else {})}


def _split(page: PageComponents, values: Sequence[Any]) -> tuple[Mapping[str, Any], Sequence[Any]]:
    """The page's values by field, and the panel's."""
    return dict(zip(page.found, values, strict=False)), values[len(page.found) :]


def _look(page: PageComponents, faces: Faces) -> Callable[..., list[Any]]:
    def look(question: str, *values: Any) -> list[Any]:
        asked = json.loads(question or "{}")
        seen = faces.preview(page.tab, *_split(page, values))
        choices = faces.choices()
        marks = {"number": asked.get("number"), "checkpoint": faces.checkpoint(), "loras": _mark(choices)}
        new_list = marks["loras"] != asked.get("loras")
        return [
            panel_html.answer(marks),
            panel_html.badge(seen.outlook),
            panel_html.body(seen.outlook, seen.settings),
            gr.update(interactive=bool(seen.page_values)),
            gr.update(choices=["auto", "none", *choices.loras]) if new_list else gr.update(),
        ]

    return look


def _ticked(keys: Sequence[str]) -> Callable[[str], list[Any]]:
    def ticked(asked: str) -> list[Any]:
        """A row's tick was changed: its setting goes to "keep", or back to what it was, or to its default."""
        tick = json.loads(asked)
        value = tick.get("value") or getattr(PANEL_DEFAULTS, tick["key"])
        as_typed(tick["key"], value)  # raises where no page of ours has asked
        return [gr.update(value=value) if key == tick["key"] else gr.update() for key in keys]

    return ticked


def _fill(page: PageComponents, faces: Faces) -> Callable[..., list[Any]]:
    def fill(*values: Any) -> list[Any]:
        """The plan's values into the page's own controls; what stands there already is left alone."""
        wanted = faces.preview(page.tab, *_split(page, values)).page_values
        return [gr.update(value=wanted[name]) if name in wanted else gr.update() for name in page.found]

    return fill


_COMPARED = ("1", "2", "4", "8", "off")
_NOTHING = "Nothing"
"""X/Y/Z plot's axis that varies nothing."""


def _connect_compare(page: PageComponents, button: Any) -> None:
    """One press sets up X/Y/Z plot; the host shows and hides the controls that go with each choice."""
    plan: dict[str, Any] = {
        "script_list": "X/Y/Z plot",
        "x_type": f"[{TITLE}] Steps",
        "x_values": ", ".join(_COMPARED),
        "x_values_dropdown": list(_COMPARED),
        "y_type": _NOTHING,
        "z_type": _NOTHING,
    }
    if not page.plot.keys() >= plan.keys():
        button.visible = False
        return
    button.click(
        lambda: [gr.update(value=value) for value in plan.values()],
        inputs=[],
        outputs=[page.plot[name] for name in plan],
        **_quietly(),
    )


def infotext_fields(
    ordered: Sequence[Any], option_eta: Callable[[], float | None], preferences: Callable[[], Preferences]
) -> list[tuple[Any, Callable[[dict[str, Any]], Any]]]:
    """(component, value from a pasted infotext) pairs, for the host's paste button."""

    def pasted(key: str) -> Callable[[dict[str, Any]], Any]:
        if key == "eta":
            return lambda params: infotext.panel_eta(params, option_eta())
        return lambda params: infotext.panel_value(key, params, preferences())

    return [(component, pasted(key)) for key, component in zip(KEYS, ordered, strict=True)]
