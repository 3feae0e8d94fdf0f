"""The txt2img tab."""

from __future__ import annotations

import gradio as gr

from modules import (
    infotext_utils,
    progress,
    scripts,
    sd_models,
    sd_samplers,
    shared,
    txt2img,
    ui_common,
    ui_profile,
    ui_toprow,
)
from modules.call_queue import wrap_gradio_gpu_call
from modules.infotext_utils import ParamBinding, PasteField
from modules.profiles import PROFILE
from modules.ui_components import FormGroup, FormHTML, FormRow, InputAccordion, ResizeHandleRow
from modules.ui_tab_parts import (
    batch_sliders,
    cfg_sliders,
    dimension_sliders,
    ordered_ui_categories,
    override_settings_dropdown,
    range_slider,
    styles_from_infotext,
)

SAME_MODULES = "Use same choices"


def create_tab() -> gr.Blocks:
    """Build the tab; its scripts are initialised already."""
    runner = scripts.scripts_txt2img
    profile = ui_profile.current()
    with gr.Blocks(analytics_enabled=False) as interface:
        toprow = ui_toprow.Toprow(is_img2img=False)
        task_id = gr.Textbox(visible=False)
        gallery_index = gr.Number(visible=False, precision=0)
        fields: dict[str, gr.components.Component] = {
            "prompt": toprow.prompt,
            "negative_prompt": toprow.negative_prompt,
            "styles": toprow.ui_styles.dropdown,
        }
        with ResizeHandleRow(equal_height=False):
            with gr.Column(variant="compact", elem_id="txt2img_settings"):
                runner.prepare_ui()
                for category in ordered_ui_categories():
                    if category == "dimensions":
                        fields |= dimension_sliders("txt2img")
                    elif category == "cfg":
                        fields |= cfg_sliders("txt2img")
                    elif category == "accordions":
                        with gr.Row(elem_id="txt2img_accordions", elem_classes="accordions"):
                            hires, containers = hires_accordion()
                            fields |= hires
                            runner.setup_ui_for_section(category)
                    elif category == "batch":
                        fields |= batch_sliders("txt2img")
                    elif category == "override_settings":
                        fields["override_settings"] = override_settings_dropdown("txt2img")
                    elif category == "scripts":
                        with FormGroup(elem_id="txt2img_script_container"):
                            script_inputs = runner.setup_ui()
                    if category != "accordions":
                        runner.setup_ui_for_section(category)
            panel = ui_common.create_output_panel("txt2img")

        connect_resolution_preview(fields, containers["resolution"])
        inputs = [fields[name] for name in profile.txt2img_fields()] + script_inputs
        quiet = {"outputs": panel.outputs(), "show_progress": False}
        generate = {
            "fn": wrap_gradio_gpu_call(txt2img.txt2img, extra_outputs=[None, "", ""]),
            "_js": "submit",
            "inputs": [task_id, *inputs],
        }
        toprow.prompt.submit(**generate, **quiet)
        toprow.submit.click(**generate, **quiet)
        panel.button_upscale.click(
            fn=wrap_gradio_gpu_call(txt2img.txt2img_upscale, extra_outputs=[None, "", ""]),
            _js="submit_txt2img_upscale",
            inputs=[task_id, panel.gallery, gallery_index, panel.generation_info, *inputs],
            **quiet,
        )
        toprow.restore_progress_button.click(
            fn=progress.restore_progress, _js="restoreProgressTxt2img", inputs=[task_id], **quiet
        )
        infotext_utils.add_paste_fields(
            "txt2img",
            None,
            [*own_paste_fields(fields, containers), *runner.infotext_fields],
            fields["override_settings"],
        )
        infotext_utils.register_paste_params_button(
            ParamBinding(paste_button=toprow.paste, tabname="txt2img", source_text_component=toprow.prompt)
        )
    return interface


