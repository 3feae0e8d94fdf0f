"""The page's refiner. It is accepted and noted in the infotext; the miniature has none to switch to."""

import gradio as gr

from modules import scripts, sd_models
from modules.infotext_utils import PasteField
from modules.ui_components import InputAccordion


class ScriptRefiner(scripts.ScriptBuiltinUI):
    section = "accordions"
    create_group = False

    def title(self):
        return "Refiner"

    def ui(self, is_img2img):
        with InputAccordion(False, label="Refiner", elem_id=self.elem_id("enable")) as enable, gr.Row():
            checkpoint = gr.Dropdown(
                label="Checkpoint",
                elem_id=self.elem_id("checkpoint"),
                choices=["", *sd_models.checkpoint_tiles(use_short=True)],
                value="",
            )
            switch_at = gr.Slider(0.01, 1.0, value=0.8, step=0.01, label="Switch at", elem_id=self.elem_id("switch_at"))

        def lookup(d):
            info = sd_models.get_closet_checkpoint_match(d.get("Refiner"))
            return None if info is None else info.short_title

        self.infotext_fields = [
            PasteField(enable, lambda d: "Refiner" in d),
            PasteField(checkpoint, lookup, api="refiner_checkpoint"),
            PasteField(switch_at, "Refiner switch at", api="refiner_switch_at"),
        ]
        return enable, checkpoint, switch_at

    def setup(self, p, enable, checkpoint, switch_at):
        chosen = enable and checkpoint not in (None, "", "None")
        p.refiner_checkpoint = checkpoint if chosen else None
        p.refiner_switch_at = switch_at if chosen else None
