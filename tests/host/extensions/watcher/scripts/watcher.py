"""Sees each evaluation without the host's callbacks, and breaks a run off or changes its CFG by words in the prompt."""

import re
import threading

import torch
from modules import script_callbacks, scripts, sd_engine, shared

BROKEN_EVALUATION = 2
seen: list = []
words: set[str] = set()
evaluate = sd_engine.Engine.apply_model


def options_of_another_thread():
    """What GET /sdapi/v1/options would answer right now."""
    found = {}

    def look():
        found.update(data=shared.opts.data.get("skip_early_cond", "absent"), value=shared.opts.skip_early_cond)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return found


def watched(self, x, t, cond):
    seen.append({"rows": len(x), **options_of_another_thread()})
    if len(seen) == BROKEN_EVALUATION and "evaluation-fails-once" in words:
        raise RuntimeError("a fault of one evaluation")
    if len(seen) >= BROKEN_EVALUATION:
        if "evaluation-raise" in words:
            raise RuntimeError("a fault in the middle of sampling")
        if "evaluation-oom" in words:
            raise torch.cuda.OutOfMemoryError("no memory in the middle of sampling")
        if "evaluation-interrupt" in words:
            shared.state.interrupt()
    return evaluate(self, x, t, cond)


class Watcher(scripts.Script):
    def title(self):
        return "Watcher"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        return []

    def process(self, p):
        seen.clear()
        words.clear()
        words.update(f"{p.prompt} {p.negative_prompt}".split())

    def process_batch(self, p, **kwargs):
        cfg = re.search(r"batch-cfg (\d+)", p.prompt)
        if cfg:
            p.cfg_scale = float(cfg[1])

    def before_hr(self, p):
        cfg = re.search(r"second-cfg (\d+)", p.prompt)
        if cfg:
            p.cfg_scale = float(cfg[1])


def app_started(_demo, app):
    app.get("/watcher")(lambda: {"seen": seen, **options_of_another_thread()})


sd_engine.Engine.apply_model = watched
script_callbacks.on_app_started(app_started)
