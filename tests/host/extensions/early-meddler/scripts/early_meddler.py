"""Another extension, whose `process` runs before ours. What it does is asked for by words in the prompt."""

import re

from modules import scripts


class EarlyMeddler(scripts.Script):
    def title(self):
        return "Early meddler"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        return []

    def process(self, p):
        if "early-rewrite" in p.prompt:
            p.all_prompts = [f"a red circle, early-rewrite {i}" for i in range(len(p.all_prompts))]
        if "early-alias" in p.prompt:
            p.all_prompts = [f"{prompt} <lora:Hyper-SD15-2steps:0.5>" for prompt in p.all_prompts]
        if "early-raise" in p.prompt:
            raise RuntimeError("another extension's fault in process")
        broken = re.search(r"broken-field (\w+)", p.prompt)
        if broken:
            p.__class__ = with_broken_field(p.__class__, broken[1])


def with_broken_field(base, name):
    """The class of `p`, but a new value for one field cannot be set."""

    def set_or_raise(self, key, value):
        if key == name and value != getattr(self, key, None):
            raise RuntimeError(f"{key} cannot be set")
        base.__setattr__(self, key, value)

    return type(base.__name__, (base,), {"__setattr__": set_or_raise})
