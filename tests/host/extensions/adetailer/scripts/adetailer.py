"""Stands for ADetailer where it meets us: what its `process` notes of the run, its inner pass over each picture, and
its second call of all scripts' `process`, on a copy of `p`, after the last picture of a batch."""

import copy
import re

from modules import processing, scripts


class Detailer(scripts.Script):
    def title(self):
        return "Detailer"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        import gradio as gr

        return [gr.State(None)]

    def process(self, p, arg):
        if getattr(p, "_ad_disabled", False):
            return
        p.extra_generation_params["ADetailer saw"] = f"{p.steps} steps of {p.sampler_name}"
        if arg and arg.get("ad_prompt"):
            p.extra_generation_params["ADetailer prompt"] = arg["ad_prompt"]

    def postprocess_image(self, p, pp, arg):
        if not arg or getattr(p, "_ad_disabled", False):
            return
        p.all_prompts = copy.copy(p.all_prompts)  # it puts such a copy back after having called the scripts
        inner = processing.StableDiffusionProcessingImg2Img(
            init_images=[pp.image],
            sd_model=p.sd_model,
            prompt=self._prompt(p, arg),
            negative_prompt="",
            seed=p.all_seeds[p.iteration * p.batch_size + p.batch_index],
            steps=arg["ad_steps"] if arg.get("ad_use_steps") else p.steps,
            cfg_scale=arg["ad_cfg_scale"] if arg.get("ad_use_cfg_scale") else p.cfg_scale,
            sampler_name=p.sampler_name,
            scheduler=p.scheduler,
            width=p.width,
            height=p.height,
            denoising_strength=0.6,
            do_not_save_samples=True,
            do_not_save_grid=True,
        )
        runner = copy.copy(p.scripts)
        runner.alwayson_scripts, runner.callback_map = (runner.alwayson_scripts if arg.get("all_scripts") else []), {}
        inner.scripts, inner.script_args = runner, p.script_args
        inner._ad_disabled = inner._ad_inner = True
        processed = processing.process_images(inner)
        pp.image = processed.images[0]
        p.extra_generation_params["ADetailer drew"] = (
            f"{inner.steps} steps of {inner.sampler_name} at {inner.cfg_scale:g}: {inner.all_prompts[0]}"
        )
        if p.batch_index == p.batch_size - 1:
            again = copy.copy(p)
            p.scripts.before_process(again)
            p.scripts.process(again)

    def _prompt(self, p, arg):
        first = re.split(r"\s*\[SEP\]\s*", arg.get("ad_prompt", ""))[0]
        main = p.all_prompts[p.iteration * p.batch_size + p.batch_index]
        return first.replace("[PROMPT]", main) if first else main
