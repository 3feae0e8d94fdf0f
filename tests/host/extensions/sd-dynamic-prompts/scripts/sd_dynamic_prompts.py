"""Stands for Dynamic Prompts where it meets us: a line of a file takes the place of a word, in its `process`."""

from modules import scripts


class Wildcards(scripts.Script):
    def title(self):
        return "Wildcards"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        return []

    def process(self, p):
        p.all_prompts = [prompt.replace("__fast__", "<lora:Hyper-SD15-2steps>") for prompt in p.all_prompts]
