"""The sliders and rows that txt2img and img2img both have."""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr

from modules import shared, shared_items, ui_profile
from modules.ui_components import FormRow, ToolButton

switch_values_symbol = "\U000021c5"  # ⇅


def ordered_ui_categories() -> Iterator[str]:
    """The page's parts from top to bottom, as the setting orders them."""
    wished = {name.strip(): 2 * place + 1 for place, name in enumerate(shared.opts.ui_reorder_list)}
    parts = enumerate(shared_items.ui_reorder_categories())
    yield from (name for _, name in sorted(parts, key=lambda part: wished.get(part[1], 2 * part[0])))


def range_slider(label: str, elem_id: str, span: tuple[float, float, float, float], **kwargs) -> gr.Slider:
    """A slider from (least, greatest, step, first value)."""
    least, greatest, step, value = span
    return gr.Slider(minimum=least, maximum=greatest, step=step, value=value, label=label, elem_id=elem_id, **kwargs)


def dimension_sliders(tabname: str) -> dict[str, gr.Slider]:
    """Width and height, and the button that swaps them."""
    span = (64, 2048, 8, ui_profile.PAGE_SIZE)
    with FormRow():
        with gr.Column(elem_id=f"{tabname}_column_size", scale=4):
            width = range_slider("Width", f"{tabname}_width", span)
            height = range_slider("Height", f"{tabname}_height", span)
        with gr.Column(elem_id=f"{tabname}_dimensions_row", scale=1, elem_classes="dimensions-tools"):
            switch = ToolButton(
                switch_values_symbol, elem_id=f"{tabname}_res_switch_btn", tooltip="Switch width/height"
            )
    sizes = [width, height]
    switch.click(lambda w, h: (h, w), inputs=sizes, outputs=sizes, show_progress=False, queue=False)
    return {"width": width, "height": height}


def batch_sliders(tabname: str) -> dict[str, gr.Slider]:
    """How many batches, and how many pictures in each."""
    with FormRow(elem_id=f"{tabname}_column_batch"):
        return {
            "n_iter": range_slider("Batch count", f"{tabname}_batch_count", (1, 100, 1, 1)),
            "batch_size": range_slider("Batch size", f"{tabname}_batch_size", (1, 8, 1, 1)),
        }


def cfg_sliders(tabname: str) -> dict[str, gr.Slider]:
    """The CFG scale, and the distilled one where the host has it."""
    profile = ui_profile.current()
    sliders = {}
    with gr.Row():
        if profile.distilled_cfg:
            sliders["distilled_cfg_scale"] = range_slider(
                "Distilled CFG Scale", f"{tabname}_distilled_cfg_scale", profile.distilled_cfg
            )
        sliders["cfg_scale"] = range_slider("CFG Scale", f"{tabname}_cfg_scale", profile.cfg)
    return sliders


def override_settings_dropdown(tabname: str) -> gr.Dropdown:
    """Settings that a pasted infotext wants otherwise; shown while there are any."""
    with FormRow(elem_id=f"{tabname}_override_settings_row"):
        dropdown = gr.Dropdown(
            [],
            label="Override settings",
            visible=False,
            elem_id=f"{tabname}_override_settings",
            multiselect=True,
        )
    dropdown.change(fn=lambda pairs: gr.update(visible=bool(pairs)), inputs=[dropdown], outputs=[dropdown], queue=False)
    return dropdown


def styles_from_infotext(params: dict):
    """The styles that were found in a pasted prompt, if any were looked for."""
    found = params.get("Styles array")
    return found if isinstance(found, list) else gr.update()
