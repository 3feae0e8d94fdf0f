"""The page."""

from __future__ import annotations

import mimetypes
import platform

import gradio as gr
import gradio.utils
import torch
from fastapi import FastAPI
from pydantic import BaseModel, Field

from modules import (
    gradio_extensions,  # noqa: F401  patches gradio before any component is made
    infotext_utils,
    script_callbacks,
    scripts,
    shared,
    ui_img2img,
    ui_loadsave,
    ui_pnginfo,
    ui_profile,
    ui_settings,
    ui_txt2img,
)
from modules.ui_common import create_refresh_button, plaintext_to_html  # noqa: F401  extensions look here
from modules.ui_gradio_extensions import reload_javascript

mimetypes.add_type("application/javascript", ".js")
mimetypes.add_type("application/javascript", ".mjs")
gradio.utils.version_check = lambda: None  # it would ask another machine

random_symbol = "\U0001f3b2\ufe0f"  # 🎲️
reuse_symbol = "\u267b\ufe0f"  # ♻️
paste_symbol = "\u2199\ufe0f"  # ↙️
refresh_symbol = "\U0001f504"  # 🔄

txt2img_paste_fields: list = []
img2img_paste_fields: list = []


def gradio_theme() -> gr.themes.Base:
    """Gradio's own look in fonts that every machine has."""
    return gr.themes.Default(
        font=["ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    )


def create_ui() -> gr.Blocks:
    """Build the page; once more for each "Reload UI"."""
    reload_javascript()
    infotext_utils.reset()
    settings = ui_settings.UiSettings()
    settings.register_settings()

    scripts.scripts_current = scripts.scripts_txt2img
    scripts.scripts_txt2img.initialize_scripts(is_img2img=False)
    txt2img_interface = ui_txt2img.create_tab()

    scripts.scripts_current = scripts.scripts_img2img
    scripts.scripts_img2img.initialize_scripts(is_img2img=True)
    img2img_interface = ui_img2img.create_tab()
    scripts.scripts_current = None

    pnginfo_interface = ui_pnginfo.create_tab()
    loadsave = ui_loadsave.UiLoadsave(shared.cmd_opts.ui_config_file)
    kept_before = dict(loadsave.ui_settings)
    settings.create_ui(loadsave)
    labels = ui_profile.current().tab_labels
    interfaces = [
        (txt2img_interface, labels[0], "txt2img"),
        (img2img_interface, labels[1], "img2img"),
        (pnginfo_interface, "PNG Info", "pnginfo"),
        *script_callbacks.ui_tabs_callback(),
        (settings.interface, "Settings", "settings"),
    ]
    shared.tab_names = [label for _, label, _ in interfaces]

    with gr.Blocks(theme=gradio_theme(), analytics_enabled=False, title="Stable Diffusion") as demo:
        settings.add_quicksettings()
        infotext_utils.connect_paste_params_buttons()
        with gr.Tabs(elem_id="tabs") as tabs:
            for interface, label, name in interfaces:
                with gr.Tab(label, id=name, elem_id=f"tab_{name}"):
                    interface.render()
                if name != "settings":
                    loadsave.add_block(interface, name)
            loadsave.add_component(f"webui/Tabs@{tabs.elem_id}", tabs)
            loadsave.setup_ui()
        gr.HTML(versions_html(), elem_id="footer")
        settings.add_functionality(demo)
    if loadsave.ui_settings != kept_before:
        loadsave.dump_defaults()
    return demo


def versions_html() -> str:
    """The line at the foot of the page."""
    parts = {
        "miniwebui plays": ui_profile.current().name,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "gradio": gr.__version__,
    }
    listed = "&#x2000;•&#x2000;".join(f"{name}: {value}" for name, value in parts.items())
    return f"<div class='versions'>{listed}&#x2000;•&#x2000;<a href='./docs'>API</a></div>"


class QuicksettingsHint(BaseModel):
    name: str = Field(title="Name of the setting")
    label: str = Field(title="Label of the setting")


def setup_ui_api(app: FastAPI) -> None:
    """Add the page's own addresses."""

    def quicksettings_hint():
        return [QuicksettingsHint(name=key, label=info.label) for key, info in shared.opts.data_labels.items()]

    app.add_api_route(
        "/internal/quicksettings-hint",
        quicksettings_hint,
        methods=["GET"],
        response_model=list[QuicksettingsHint],
    )
    app.add_api_route("/internal/ping", lambda: {}, methods=["GET"])
