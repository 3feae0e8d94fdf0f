"""The page's sampler, schedule type and steps."""

import gradio as gr

from modules import scripts, sd_samplers, sd_schedulers
from modules.infotext_utils import PasteField
from modules.ui_components import FormRow


class ScriptSampler(scripts.ScriptBuiltinUI):
    section = "sampler"

    def title(self):
        return "Sampler"

    def ui(self, is_img2img):
        tab = self.tabname
        samplers = sd_samplers.visible_sampler_names()
        schedulers = [x.label for x in sd_schedulers.schedulers]
        with FormRow(elem_id=f"sampler_selection_{tab}"):
            sampler = gr.Dropdown(
                label="Sampling method", elem_id=f"{tab}_sampling", choices=samplers, value=samplers[0]
            )
            scheduler = gr.Dropdown(
                label="Schedule type", elem_id=f"{tab}_scheduler", choices=schedulers, value=schedulers[0]
            )
            steps = gr.Slider(minimum=1, maximum=150, step=1, elem_id=f"{tab}_steps", label="Sampling steps", value=20)
        self.infotext_fields = [
            PasteField(steps, "Steps", api="steps"),
            PasteField(sampler, sd_samplers.get_sampler_from_infotext, api="sampler_name"),
            PasteField(scheduler, sd_samplers.get_scheduler_from_infotext, api="scheduler"),
        ]
        return steps, sampler, scheduler

    def setup(self, p, steps, sampler_name, scheduler):
        p.steps, p.sampler_name, p.scheduler = steps, sampler_name, scheduler
