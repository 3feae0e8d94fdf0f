"""The page's seed, with variation and resize."""

import json

import gradio as gr

from modules import errors, infotext_utils, scripts, ui
from modules.infotext_utils import PasteField
from modules.ui_components import ToolButton


class ScriptSeed(scripts.ScriptBuiltinUI):
    section = "seed"
    create_group = False

    def title(self):
        return "Seed"

    def ui(self, is_img2img):
        with gr.Row(elem_id=self.elem_id("seed_row")):
            seed = gr.Number(label="Seed", value=-1, elem_id=self.elem_id("seed"), min_width=100, precision=0)
            random_seed = ToolButton(ui.random_symbol, elem_id=self.elem_id("random_seed"))
            reuse_seed = ToolButton(ui.reuse_symbol, elem_id=self.elem_id("reuse_seed"))
            extra = gr.Checkbox(label="Extra", elem_id=self.elem_id("subseed_show"), value=False, scale=0, min_width=60)
        with gr.Group(visible=False, elem_id=self.elem_id("seed_extras")) as extras:
            with gr.Row(elem_id=self.elem_id("subseed_row")):
                subseed = gr.Number(label="Variation seed", value=-1, elem_id=self.elem_id("subseed"), precision=0)
                reuse_subseed = ToolButton(ui.reuse_symbol, elem_id=self.elem_id("reuse_subseed"))
                strength = gr.Slider(
                    0, 1, value=0.0, step=0.01, label="Variation strength", elem_id=self.elem_id("subseed_strength")
                )
            with gr.Row(elem_id=self.elem_id("seed_resize_from_row")):
                from_w = gr.Slider(
                    0, 2048, value=0, step=8, label="Resize seed from width", elem_id=self.elem_id("seed_resize_from_w")
                )
                from_h = gr.Slider(
                    0,
                    2048,
                    value=0,
                    step=8,
                    label="Resize seed from height",
                    elem_id=self.elem_id("seed_resize_from_h"),
                )
        random_seed.click(fn=lambda: -1, inputs=[], outputs=[seed], show_progress=False, queue=False)
        extra.change(lambda x: gr.update(visible=x), show_progress=False, inputs=[extra], outputs=[extras])
        self.infotext_fields = [
            PasteField(seed, "Seed", api="seed"),
            PasteField(extra, lambda d: "Variation seed" in d or "Seed resize from-1" in d),
            PasteField(subseed, "Variation seed", api="subseed"),
            PasteField(strength, "Variation seed strength", api="subseed_strength"),
            PasteField(from_w, "Seed resize from-1", api="seed_resize_from_w"),
            PasteField(from_h, "Seed resize from-2", api="seed_resize_from_h"),
        ]
        info = f"generation_info_{self.tabname}"
        self.on_after_component(lambda x: connect_reuse(seed, reuse_seed, x.component, False), elem_id=info)
        self.on_after_component(lambda x: connect_reuse(subseed, reuse_subseed, x.component, True), elem_id=info)
        return seed, extra, subseed, strength, from_w, from_h

    def setup(self, p, seed, extra, subseed, subseed_strength, from_w, from_h):
        p.seed = seed
        if extra and subseed_strength > 0:
            p.subseed, p.subseed_strength = subseed, subseed_strength
        if extra and from_w > 0 and from_h > 0:
            p.seed_resize_from_w, p.seed_resize_from_h = from_w, from_h


def connect_reuse(field, button, generation_info, is_subseed):
    """Let the button copy the seed of the selected picture of the last run."""

    def copy_seed(text, index):
        seed = -1
        try:
            infotext = json.loads(text)["infotexts"][int(index)]
            params = infotext_utils.parse_generation_parameters(infotext, [])
            name = "Variation seed" if is_subseed and "Variation seed" in params else "Seed"
            seed = int(params.get(name, -1))
        except Exception:
            if text:
                errors.report(f"Error retrieving seed from generation info: {text}", exc_info=True)
        return [seed, gr.update()]

    button.click(
        fn=copy_seed,
        _js="(x, y) => [x, selected_gallery_index()]",
        show_progress=False,
        inputs=[generation_info, field],
        outputs=[field, field],
    )