def hires_accordion() -> tuple[dict[str, gr.components.Component], dict[str, gr.blocks.Block]]:
    """The second pass's inputs by name, and the rows that are shown or hidden."""
    profile = ui_profile.current()
    fields: dict[str, gr.components.Component] = {}
    containers: dict[str, gr.blocks.Block] = {}
    with InputAccordion(False, label="Hires. fix", elem_id="txt2img_hr") as enable_hr:
        fields["enable_hr"] = enable_hr
        with enable_hr.extra():
            containers["resolution"] = FormHTML(value="", elem_id="txtimg_hr_finalres", min_width=0)
        with FormRow(elem_id="txt2img_hires_fix_row1", variant="compact"):
            fields["hr_upscaler"] = gr.Dropdown(
                label="Upscaler",
                elem_id="txt2img_hr_upscaler",
                choices=[*shared.latent_upscale_modes, *(x.name for x in shared.sd_upscalers)],
                value=shared.latent_upscale_default_mode,
            )
            fields["hr_second_pass_steps"] = range_slider("Hires steps", "txt2img_hires_steps", (0, 150, 1, 0))
            fields["denoising_strength"] = range_slider(
                "Denoising strength", "txt2img_denoising_strength", (0.0, 1.0, 0.01, profile.denoise)
            )
        with FormRow(elem_id="txt2img_hires_fix_row2", variant="compact"):
            fields["hr_scale"] = range_slider("Upscale by", "txt2img_hr_scale", (1.0, 4.0, 0.05, 2.0))
            fields["hr_resize_x"] = range_slider("Resize width to", "txt2img_hr_resize_x", (0, 2048, 8, 0))
            fields["hr_resize_y"] = range_slider("Resize height to", "txt2img_hr_resize_y", (0, 2048, 8, 0))
        if profile.hr_cfg:
            with FormRow(elem_id="txt2img_hires_fix_row_cfg", variant="compact"):
                if profile.distilled_cfg:
                    fields["hr_distilled_cfg"] = range_slider(
                        "Hires Distilled CFG Scale", "txt2img_hr_distilled_cfg", profile.distilled_cfg
                    )
                fields["hr_cfg"] = range_slider("Hires CFG Scale", "txt2img_hr_cfg", profile.hr_cfg)
        model_and_sampler, containers["sampler"] = hires_model_and_sampler()
        fields |= model_and_sampler
        with FormRow(
            elem_id="txt2img_hires_fix_row4", variant="compact", visible=shared.opts.hires_fix_show_prompts
        ) as containers["prompts"]:
            fields["hr_prompt"] = hires_prompt("Hires prompt", "hires_prompt")
            fields["hr_negative_prompt"] = hires_prompt("Hires negative prompt", "hires_neg_prompt")
    return fields, containers


def hires_model_and_sampler() -> tuple[dict[str, gr.components.Component], gr.blocks.Block]:
    """Checkpoint, sampler and schedule type of the second pass, and the row of the latter two.

    Forge has the checkpoint and its modules in a row of their own, A1111 has one row for all.
    """
    visible = shared.opts.hires_fix_show_sampler
    if not ui_profile.current().hr_modules:
        with FormRow(elem_id="txt2img_hires_fix_row3", variant="compact", visible=visible) as row:
            return hires_checkpoint() | hires_sampler(), row
    with FormRow(elem_id="txt2img_hires_fix_row3", variant="compact", visible=visible):
        fields = hires_checkpoint()
        fields["hr_additional_modules"] = gr.Dropdown(
            label="Hires VAE / Text Encoder",
            elem_id="hr_vae_te",
            choices=[SAME_MODULES],
            value=[SAME_MODULES],
            multiselect=True,
        )
    with FormRow(elem_id="txt2img_hires_fix_row3b", variant="compact", visible=visible) as row:
        return fields | hires_sampler(), row


def hires_checkpoint() -> dict[str, gr.components.Component]:
    """The checkpoint of the second pass."""

    def checkpoints() -> dict[str, list[str]]:
        return {"choices": ["Use same checkpoint", *sd_models.checkpoint_tiles(use_short=True)]}

    dropdown = gr.Dropdown(
        label="Hires Checkpoint", elem_id="hr_checkpoint", **checkpoints(), value="Use same checkpoint"
    )
    ui_common.create_refresh_button(dropdown, sd_models.list_models, checkpoints, "hr_checkpoint_refresh")
    return {"hr_checkpoint_name": dropdown}


def hires_sampler() -> dict[str, gr.components.Component]:
    """Sampler and schedule type of the second pass."""
    return {
        "hr_sampler_name": gr.Dropdown(
            label="Hires sampling method",
            elem_id="hr_sampler",
            choices=["Use same sampler", *sd_samplers.visible_sampler_names()],
            value="Use same sampler",
        ),
        **(hires_schedule_type() if PROFILE.schedule_types else {}),
    }


