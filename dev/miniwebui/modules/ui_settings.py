"""The Settings tab over ``shared.opts.data_labels``, and the quicksettings at the top."""

from __future__ import annotations

from itertools import groupby

import gradio as gr

from modules import script_callbacks, shared, ui_common, ui_profile
from modules.shared import opts
from modules.ui_checkpoint import CheckpointBox
from modules.ui_components import FormRow
from modules.ui_loadsave import UiLoadsave

_BY_TYPE = {str: gr.Textbox, int: gr.Number, float: gr.Number, bool: gr.Checkbox}


def component_args(key: str) -> dict:
    """The keyword arguments that a setting's definition gives its component."""
    args = opts.data_labels[key].component_args
    return (args() if callable(args) else args) or {}


def create_setting_component(key: str, is_quicksettings: bool = False):
    """The component of one setting, with its refresh button if it has one."""
    info = opts.data_labels[key]
    kind = info.component or _BY_TYPE.get(type(info.default))
    if kind is None:  # a list without a component of its own
        return gr.Textbox(label=info.label, value=str(opts.get_default(key)), interactive=False)

    def create():
        component = kind(
            label=info.label,
            value=getattr(opts, key),
            elem_id=f"setting_{key}",
            **component_args(key),
        )
        if info.refresh is not None:
            ui_common.create_refresh_button(component, info.refresh, info.component_args, f"refresh_{key}")
        return component

    if info.refresh is None or is_quicksettings:
        return create()
    with FormRow():
        return create()


class UiSettings:
    """Builds the tab and applies what is changed in it."""

    def __init__(self):
        self.components: dict[str, gr.components.Component] = {}
        self.interface: gr.Blocks | None = None
        self.text_settings: gr.Textbox | None = None
        self.quicksettings: dict[str, gr.components.Component] = {}
        self.checkpoint_box: CheckpointBox | None = None

    def register_settings(self) -> None:
        """Let extensions define their settings."""
        script_callbacks.ui_settings_callback()
        opts.reorder()

    def quicksettings_names(self) -> list[str]:
        """The settings that stand at the top instead of in the tab."""
        if ui_profile.current().own_checkpoint_box:
            return []
        return [name for name in opts.quicksettings_list if name in opts.data_labels]

    def create_ui(self, loadsave: UiLoadsave) -> None:
        """Build the tab: one inner tab for each section, and the one for the page's defaults."""
        shared.settings_components = self.components
        at_top = self.quicksettings_names()
        in_tab = [
            (info.section, key)
            for key, info in opts.data_labels.items()
            if key not in at_top and info.section and info.section[0] is not None and is_shown(key)
        ]
        with gr.Blocks(analytics_enabled=False) as self.interface:
            with gr.Row():
                submit = gr.Button("Apply settings", variant="primary", elem_id="settings_submit", scale=6)
                restart = gr.Button("Reload UI", variant="primary", elem_id="settings_restart_gradio")
            result = gr.HTML(elem_id="settings_result")
            with gr.Tabs(elem_id="settings"):
                for section, entries in groupby(in_tab, key=lambda entry: entry[0]):
                    elem_id, title = section[:2]
                    with (
                        gr.Tab(title, elem_id=f"settings_{elem_id}"),
                        gr.Column(elem_id=f"column_settings_{elem_id}", variant="compact"),
                    ):
                        for _, key in entries:
                            self.components[key] = create_setting_component(key)
                with gr.Tab("Defaults", id="defaults", elem_id="settings_tab_defaults"):
                    loadsave.create_ui()
            self.text_settings = gr.Textbox(elem_id="settings_json", value=lambda: opts.dumpjson(), visible=False)
            self._connect(submit, restart, result)

    def _connect(self, submit: gr.Button, restart: gr.Button, result: gr.HTML) -> None:
        inputs = {key: component for key, component in self.components.items() if can_be_applied(key, component)}

        def apply(*values):
            return self.run_settings(dict(zip(inputs, values, strict=True)))

        outputs = [self.text_settings, result]
        submit.click(fn=apply, inputs=list(inputs.values()), outputs=outputs, queue=False)
        restart.click(fn=lambda: shared.state.request_restart(), _js="restart_reload", inputs=[], outputs=[])

    def run_settings(self, values: dict) -> tuple[str, str]:
        """Take all values, or none if one is of a wrong type; returns all settings and what changed."""
        wrong = [key for key, value in values.items() if not opts.same_type(value, opts.data_labels[key].default)]
        if wrong:
            return opts.dumpjson(), f"Nothing changed: bad value for {', '.join(wrong)}."
        changed = [key for key, value in values.items() if value != getattr(opts, key) and opts.set(key, value)]
        opts.save(shared.config_filename)
        return (
            opts.dumpjson(),
            f"{len(changed)} settings changed{': ' if changed else ''}{', '.join(changed)}.",
        )

    def run_settings_single(self, value, key: str):
        """Take one quicksetting's value."""
        if value is not None and opts.same_type(value, opts.data_labels[key].default) and opts.set(key, value):
            opts.save(shared.config_filename)
        return gr.update(value=getattr(opts, key)), opts.dumpjson()

    def add_quicksettings(self) -> None:
        """Build the row at the top."""
        with gr.Row(elem_id="quicksettings", variant="compact"):
            if ui_profile.current().own_checkpoint_box:
                self.checkpoint_box = CheckpointBox()
                return
            for key in self.quicksettings_names():
                self.quicksettings[key] = create_setting_component(key, is_quicksettings=True)

    def add_functionality(self, demo: gr.Blocks) -> None:
        """Connect what stands at the top; all tabs are there."""
        if self.checkpoint_box is not None:
            self.checkpoint_box.connect_presets()
        for key, component in self.quicksettings.items():
            event = getattr(component, "release", None) or component.change
            event(
                fn=lambda value, key=key: self.run_settings_single(value, key),
                inputs=[component],
                outputs=[component, self.text_settings],
                show_progress=opts.data_labels[key].refresh is not None,
            )
        demo.load(fn=lambda: opts.dumpjson(), inputs=[], outputs=[self.text_settings], queue=False)
        # As on the hosts: a page that is loaded later gets all values as of then, in one request.
        shown = {**self.components, **self.quicksettings}
        now = {key: component for key, component in shown.items() if can_be_applied(key, component)}

        def values():
            return [gr.update(value=getattr(opts, key)) for key in now]

        demo.load(fn=values, inputs=[], outputs=list(now.values()), queue=False)


def is_shown(key: str) -> bool:
    """Whether a setting has a component that one can see."""
    return opts.data_labels[key].component is not gr.State


def can_be_applied(key: str, component) -> bool:
    """Whether the tab's component may change the setting."""
    return not opts.data_labels[key].do_not_save and getattr(component, "interactive", None) is not False
