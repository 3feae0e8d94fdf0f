"""What answers the person at the panel: the lines as they type, the ticks, the downloads, the two buttons.

The page asks with one question, a text that javascript/hypersd.js makes: its number, the marks of the last answer, and
the wishes, which are what was pressed in the table since. gradio 3 drops a click while the one before is under way, and
gradio 4 answers in any order; by the number the page sees what was not answered, and asks again.
"""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from .. import TITLE
from ..downloads.job import Download
from ..downloads.registry import registry
from ..models.catalog import BY_NAME, Variant
from ..request.settings import KEYS, PANEL_DEFAULTS, Choices, as_typed
from . import markup
from .memory import PanelMemory
from .outlook import Outlook, Preview
from .page_components import PageComponents

_JS = "js" if int(gr.__version__.split(".")[0]) >= 4 else "_js"
"""gradio 4 renamed the argument that takes a listener's JavaScript."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PanelBackend:
    """What the panel asks of the rest.

    `preview(tab, page values, panel values)` is what would be done now; `choices()` what the host lists now;
    `checkpoint()` the selected one's name; `memory()` the panel's values for each checkpoint, None where the person
    does not want them back; `download(variant)` begins to download a file, and `folder(variant)` is where it goes, for
    a person.
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
    """Bind the listeners, once all of the tab's components are there. `ordered` are the controls in `KEYS`' order."""
    tab, inputs = page.tab, [*page.found.values(), *ordered]
    wires.ask.click(
        _answer(page, backend),
        inputs=[wires.question, *inputs],
        outputs=[wires.answer, wires.badge, wires.body, wires.fill, *ordered],
        **_quietly(f"(...values) => [hypersdQuestion('{tab}'), ...values.slice(1)]"),
    )
    wires.fill.click(_fill(page, backend), inputs=inputs, outputs=list(page.found.values()), **_quietly())
    _connect_compare(page, wires.compare)
    for component in inputs:
        component.change(fn=None, inputs=[], outputs=[], **{_JS: f"() => hypersdChanged('{tab}')"})


def _quietly(script: str | None = None) -> dict[str, Any]:
    return {"show_progress": False, "queue": False, **({_JS: script} if script else {})}


def mark(choices: Choices) -> int:
    """A number that changes with the list of LoRAs: the page's dropdown is sent a new list only then."""
    return zlib.crc32("\n".join(choices.loras).encode("utf8", "surrogatepass"))


def _answer(page: PageComponents, backend: PanelBackend) -> Callable[..., list[Any]]:
    def answer(question: str, *values: Any) -> list[Any]:
        asked: Mapping[str, Any] = {}
        try:
            asked = _question(question)
            return _answered(page, backend, asked, values)
        except Exception as fault:
            _log.exception("The panel could not be brought up to date")
            bad = Outlook("bad", f"the panel met a fault ({type(fault).__name__}); see the console")
            marks = {"number": asked.get("number"), "checkpoint": asked.get("checkpoint"), "loras": asked.get("loras")}
            return _lines(marks, Preview(bad), "") + [gr.update() for _ in KEYS]

    return answer


def _question(text: str) -> Mapping[str, Any]:
    """What the page asks. Raises where no page of ours has asked."""
    asked = json.loads(text)
    if not isinstance(asked, dict):
        raise TypeError("a question is an object")
    return asked


def _answered(
    page: PageComponents, backend: PanelBackend, asked: Mapping[str, Any], values: Sequence[Any]
) -> list[Any]:
    """The lines, and what changes in the panel's own controls."""
    page_values, before = page.split(values)
    checkpoint, memory, panel = backend.checkpoint(), backend.memory(), list(before)
    for wish in asked.get("wishes", ()):
        panel = _granted(wish, panel, backend)
    if memory is not None:
        panel = _remembered(memory, page.tab, checkpoint, panel, is_new=checkpoint != asked.get("checkpoint"))
    seen, choices = backend.preview(page.tab, page_values, panel), backend.choices()
    marks = {"number": asked.get("number"), "checkpoint": checkpoint, "loras": mark(choices)}
    missing = seen.outlook.missing
    lines = _lines(marks, seen, backend.folder(missing) if missing else "")
    return lines + _controls(before, panel, choices if marks["loras"] != asked.get("loras") else None)


