"""The Settings page's Defaults tab: what stands in the page's fields when it is opened, kept in ui-config.json.

A field is known by where it stands and what it is called, ``customscript/FILE/TAB/LABEL/value``; of two with one name
the first counts. Everything else of a component that a person may set stands beside it: a slider's limits, whether a
button is shown, which tab is open.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from modules import errors, ui_profile
from modules.ui_components import InputAccordionImpl, ToolButton

_VALUED = {
    gr.Slider: ("value", "minimum", "maximum", "step"),
    gr.Radio: ("value",),
    gr.Checkbox: ("value",),
    gr.Textbox: ("value",),
    gr.Number: ("value",),
    gr.Dropdown: ("value",),
}
"""Kinds of components that are kept, by their very class: what is derived from one is not."""
_HIDEABLE = {*_VALUED, gr.Button, ToolButton}


def choices_of(component: Any) -> list:
    """The values to choose from; gradio has (name, value) pairs."""
    return [choice[0] if isinstance(choice, tuple) else choice for choice in getattr(component, "choices", None) or []]


class UiLoadsave:
    """Puts kept values into the page that is being built, and keeps new ones."""

    def __init__(self, filename: str):
        self.filename = filename
        self.ui_settings: dict[str, Any] = {}
        self.component_mapping: dict[str, Any] = {}
        self.error_loading = False
        try:
            self.ui_settings = self.read_from_file()
        except FileNotFoundError:
            pass
        except Exception as e:
            self.error_loading = True
            errors.display(e, "loading settings")

    # While the page is built.

    def add_block(self, block: Any, path: str = "") -> None:
        """Everything inside a part of the page."""
        if hasattr(block, "children"):
            if isinstance(block, gr.Tabs) and block.elem_id is not None:
                self.add_component(f"{path}/Tabs@{block.elem_id}", block)
            for child in block.children:
                self.add_block(child, path)
        elif block.label is not None:
            self.add_component(f"{path}/{block.label}", block)
        elif isinstance(block, gr.Button) and block.value is not None:
            self.add_component(f"{path}/{block.value}", block)

    def add_component(self, path: str, component: Any) -> None:
        """One component: it gets what is kept for it, or what it has is kept."""
        kind = type(component)
        if kind in _HIDEABLE and component.visible:
            self._field(path, component, "visible")
        for name in _VALUED.get(kind, ()):
            self._field(path, component, name)
        if kind is InputAccordionImpl and ui_profile.current().defaults_keep_accordions:
            self._accordion(path, component)
        if kind is gr.Tabs:
            self._field(path, component, "selected")

    def _accordion(self, path: str, component: Any) -> None:
        """The accordion opens as its checkbox says."""
        frame = component.accordion
        frame.custom_script_source = getattr(component, "custom_script_source", None)
        if frame.visible:
            self._field(path, frame, "visible")
        self._field(path, component, "value")
        self._field(path, frame, "open", key_field="value")

    def _field(self, path: str, component: Any, name: str, key_field: str | None = None) -> None:
        if getattr(component, "do_not_save_to_config", False):
            return
        key = f"{path}/{key_field or name}"
        if getattr(component, "custom_script_source", None) is not None:
            key = f"customscript/{component.custom_script_source}/{key}"
        kept = self.ui_settings.get(key)
        if kept is None:
            now = getattr(component, name)
            is_empty_text = now is None and name == "value" and isinstance(component, gr.Textbox)
            self.ui_settings[key] = "" if is_empty_text else now
        elif _may_be(component, name, kept):
            try:
                setattr(component, name, _typed(component, name, kept))
            except ValueError:
                return
        if key_field is None and name == "value":
            self.component_mapping.setdefault(key, component)

    def dump_defaults(self) -> None:
        """Write what the page has now; a file that could not be read is left as it is."""
        if not (self.error_loading and Path(self.filename).exists()):
            self.write_to_file(self.ui_settings)

    # The tab.

    def create_ui(self) -> None:
        """The tab's own components."""
        gr.HTML(
            "Change fields in the other tabs, look at the changes with <i>View changes</i>, and keep them with "
            "<i>Apply</i>: the page begins with them from the next <i>Reload UI</i> on."
        )
        with gr.Row():
            self.view = gr.Button("View changes", elem_id="ui_defaults_view")
            self.apply = gr.Button("Apply", elem_id="ui_defaults_apply", variant="primary")
        self.review = gr.HTML("", elem_id="ui_defaults_review")

    def setup_ui(self) -> None:
        """Connect the tab; all parts of the page are there."""
        inputs = list(self.component_mapping.values())
        self.view.click(fn=self.ui_view, inputs=inputs, outputs=[self.review])
        self.apply.click(fn=self.ui_apply, inputs=inputs, outputs=[self.review])

    def ui_view(self, *values: Any) -> str:
        """What would be kept, as a table."""
        rows = [
            f"<tr><td>{'</td><td>'.join(html.escape(str(cell)) for cell in change)}</td></tr>"
            for change in self.iter_changes(self.read_from_file(), values)
        ]
        shown = "".join(rows) or "<tr><td colspan='3'>No changes</td></tr>"
        head = "<tr><th>Path</th><th>Old value</th><th>New value</th></tr>"
        return f"<table><thead>{head}</thead><tbody>{shown}</tbody></table>"

    def ui_apply(self, *values: Any) -> str:
        """Keep the page's values."""
        kept = self.read_from_file()
        changes = {path: new for path, _, new in self.iter_changes(kept, values)}
        if not changes:
            return "No changes."
        self.write_to_file({**kept, **changes})
        return f"Wrote {len(changes)} changes."

    def iter_changes(self, kept: Mapping[str, Any], values: tuple) -> Iterator[tuple[str, Any, Any]]:
        """(path, kept value, the page's value) where they differ."""
        for (path, component), new in zip(self.component_mapping.items(), values, strict=False):
            old, choices = kept.get(path), choices_of(component)
            if isinstance(new, int) and choices:  # a dropdown that gives its place in the list
                if new >= len(choices):
                    continue
                new = choices[new]
            nothing = (old is None and new == "") or new == []
            if new != old and not nothing:
                yield path, old, new

    # The file.

    def read_from_file(self) -> dict[str, Any]:
        return json.loads(Path(self.filename).read_text(encoding="utf8"))

    def write_to_file(self, settings: Mapping[str, Any]) -> None:
        text = json.dumps(settings, indent=4, ensure_ascii=False)
        Path(self.filename).write_text(text, encoding="utf8")


def _may_be(component: Any, name: str, kept: Any) -> bool:
    """Whether a component still has what is kept for it: its list may have changed."""
    if type(component) is gr.Tabs:
        items = [item for item in component.children if isinstance(item, gr.TabItem)]
        return kept in [item.id for item in items] if isinstance(kept, str) else 0 <= kept < len(items)
    if name != "value" or type(component) not in (gr.Radio, gr.Dropdown):
        return True
    choices = choices_of(component)
    several = getattr(component, "multiselect", False) or False
    return all(value in choices for value in kept) if several else kept in choices


def _typed(component: Any, name: str, kept: Any) -> Any:
    """gradio's text boxes take no numbers, and its numbers no texts."""
    if name == "value" and isinstance(component, gr.Textbox):
        return str(kept)
    return float(kept) if name == "value" and isinstance(component, gr.Number) else kept
