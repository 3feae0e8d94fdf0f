"""The parts that several tabs share: the panel with the pictures, and the refresh button."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from dataclasses import dataclass

import gradio as gr

from modules import infotext_utils, scripts
from modules.gradio_extensions import png_gallery
from modules.infotext_utils import ParamBinding
from modules.ui_components import ToolButton

refresh_symbol = "\U0001f504"  # 🔄


def plaintext_to_html(text: str, classname: str | None = None) -> str:
    """Text as one paragraph, with its line breaks."""
    content = "<br>\n".join(map(html.escape, text.split("\n")))
    return f"<p class='{classname}'>{content}</p>" if classname else f"<p>{content}</p>"


def update_generation_info(generation_info: str, html_info: str, img_index: int):
    """The infotext of the picture that is selected in the gallery."""
    try:
        infotexts = json.loads(generation_info)["infotexts"]
    except (ValueError, KeyError, TypeError):
        return html_info
    return plaintext_to_html(infotexts[img_index]) if 0 <= img_index < len(infotexts) else html_info


@dataclass
class OutputPanel:
    """What a generation fills."""

    gallery: gr.Gallery
    generation_info: gr.Textbox
    infotext: gr.HTML
    html_log: gr.HTML
    button_upscale: gr.Button | None = None

    def outputs(self) -> list:
        """In the order in which ``txt2img`` and ``img2img`` return them."""
        return [self.gallery, self.generation_info, self.infotext, self.html_log]


def create_output_panel(tabname: str) -> OutputPanel:
    """The gallery, its buttons, the infotext and the log below; made after the tab's scripts."""
    with (
        gr.Column(elem_id=f"{tabname}_results"),
        gr.Column(variant="panel", elem_id=f"{tabname}_results_panel"),
    ):
        with gr.Group(elem_id=f"{tabname}_gallery_container"):
            gallery = png_gallery(
                label="Output",
                show_label=False,
                elem_id=f"{tabname}_gallery",
                columns=4,
                preview=True,
                interactive=False,
                object_fit="contain",
            )
        with gr.Row(elem_id=f"image_buttons_{tabname}", elem_classes="image-buttons"):
            buttons = {
                "img2img": ToolButton(
                    "\U0001f5bc\ufe0f",
                    elem_id=f"{tabname}_send_to_img2img",
                    tooltip="Send the picture and its parameters to the img2img tab.",
                ),
                "inpaint": ToolButton(
                    "\U0001f3a8\ufe0f",
                    elem_id=f"{tabname}_send_to_inpaint",
                    tooltip="Send the picture and its parameters to the inpaint tab.",
                ),
            }
            upscale = None
            if tabname == "txt2img":
                upscale = ToolButton(
                    "✨",
                    elem_id="txt2img_upscale",
                    tooltip="Draw this picture's second pass with the settings of Hires. fix.",
                )
        with gr.Group():
            infotext = gr.HTML(elem_id=f"html_info_{tabname}", elem_classes="infotext")
            html_log = gr.HTML(elem_id=f"html_log_{tabname}", elem_classes="html-log")
            generation_info = gr.Textbox(visible=False, elem_id=f"generation_info_{tabname}")
            selected = gr.Button(visible=False, elem_id=f"{tabname}_generation_info_button")
            selected.click(
                fn=update_generation_info,
                _js="(x, y, z) => [x, y, selected_gallery_index()]",
                inputs=[generation_info, infotext, infotext],
                outputs=[infotext],
                show_progress=False,
            )
    runner = scripts.scripts_txt2img if tabname == "txt2img" else scripts.scripts_img2img
    for target, button in buttons.items():
        infotext_utils.register_paste_params_button(
            ParamBinding(
                paste_button=button,
                tabname=target,
                source_tabname=tabname if tabname == "txt2img" else None,
                source_image_component=gallery,
                paste_field_names=runner.paste_field_names,
            )
        )
    return OutputPanel(gallery, generation_info, infotext, html_log, upscale)


def create_refresh_button(
    refresh_component, refresh_method: Callable[[], None], refreshed_args, elem_id: str
) -> ToolButton:
    """A button that reads a list anew: ``refreshed_args`` gives what the components then get."""
    several = isinstance(refresh_component, list)
    components = refresh_component if several else [refresh_component]

    def refresh():
        refresh_method()
        args = (refreshed_args() if callable(refreshed_args) else refreshed_args) or {}
        for component in components:
            for name, value in args.items():
                setattr(component, name, value)
        updates = [gr.update(**args) for _ in components]
        return updates if several and len(updates) > 1 else updates[0]

    label = next((component.label for component in components if getattr(component, "label", None)), None)
    button = ToolButton(refresh_symbol, elem_id=elem_id, tooltip=f"{label}: refresh" if label else "Refresh")
    button.click(fn=refresh, inputs=[], outputs=components)
    return button
