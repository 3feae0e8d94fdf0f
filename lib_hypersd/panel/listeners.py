"""The panel's listeners: its lines as the person types, the ticks, the downloads, the two buttons.

The page sends one query, a text that javascript/hypersd.js makes: its number, the marks of the last answer, and the
requests, which are what was pressed in the table since. gradio 3 drops a click while the one before is under way, and
gradio 4 answers in any order; by the number the page sees what was not answered, and sends it again.
"""

import logging
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from .. import TITLE
from ..downloads.registry import registry
from ..downloads.state import Download
from ..host.threads import off_the_loop
from ..models import bounded_json
from ..models.catalog import BY_NAME, Variant
from ..request.settings import KEYS, PANEL_DEFAULTS, Choices, as_typed
from . import markup
from .memory import PanelMemory
from .outlook import Outlook, Preview
from .page_components import PageComponents

_JS = "js" if int(gr.__version__.split(".")[0]) >= 4 else "_js"
"""gradio 4 renamed the argument for a listener's JavaScript."""
_MARKS = ("number", "checkpoint", "loras", "distilled")
"""What an answer is marked with: the query's number, the checkpoint and the list of LoRAs that it was made for, and
whether the control for distilled CFG is shown."""

_MOST_VALUES = 4096
"""Of a query: what was pressed in the table while one answer was under way is a handful."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PanelBackend:
    """The functions that the panel calls, most of them the host's.

    `preview(tab, page values, panel values)`: what would be done now. `choices()`: what the host lists now.
    `checkpoint()`: the selected one's name. `memory()`: the panel's values for each checkpoint, None where the option
    is off. `download(variant)`: begin to download a file. `folder(variant)`: its folder, for a person.
    """

    preview: Callable[[str, Mapping[str, Any], Sequence[Any]], Preview]
    choices: Callable[[], Choices]
    checkpoint: Callable[[], str]
    memory: Callable[[], PanelMemory | None]
    download: Callable[[Variant], Download]
    folder: Callable[[Variant], str]


@dataclass(frozen=True)
class Wires:
    """The panel's components besides its controls."""

    badge: Any
    body: Any
    fill: Any
    compare: Any
    answer: Any
    question: Any
    ask: Any

    def __post_init__(self) -> None:
        for component in vars(self).values():
            component.do_not_save_to_config = True  # the host's Defaults tab


def connect(page: PageComponents, ordered: Sequence[Any], wires: Wires, backend: PanelBackend) -> None:
    """Bind the listeners, once all of the tab's components exist. `ordered` are the controls in `KEYS`' order."""
    tab, inputs, listeners = page.tab, [*page.components.values(), *ordered], Listeners(page, backend)
    wires.ask.click(
        off_the_loop(listeners.answer),
        inputs=[wires.question, *inputs],
        outputs=[wires.answer, wires.badge, wires.body, wires.fill, *ordered],
        **_quietly(f"(...values) => [hypersdQuery('{tab}'), ...values.slice(1)]"),
    )
    wires.fill.click(off_the_loop(listeners.fill), inputs=inputs, outputs=list(page.components.values()), **_quietly())
    _connect_compare(page, wires.compare)
    for component in inputs:
        component.change(fn=None, inputs=[], outputs=[], **{_JS: f"() => hypersdChanged('{tab}')"})


def _quietly(script: str | None = None) -> dict[str, Any]:
    return {"show_progress": False, "queue": False, **({_JS: script} if script else {})}


def mark(choices: Choices) -> int:
    """A number that changes with the list of LoRAs: the page's dropdown is sent a new list only then."""
    return zlib.crc32("\n".join(choices.listed_loras).encode("utf8", "surrogatepass"))


