"""The page's sampler, schedule type and steps."""

import gradio as gr

from modules import scripts, sd_samplers
from modules.infotext_utils import PasteField
from modules.profiles import PROFILE
from modules.ui_components import FormRow

if PROFILE.schedule_types:
    from modules import sd_schedulers


class ScriptSampler(scripts.ScriptBuiltinUI):
    section = "sampler"

    def title(self):
        return "Sampler"

    def ui(self, is_img2img):
        tab, schedulers = self.tabname, []
        samplers = sd_samplers.visible_sampler_names()
        with FormRow(elem_id=f"sampler_selection_{tab}"):
            sampler = gr.Dropdown(
                label="Sampling method", elem_id=f"{tab}_sampling", choices=samplers, value=samplers[0]
            )
            if PROFILE.schedule_types:
                labels = [x.label for x in sd_schedulers.schedulers]
                schedulers.append(
                    gr.Dropdown(label="Schedule type", elem_id=f"{tab}_scheduler", choices=labels, value=labels[0])
                )
            steps = gr.Slider(minimum=1, maximum=150, step=1, elem_id=f"{tab}_steps", label="Sampling steps", value=20)
        self.infotext_fields = [
            PasteField(steps, "Steps", api="steps"),
            PasteField(
                sampler,
                sd_samplers.get_sampler_from_infotext if PROFILE.schedule_types else "Sampler",
                api="sampler_name",
            ),
            *(PasteField(x, sd_samplers.get_scheduler_from_infotext, api="scheduler") for x in schedulers),
        ]
        return steps, sampler, *schedulers

    def setup(self, p, steps, sampler_name, *scheduler):
        p.steps, p.sampler_name = steps, sampler_name
        if scheduler:
            (p.scheduler,) = scheduler
