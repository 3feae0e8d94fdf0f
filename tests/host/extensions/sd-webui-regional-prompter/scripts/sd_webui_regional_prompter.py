"""Stands for Regional Prompter where it meets us: it keeps the prompts of its `process`, and puts them back for the
infotext in `process_batch`."""

from modules import scripts


class Regions(scripts.Script):
    def title(self):
        return "Regions"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        return []

    def process(self, p):
        self.all_prompts = p.all_prompts.copy()

    def process_batch(self, p, **kwargs):
        batch = slice(p.iteration * p.batch_size, (p.iteration + 1) * p.batch_size)
        p.all_prompts[batch] = self.all_prompts[batch]