@dataclass(frozen=True)
class Listeners:
    """The listeners of one tab's page. A fault in one is logged, and shown where there is a line for it."""

    page: PageComponents
    backend: PanelBackend

    def answer(self, query: str, *values: Any) -> list[Any]:
        """The panel's lines, and updates of its own controls. `values` are the page's and the panel's."""
        sent: Mapping[str, Any] = {}
        try:
            sent = _parsed(query)
            return self._answer(sent, values)
        except Exception as fault:
            _log.exception("The panel could not be brought up to date")
            bad = Outlook("bad", f"the panel met a fault ({type(fault).__name__}); see the console")
            marks = {name: sent.get(name) for name in _MARKS}
            return self._lines(marks, Preview(bad)) + [gr.update() for _ in KEYS]

    def fill(self, *values: Any) -> list[Any]:
        """The plan's values for the page's own controls; a control that has its value already is left alone."""
        try:
            planned = self.backend.preview(self.page.tab, *self.page.split(values)).page_values
            return [gr.update(value=planned[name]) if name in planned else gr.update() for name in self.page.components]
        except Exception:
            _log.exception("The page could not be filled")
            return [gr.update() for _ in self.page.components]

    def _answer(self, query: Mapping[str, Any], values: Sequence[Any]) -> list[Any]:
        page_values, before = self.page.split(values)
        checkpoint, memory, panel = self.backend.checkpoint(), self.backend.memory(), list(before)
        for request in query.get("requests", query.get("wishes", ())):
            panel = self._apply(request, panel)
        if memory is not None:
            panel = _remembered(memory, self.page.tab, checkpoint, panel, is_new=checkpoint != query.get("checkpoint"))
        seen, choices = self.backend.preview(self.page.tab, page_values, panel), self.backend.choices()
        made_for = (query.get("number"), checkpoint, mark(choices), seen.has_distilled_cfg)
        marks = dict(zip(_MARKS, made_for, strict=True))
        updates: list[dict[str, Any]] = [{} if a == b else {"value": b} for a, b in zip(before, panel, strict=True)]
        if marks["loras"] != query.get("loras"):
            updates[KEYS.index("lora")]["choices"] = list(choices.listed_loras)
        if marks["distilled"] != query.get("distilled"):
            updates[KEYS.index("distilled_cfg")]["visible"] = seen.has_distilled_cfg
        return self._lines(marks, seen) + [gr.update(**update) for update in updates]

    def _lines(self, marks: Mapping[str, Any], seen: Preview) -> list[Any]:
        missing = seen.outlook.missing
        download, folder = (registry.of(missing.name), self.backend.folder(missing)) if missing else (None, "")
        return [
            markup.answer(marks),
            markup.badge(seen.outlook),
            markup.body(seen.outlook, seen.settings, download, folder),
            gr.update(interactive=bool(seen.page_values)),
        ]

    def _apply(self, request: Mapping[str, Any], panel: list[Any]) -> list[Any]:
        """The panel's values after what was pressed: a row's tick, a download of a catalog file, its cancel.

        A tick sets its setting to "keep", or back to what it was, or to its default. Without the licence accepted there
        is no download.
        """
        if "key" in request:
            key = str(request["key"])
            value = request.get("value") or getattr(PANEL_DEFAULTS, key)
            as_typed(key, value)  # raises where the query is not this page's
            return [value if k == key else v for k, v in zip(KEYS, panel, strict=True)]
        variant = BY_NAME.get(str(request.get("download")))
        if variant is not None and request.get("accepted") is True:
            self.backend.download(variant)
        if "cancel" in request:
            registry.cancel(str(request["cancel"]))
        return panel


def _parsed(query: str) -> Mapping[str, Any]:
    sent = bounded_json.read(query, _MOST_VALUES)
    if not isinstance(sent, dict):
        raise TypeError("a query is an object")
    return sent


def _remembered(memory: PanelMemory, tab: str, checkpoint: str, panel: list[Any], *, is_new: bool) -> list[Any]:
    """The panel's values of the last time with this checkpoint, where the page comes to it; else they are stored."""
    if not is_new:
        memory.put(checkpoint, tab, dict(zip(KEYS, panel, strict=True)))
        return panel
    values = memory.get(checkpoint, tab) or {}
    return [values.get(key, value) for key, value in zip(KEYS, panel, strict=True)]


_COMPARED = ("1", "2", "4", "8", "off")
_PLOT = "X/Y/Z plot"
_NOTHING = "Nothing"
"""X/Y/Z plot's axis that varies nothing."""


def _plot_title(scripts: Any) -> str:
    """X/Y/Z plot's title in the host's list of scripts: Forge Classic writes "Plot"."""
    titles = (choice if isinstance(choice, str) else choice[0] for choice in getattr(scripts, "choices", None) or ())
    return next((title for title in titles if title.lower() == _PLOT.lower()), _PLOT)


def _connect_compare(page: PageComponents, button: Any) -> None:
    """Have the button set up X/Y/Z plot; the host shows and hides the controls that belong to each choice."""
    plan: dict[str, Any] = {
        "script_list": _plot_title(page.plot.get("script_list")),
        # The values before the type, whose change has the host move them to where they are shown.
        "x_values": ", ".join(_COMPARED),
        "x_values_dropdown": list(_COMPARED),
        "x_type": f"[{TITLE}] Steps",
        "y_type": _NOTHING,
        "z_type": _NOTHING,
    }
    if not page.plot.keys() >= plan.keys():
        button.visible = False
        return
    outputs = [page.plot[name] for name in plan]
    button.click(lambda: [gr.update(value=value) for value in plan.values()], inputs=[], outputs=outputs, **_quietly())
