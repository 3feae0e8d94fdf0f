"""Stands for ADetailer where it meets us: what its `process` notes of the run."""

from modules import scripts


class Detailer(scripts.Script):
    def title(self):
        return "Detailer"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        return []

    def process(self, p):
        p.extra_generation_params["ADetailer saw"] = f"{p.steps} steps of {p.sampler_name}"
