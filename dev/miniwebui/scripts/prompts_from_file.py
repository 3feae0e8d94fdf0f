"""Draws one picture after the other, each line a prompt or `--prompt "…" --steps 4 …`."""

import copy
import random
import shlex

import gradio as gr

from modules import errors, images, scripts, sd_samplers
from modules.processing import Processed, process_images
from modules.shared import state

_KINDS = {
    **dict.fromkeys(("sd_model", "outpath_samples", "outpath_grids", "prompt", "negative_prompt", "sampler_name"), str),
    **dict.fromkeys(("prompt_for_display", "styles"), str),
    **dict.fromkeys(("seed", "subseed", "steps", "width", "height", "batch_size", "n_iter"), int),
    **dict.fromkeys(("seed_resize_from_h", "seed_resize_from_w"), int),
    **dict.fromkeys(("subseed_strength", "cfg_scale"), float),
    **dict.fromkeys(("restore_faces", "tiling", "do_not_save_samples", "do_not_save_grid"), lambda x: x == "true"),
}


def cmdargs(line):
    """{field: value} of a line of options; a prompt without quotes runs to the next option."""
    words, result, position = shlex.split(line), {}, 0
    while position < len(words):
        name = words[position]
        assert name.startswith("--"), f'must start with "--": {name}'
        name, position = name[2:], position + 1
        assert name in _KINDS, f"unknown option: {name}"
        end = position + 1
        if name in ("prompt", "negative_prompt"):
            while end < len(words) and not words[end].startswith("--"):
                end += 1
        assert position < len(words), f"missing value for: {name}"
        result[name] = _KINDS[name](" ".join(words[position:end]))
        position = end
    if result.get("sampler_name"):
        result["sampler_name"] = sd_samplers.samplers_map.get(result["sampler_name"].lower(), result["sampler_name"])
    return result


def _job(line):
    if "--" in line:
        try:
            return cmdargs(line)
        except Exception:
            errors.report(f"Error parsing line {line} as commandline", exc_info=True)
    return {"prompt": line}


class Script(scripts.Script):
    def title(self):
        return "Prompts from file or textbox"

    def ui(self, is_img2img):
        iterate = gr.Checkbox(label="Iterate seed every line", value=False, elem_id=self.elem_id("checkbox_iterate"))
        same_seed = gr.Checkbox(
            label="Use same random seed for all lines", value=False, elem_id=self.elem_id("checkbox_iterate_batch")
        )
        position = gr.Radio(
            ["start", "end"], label="Insert prompts at the", elem_id=self.elem_id("prompt_position"), value="start"
        )
        text = gr.Textbox(label="List of prompt inputs", lines=2, elem_id=self.elem_id("prompt_txt"))
        combine = gr.Checkbox(label="Make a combined image containing all outputs (if more than one)", value=False)
        return [iterate, same_seed, position, text, combine]

    def run(self, p, iterate, same_seed, position, text, combine):
        jobs = [_job(line) for line in (x.strip() for x in text.splitlines()) if line]
        p.do_not_save_grid = True
        state.job_count = sum(job.get("n_iter", p.n_iter) for job in jobs)
        if (iterate or same_seed) and p.seed == -1:
            p.seed = random.randrange(4294967294)
        pictures, prompts, infotexts = [], [], []
        for job in jobs:
            one = copy.copy(p)
            for name, value in job.items():
                if name == "sd_model":
                    one.override_settings["sd_model_checkpoint"] = value
                else:
                    setattr(one, name, value)
            for name in ("prompt", "negative_prompt"):
                own, shared_text = job.get(name), getattr(p, name)
                if own and shared_text:
                    setattr(one, name, f"{own} {shared_text}" if position == "start" else f"{shared_text} {own}")
            result = process_images(one)
            pictures += result.images
            prompts += result.all_prompts
            infotexts += result.infotexts
            if iterate:
                p.seed += p.batch_size * p.n_iter
        if combine and len(pictures) > 1:
            pictures.insert(0, images.image_grid(pictures, batch_size=1).convert("RGB"))
            infotexts.insert(0, "\n".join(infotexts))
            prompts.insert(0, "\n".join(prompts))
        return Processed(p, pictures, p.seed, "", all_prompts=prompts, infotexts=infotexts)
