"""Another extension, whose `process` runs after ours. What it does is asked for by words in the prompt."""

from modules import scripts


class Meddler(scripts.Script):
    def title(self):
        return "Meddler"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        return []

    def process(self, p):
        if "late-rewrite" in p.prompt:  # as Dynamic Prompts does it
            p.all_prompts = [f"a red circle, late-rewrite {i}" for i in range(len(p.all_prompts))]
            if getattr(p, "all_hr_prompts", None):
                p.all_hr_prompts = [f"a blue square, late-rewrite {i}" for i in range(len(p.all_prompts))]
        if "late-alias" in p.prompt:
            p.all_prompts = [f"{prompt} <lora:Hyper-SD15:0.5>" for prompt in p.all_prompts]
        if "late-double" in p.prompt:  # as Regional Prompter's Latent mode does it with a common prompt
            p.all_prompts = [f"{prompt} BREAK {prompt}" for prompt in p.all_prompts]
        if "late-tcd" in p.prompt and hasattr(p, "scheduler"):  # a pass of its own, by the sampler that it knows
            p.sampler_name, p.scheduler = "Hyper-SD TCD", "Automatic"
        if "late-raise" in p.prompt:
            raise RuntimeError("another extension's fault in process")

    def before_process_batch(self, p, **kwargs):
        if "batch-raise" in p.prompt:
            raise RuntimeError("another extension's fault in before_process_batch")
