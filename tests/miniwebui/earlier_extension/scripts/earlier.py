"""Loaded after the probe, but its `process` asks to run before it: metadata.ini."""

import sys

from modules import scripts


class Earlier(scripts.Script):
    def title(self):
        return "Earlier"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        return []

    def _note(self, name):
        probe = next(x.module for x in scripts.scripts_data if x.path.endswith("probe.py"))
        probe.calls.append(f"earlier {name}")

    def process(self, p):
        self._note("process")

    def process_batch(self, p, **kwargs):
        self._note("process_batch")


assert sys.modules.get("earlier") is None
