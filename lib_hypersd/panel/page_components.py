"""The host's own components that the panel reads and sets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

Components = dict[str, Any]


@dataclass
class PageComponents:
    """The host's own components of one tab, caught by their DOM id as they are built.

    `components` is field name → component, `plot` X/Y/Z plot's; `connect` is called once the tab's last one is built:
    where the option puts scripts first, most come after the panel. From then on nothing more is caught: listeners get
    their values in the order of what there was.
    """

    tab: str
    components: Components = field(default_factory=dict)
    plot: Components = field(default_factory=dict)
    connect: Callable[[], None] | None = None
    is_connected: bool = field(default=False, init=False)

    def catch(self, component: Any, elem_id: str | None) -> None:
        if self.is_connected:  # another extension's, with an id of the host's
            return
        tab, _, rest = (elem_id or "").partition("_")
        name = _PAGE_IDS.get(rest) if tab == self.tab else _BARE_IDS.get(elem_id or "")
        if name:
            self.components[name] = component
        control = (elem_id or "").removeprefix(f"script_{self.tab}_xyz_plot_")
        if control in _PLOT_IDS:
            self.plot[control] = component
        elif isinstance(component, gr.Dropdown) and component.label == "X values":  # the hosts give it no id
            self.plot["x_values_dropdown"] = component
        if elem_id == f"html_log_{self.tab}" and self.connect:
            self.is_connected = True
            self.connect()

    def split(self, values: Sequence[Any]) -> tuple[Mapping[str, Any], Sequence[Any]]:
        """A listener's values: the page's by field, and the rest, which are the panel's."""
        return dict(zip(self.components, values, strict=False)), values[len(self.components) :]


_NAMED_ALIKE = (
    "prompt steps scheduler cfg_scale distilled_cfg_scale denoising_strength hr_upscaler hr_scale hr_cfg "
    "hr_distilled_cfg hr_resize_x hr_resize_y styles override_settings"
).split()
_PAGE_IDS = dict(zip(_NAMED_ALIKE, _NAMED_ALIKE, strict=True)) | {
    "neg_prompt": "negative_prompt",
    "sampling": "sampler_name",
    "hr-checkbox": "enable_hr",
    "hires_steps": "hr_second_pass_steps",
}
"""DOM id without its tab → the host's field."""
_BARE_IDS: dict[str, str] = {
    "hires_prompt": "hr_prompt",
    "hr_sampler": "hr_sampler_name",
    "hr_scheduler": "hr_scheduler",
    "hr_checkpoint": "hr_checkpoint_name",
}
"""Ids of txt2img's hires controls, which don't name their tab."""
_PLOT_IDS = ("script_list", "x_type", "x_values", "y_type", "z_type")