def _lines(marks: Mapping[str, Any], seen: Preview, folder: str) -> list[Any]:
    missing = seen.outlook.missing
    return [
        markup.answer(marks),
        markup.badge(seen.outlook),
        markup.body(seen.outlook, seen.settings, registry.of(missing.name) if missing else None, folder),
        gr.update(interactive=bool(seen.page_values)),
    ]


def _controls(before: Sequence[Any], after: Sequence[Any], choices: Choices | None) -> list[Any]:
    """What changes in the panel's own controls: values, and the LoRAs where the list is a new one."""
    updates: list[dict[str, Any]] = [{} if a == b else {"value": b} for a, b in zip(before, after, strict=True)]
    if choices is not None:
        updates[KEYS.index("lora")]["choices"] = ["auto", "none", *choices.loras]
    return [gr.update(**update) for update in updates]


def _granted(wish: Mapping[str, Any], panel: list[Any], backend: PanelBackend) -> list[Any]:
    """The panel's values after what was pressed: a row's tick, a download of a catalog file, its cancel.

    A tick sends its setting to "keep", or back to what it was, or to its default. Without the licence accepted there
    is no download.
    """
    if "key" in wish:
        key = str(wish["key"])
        value = wish.get("value") or getattr(PANEL_DEFAULTS, key)
        as_typed(key, value)  # raises where no page of ours has asked
        return [value if k == key else v for k, v in zip(KEYS, panel, strict=True)]
    variant = BY_NAME.get(str(wish.get("download")))
    if variant is not None and wish.get("accepted") is True:
        backend.download(variant)
    if "cancel" in wish:
        registry.cancel(str(wish["cancel"]))
    return panel


def _remembered(memory: PanelMemory, tab: str, checkpoint: str, panel: list[Any], *, is_new: bool) -> list[Any]:
    """The panel's values of the last time with this checkpoint, where the page comes to it; else they are put down."""
    if not is_new:
        memory.put(checkpoint, tab, dict(zip(KEYS, panel, strict=True)))
        return panel
    values = memory.get(checkpoint, tab) or {}
    return [values.get(key, value) for key, value in zip(KEYS, panel, strict=True)]


def _fill(page: PageComponents, backend: PanelBackend) -> Callable[..., list[Any]]:
    def fill(*values: Any) -> list[Any]:
        """The plan's values into the page's own controls; what stands there already is left alone."""
        try:
            wanted = backend.preview(page.tab, *page.split(values)).page_values
            return [gr.update(value=wanted[name]) if name in wanted else gr.update() for name in page.found]
        except Exception:
            _log.exception("The page could not be filled")
            return [gr.update() for _ in page.found]

    return fill


_COMPARED = ("1", "2", "4", "8", "off")
_PLOT = "X/Y/Z plot"
_NOTHING = "Nothing"
"""X/Y/Z plot's axis that varies nothing."""


def _plot_title(scripts: Any) -> str:
    """X/Y/Z plot's title in the host's list of scripts: Forge Classic writes "Plot"."""
    titles = (choice if isinstance(choice, str) else choice[0] for choice in getattr(scripts, "choices", None) or ())
    return next((title for title in titles if title.lower() == _PLOT.lower()), _PLOT)


def _connect_compare(page: PageComponents, button: Any) -> None:
    """One press sets up X/Y/Z plot; the host shows and hides the controls that go with each choice."""
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
    button.click(
        lambda: [gr.update(value=value) for value in plan.values()],
        inputs=[],
        outputs=[page.plot[name] for name in plan],
        **_quietly(),
    )