def hires_schedule_type() -> dict[str, gr.components.Component]:
    from modules import sd_schedulers

    return {
        "hr_scheduler": gr.Dropdown(
            label="Hires schedule type",
            elem_id="hr_scheduler",
            choices=["Use same scheduler", *(x.label for x in sd_schedulers.schedulers)],
            value="Use same scheduler",
        )
    }


def hires_prompt(label: str, elem_id: str) -> gr.Textbox:
    """A prompt of the second pass; empty means that of the first."""
    return gr.Textbox(
        label=label,
        elem_id=elem_id,
        show_label=False,
        lines=3,
        placeholder=f"{label}\nLeave empty to use the first pass's.",
        elem_classes=["prompt"],
    )


def connect_resolution_preview(fields: dict, target: gr.HTML) -> None:
    """Keep the sizes in the accordion's label up to date."""
    names = ("enable_hr", "width", "height", "hr_scale", "hr_resize_x", "hr_resize_y")
    inputs = [fields[name] for name in names]
    for component in inputs:
        event = component.release if isinstance(component, gr.Slider) else component.change
        event(fn=calc_resolution_hires, inputs=inputs, outputs=[target], show_progress=False, queue=False)


def calc_resolution_hires(
    enable: bool, width: int, height: int, hr_scale: float, hr_resize_x: int, hr_resize_y: int
) -> str:
    """The sizes before and after the second pass, as HTML: scaled, or resized with the shape kept."""
    if not enable:
        return ""
    if not hr_resize_x and not hr_resize_y:
        new = width * hr_scale, height * hr_scale
    else:
        new = (
            hr_resize_x or hr_resize_y * width / height,
            hr_resize_y or hr_resize_x * height / width,
        )
    new_width, new_height = (int(side) - int(side) % 8 for side in new)
    return (
        f"from <span class='resolution'>{width}x{height}</span> "
        f"to <span class='resolution'>{new_width}x{new_height}</span>"
    )


def own_paste_fields(fields: dict, containers: dict) -> list[PasteField]:
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
        "enable_hr": has_second_pass,
        "hr_scale": "Hires upscale",
        "hr_upscaler": "Hires upscaler",
        "hr_second_pass_steps": "Hires steps",
        "hr_resize_x": "Hires resize-1",
        "hr_resize_y": "Hires resize-2",
        "hr_checkpoint_name": "Hires checkpoint",
        "hr_additional_modules": hires_modules_from_infotext,
        "hr_sampler_name": "Hires sampler",
        "hr_prompt": "Hires prompt",
        "hr_negative_prompt": "Hires negative prompt",
        "hr_cfg": "Hires CFG Scale",
        "hr_distilled_cfg": "Hires Distilled CFG Scale",
    }
    if PROFILE.schedule_types:
        labels["hr_sampler_name"] = sd_samplers.get_hr_sampler_from_infotext
        labels["hr_scheduler"] = sd_samplers.get_hr_scheduler_from_infotext
    own_sampler = {
        "Hires sampler": "Use same sampler",
        "Hires checkpoint": "Use same checkpoint",
        "Hires schedule type": "Use same scheduler",
    }
    return [
        *(PasteField(fields[name], label, api=name) for name, label in labels.items() if name in fields),
        PasteField(containers["sampler"], shown_where_it_differs(own_sampler)),
        PasteField(containers["prompts"], shown_where_it_differs({"Hires prompt": "", "Hires negative prompt": ""})),
    ]


def hires_modules_from_infotext(params: dict) -> list[str]:
    """The VAE and text encoders of the second pass; Forge writes one pair for each."""
    modules = [value for name, value in params.items() if name.startswith("Hires Module ")]
    return [] if modules == ["Built-in"] else modules or [SAME_MODULES]


def has_second_pass(params: dict) -> bool:
    """Whether an infotext tells of a hires pass."""
    return "Denoising strength" in params and any(name in params for name in ("Hires upscale", "Hires upscaler"))


def shown_where_it_differs(defaults: dict[str, str]):
    """A paste function that shows a row where the infotext says other than ``defaults``."""

    def update(params: dict):
        differs = any(params.get(name, default) != default for name, default in defaults.items())
        return gr.update(visible=True) if differs else gr.update()

    return update
