"""Forge's own box at the top: preset and checkpoint. A1111 and reForge have quicksettings instead."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr
from gradio.context import Context

from modules import infotext_utils, sd_models, shared, ui_profile
from modules.ui_components import ToolButton

refresh_symbol = "\U0001f504"  # 🔄


@dataclass(frozen=True)
class Preset:
    """What a preset puts into both tabs. Sizes stay: the miniature draws 128 pixels whatever the preset."""

    cfg: float
    sampler: str
    scheduler: str
    distilled_cfg: float
    shows_distilled_cfg: bool = False
    distilled_label: str | None = None
    """What the slider is called from then on; Neo uses the same for the shift of flow models."""
    steps: int | None = None
    """Of both passes."""


_FORGE = {
    "sd": Preset(7, "Euler a", "Automatic", 3.5),
    "xl": Preset(5, "DPM++ 2M SDE", "Karras", 3.5),
    "flux": Preset(1, "Euler", "Simple", 3.5, shows_distilled_cfg=True),
    "all": Preset(7, "DPM++ 2M", "Automatic", 3.5, shows_distilled_cfg=True),
}
_NEO = {
    "sd": Preset(6.0, "Euler a", "Automatic", 3.0, steps=32),
    "xl": Preset(4.5, "Euler a", "Automatic", 9.0, distilled_label="Shift", steps=24),
    "flux": Preset(
        1.0, "Euler", "Beta", 3.0, shows_distilled_cfg=True, distilled_label="Distilled CFG Scale", steps=20
    ),
}
PRESETS = {"forge": _FORGE, "neo": _NEO}


class CheckpointBox:
    """The preset's and the checkpoint's component; the preset is connected when the tabs are there."""

    def __init__(self):
        from modules_forge import main_entry  # only Forge and Neo have it

        if not shared.opts.sd_model_checkpoint and sd_models.checkpoints_list:
            shared.opts.set("sd_model_checkpoint", sd_models.select_checkpoint().name)
        profile = ui_profile.current()
        self.presets = PRESETS[profile.name]
        choose = gr.Radio if profile.name == "forge" else gr.Dropdown
        self.preset = choose(
            label="UI" if profile.name == "forge" else "UI Preset",
            value=lambda: shared.opts.forge_preset,
            choices=list(self.presets),
            elem_id="forge_ui_preset",
        )
        self.checkpoint = gr.Dropdown(
            label="Checkpoint",
            value=lambda: shared.opts.sd_model_checkpoint,
            choices=checkpoint_tiles(),
            elem_id=profile.checkpoint_elem_id,
            elem_classes=["model_selection"],
        )
        refresh = ToolButton(refresh_symbol, elem_id=profile.checkpoint_refresh_id, tooltip="Refresh")
        quiet = {"show_progress": False, "queue": False}
        for event in (refresh.click, Context.root_block.load):
            event(fn=refreshed, inputs=[], outputs=[self.checkpoint], **quiet)

        def take(name: str) -> None:
            main_entry.checkpoint_change(name)

        self.checkpoint.change(fn=take, inputs=[self.checkpoint], show_progress=False)
        main_entry.ui_checkpoint, main_entry.ui_forge_preset = self.checkpoint, self.preset

    def connect_presets(self) -> None:
        """Let the preset set the sliders, when it changes and whenever the page is loaded."""
        quiet = {"show_progress": False, "queue": False}
        targets = {target: _field(*target) for target in _TARGETS}
        targets = {target: component for target, component in targets.items() if component is not None}

        def apply(preset: str):
            shared.opts.set("forge_preset", preset)
            return [_update(self.presets[preset], name) for _, name in targets]

        def apply_current():
            return apply(shared.opts.forge_preset)

        self.preset.change(fn=apply, inputs=[self.preset], outputs=list(targets.values()), **quiet)
        Context.root_block.load(fn=apply_current, inputs=[], outputs=list(targets.values()), **quiet)


_TARGETS = [
    *(("txt2img", name) for name in ("Steps", "sampler_name", "scheduler", "CFG scale", "Distilled CFG Scale")),
    *(("txt2img", name) for name in ("Hires steps", "Hires CFG Scale", "Hires Distilled CFG Scale")),
    *(("img2img", name) for name in ("Steps", "sampler_name", "scheduler", "CFG scale", "Distilled CFG Scale")),
]
"""Tab, and infotext or API name of the field."""


def _field(tabname: str, name: str):
    fields = infotext_utils.paste_fields[tabname]["fields"]
    return next((field.component for field in fields if name in (field.label, field.api)), None)


def _update(preset: Preset, name: str):
    if "Distilled" in name:
        label = {} if preset.distilled_label is None else {"label": preset.distilled_label}
        return gr.update(value=preset.distilled_cfg, visible=preset.shows_distilled_cfg, **label)
    values = {
        "Steps": preset.steps,
        "Hires steps": preset.steps,
        "sampler_name": preset.sampler,
        "scheduler": preset.scheduler,
    }
    value = values.get(name, preset.cfg)
    return gr.update() if value is None else gr.update(value=value)


def checkpoint_tiles() -> list[str]:
    """The checkpoints' titles."""
    return sd_models.checkpoint_tiles(shared.opts.sd_checkpoint_dropdown_use_short)


def refreshed():
    """The checkpoints that are there now."""
    sd_models.list_models()
    return gr.update(choices=checkpoint_tiles())
