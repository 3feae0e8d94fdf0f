"""The img2img tab: a picture, or a picture and its mask."""

from __future__ import annotations

import gradio as gr

from modules import img2img, infotext_utils, progress, scripts, ui_common, ui_profile, ui_toprow
from modules.call_queue import wrap_gradio_gpu_call
from modules.gradio_extensions import image_input
from modules.infotext_utils import ParamBinding, PasteField
from modules.ui_components import FormGroup, FormRow, ResizeHandleRow
from modules.ui_tab_parts import (
    batch_sliders,
    cfg_sliders,
    dimension_sliders,
    ordered_ui_categories,
    override_settings_dropdown,
    range_slider,
    styles_from_infotext,
)


def create_tab() -> gr.Blocks:
    """Build the tab; its scripts are initialised already."""
    runner = scripts.scripts_img2img
    profile = ui_profile.current()
    with gr.Blocks(analytics_enabled=False) as interface:
        toprow = ui_toprow.Toprow(is_img2img=True)
        task_id = gr.Textbox(visible=False)
        fields: dict[str, gr.components.Component] = {
            "prompt": toprow.prompt,
            "negative_prompt": toprow.negative_prompt,
            "styles": toprow.ui_styles.dropdown,
        }
        with ResizeHandleRow(equal_height=False):
            with gr.Column(variant="compact", elem_id="img2img_settings"):
                runner.prepare_ui()
                for category in ordered_ui_categories():
                    if category == "image":
                        pictures, tabs = picture_tabs()
                        fields |= pictures
                    elif category == "inpaint":
                        inpaint, controls = inpaint_controls()
                        fields |= inpaint
                    elif category == "dimensions":
                        fields |= dimension_sliders("img2img")
                    elif category == "denoising":
                        fields["denoising_strength"] = range_slider(
                            "Denoising strength",
                            "img2img_denoising_strength",
                            (0.0, 1.0, 0.01, profile.img2img_denoise),
                        )
                    elif category == "cfg":
                        fields |= cfg_sliders("img2img")
                    elif category == "accordions":
                        with gr.Row(elem_id="img2img_accordions", elem_classes="accordions"):
                            runner.setup_ui_for_section(category)
                    elif category == "batch":
                        fields |= batch_sliders("img2img")
                    elif category == "override_settings":
                        fields["override_settings"] = override_settings_dropdown("img2img")
                    elif category == "scripts":
                        with FormGroup(elem_id="img2img_script_container"):
                            script_inputs = runner.setup_ui()
                    if category != "accordions":
                        runner.setup_ui_for_section(category)
            panel = ui_common.create_output_panel("img2img")

        for number, tab in enumerate(tabs):
            tab.select(
                fn=lambda number=number: (number, gr.update(visible=number == img2img.INPAINT_UPLOAD)),
                inputs=[],
                outputs=[fields["mode"], controls],
                show_progress=False,
            )
        quiet = {"outputs": panel.outputs(), "show_progress": False}
        generate = {
            "fn": wrap_gradio_gpu_call(img2img.img2img, extra_outputs=[None, "", ""]),
            "_js": "submit_img2img",
            "inputs": [task_id, *(fields[name] for name in profile.img2img_fields()), *script_inputs],
        }
        toprow.prompt.submit(**generate, **quiet)
        toprow.submit.click(**generate, **quiet)
        toprow.restore_progress_button.click(
            fn=progress.restore_progress, _js="restoreProgressImg2img", inputs=[task_id], **quiet
        )
        paste_fields = [*own_paste_fields(fields), *runner.infotext_fields]
        for tabname, picture in (("img2img", "init_img"), ("inpaint", "init_img_inpaint")):
            infotext_utils.add_paste_fields(tabname, fields[picture], paste_fields, fields["override_settings"])
        infotext_utils.register_paste_params_button(
            ParamBinding(paste_button=toprow.paste, tabname="img2img", source_text_component=toprow.prompt)
        )
    return interface


def picture_tabs() -> tuple[dict[str, gr.components.Component], list[gr.Tab]]:
    """Where the picture comes in, and the two tabs by number."""
    fields: dict[str, gr.components.Component] = {"mode": gr.Number(value=0, visible=False, precision=0)}
    with gr.Tabs(elem_id="mode_img2img"):
        with gr.Tab("img2img", id="img2img", elem_id="img2img_img2img_tab") as plain:
            fields["init_img"] = image_input(
                label="Image for img2img", elem_id="img2img_image", show_label=False, height=360
            )
        with gr.Tab("Inpaint upload", id="inpaint_upload", elem_id="img2img_inpaint_upload_tab") as masked:
            fields["init_img_inpaint"] = image_input(
                label="Image for img2img", elem_id="img_inpaint_base", show_label=False, height=360
            )
            fields["init_mask_inpaint"] = image_input(label="Mask", elem_id="img_inpaint_mask", height=360)
    with FormRow():
        fields["resize_mode"] = gr.Radio(
            label="Resize mode",
            elem_id="resize_mode",
            choices=["Just resize", "Crop and resize", "Resize and fill", "Just resize (latent upscale)"],
            type="index",
            value="Just resize",
        )
    return fields, [plain, masked]


def inpaint_controls() -> tuple[dict[str, gr.components.Component], gr.blocks.Block]:
    """How a mask is used; shown with the mask."""

    def choice(label: str, name: str, choices: list[str], value: str) -> gr.Radio:
        return gr.Radio(label=label, choices=choices, value=value, type="index", elem_id=f"img2img_{name}")

    with FormGroup(elem_id="inpaint_controls", visible=False) as controls:
        fields = {
            "mask_blur": range_slider("Mask blur", "img2img_mask_blur", (0, 64, 1, 4)),
            "inpainting_mask_invert": choice(
                "Mask mode", "mask_mode", ["Inpaint masked", "Inpaint not masked"], "Inpaint masked"
            ),
            "inpainting_fill": choice(
                "Masked content",
                "inpainting_fill",
                ["fill", "original", "latent noise", "latent nothing"],
                "original",
            ),
            "inpaint_full_res": choice(
                "Inpaint area", "inpaint_full_res", ["Whole picture", "Only masked"], "Whole picture"
            ),
            "inpaint_full_res_padding": range_slider(
                "Only masked padding, pixels", "img2img_inpaint_full_res_padding", (0, 256, 4, 32)
            ),
        }
    return fields, controls


def own_paste_fields(fields: dict) -> list[PasteField]:
    """How an infotext fills the tab's own inputs."""
    labels = {
        "prompt": "Prompt",
        "negative_prompt": "Negative prompt",
        "cfg_scale": "CFG scale",
        "distilled_cfg_scale": "Distilled CFG Scale",
        "width": "Size-1",
        "height": "Size-2",
        "batch_size": "Batch size",
        "styles": styles_from_infotext,
        "denoising_strength": "Denoising strength",
        "mask_blur": "Mask blur",
        "inpainting_mask_invert": "Mask mode",
        "inpainting_fill": "Masked content",
        "inpaint_full_res": "Inpaint area",
        "inpaint_full_res_padding": "Masked area padding",
    }
    return [PasteField(fields[name], label, api=name) for name, label in labels.items() if name in fields]
