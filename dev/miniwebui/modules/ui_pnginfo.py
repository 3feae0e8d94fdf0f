"""The PNG Info tab: what a picture says about how it was made."""

from __future__ import annotations

import html

import gradio as gr

from modules import images, infotext_utils
from modules.call_queue import wrap_gradio_call_no_job
from modules.gradio_extensions import image_input
from modules.infotext_utils import ParamBinding
from modules.ui_components import ResizeHandleRow


def create_tab() -> gr.Blocks:
    """Build the tab."""
    with gr.Blocks(analytics_enabled=False) as interface, ResizeHandleRow(equal_height=False):
        with gr.Column(variant="panel"):
            image = image_input(label="Source", elem_id="pnginfo_image", image_mode="RGBA", height=400)
        with gr.Column(variant="panel"):
            generation_info = gr.Textbox(visible=False, elem_id="pnginfo_generation_info")
            shown = gr.HTML(elem_id="pnginfo_html_info")
            with gr.Row():
                buttons = infotext_utils.create_buttons(["txt2img", "img2img", "inpaint"])
            for tabname, button in buttons.items():
                infotext_utils.register_paste_params_button(
                    ParamBinding(
                        paste_button=button,
                        tabname=tabname,
                        source_text_component=generation_info,
                        source_image_component=image,
                    )
                )
        image.change(fn=wrap_gradio_call_no_job(run_pnginfo), inputs=[image], outputs=[generation_info, shown])
    return interface


def run_pnginfo(image) -> tuple[str, str]:
    """A picture's infotext, and all its text as HTML."""
    if image is None:
        return "", ""
    infotext, others = images.read_info_from_image(image)
    parts = {"parameters": infotext, **others}
    shown = "".join(
        f"<div class='infotext'><p><b>{html.escape(name)}</b></p>"
        f"<p>{html.escape(str(text)).replace(chr(10), '<br>')}</p></div>"
        for name, text in parts.items()
        if text
    )
    return infotext or "", shown or "<p>Nothing found in the image.</p>"
