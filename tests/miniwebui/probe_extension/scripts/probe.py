"""Writes down which hooks are called, in their order, and does what the request's first argument asks for."""

import gradio as gr
from modules import script_callbacks, scripts, shared

calls: list[str] = []
seen: dict = {}

HOOKS = """setup before_process process before_process_batch after_extra_networks_activate process_batch
process_before_every_sampling post_sample postprocess_batch postprocess_batch_list postprocess_image
postprocess_maskoverlay postprocess_image_after_composite postprocess before_hr""".split()


class Probe(scripts.Script):
    def title(self):
        return "Probe"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        return [gr.Textbox("ui default", label="Wish"), gr.Number(7, label="Number")]


def _hook(name):
    def hook(self, p, *args, **kwargs):
        calls.append(name)
        values = [x for x in args if not hasattr(x, "__dict__")]
        wish = values[0] if values else None
        if name == "process":
            seen["args"] = values[:2]
            seen["model"] = type(p.sd_model).__name__
            seen["flags"] = {x: getattr(p.sd_model, x, "absent") for x in dir(p.sd_model) if x.startswith("is_sd")}
            seen["fields"] = sorted(vars(p))
        if wish == f"raise in {name}":
            raise ValueError(f"the probe was asked to fail in {name}")
        if name == "process" and wish == "four steps":
            p.steps, p.cfg_scale = 4, 1.0
        if name == "before_process" and wish == "override":
            p.override_settings["CLIP_stop_at_last_layers"] = 3
        if name == "process" and wish == "params":
            p.extra_generation_params["Listed"] = [f"picture {i}" for i in range(len(p.all_prompts))]
            p.extra_generation_params["Called"] = lambda index, **kwargs: f"at {index}"

    return hook


for _name in HOOKS:
    setattr(Probe, _name, _hook(_name))


def app_started(demo, app):
    @app.get("/probe")
    def probe():
        unet = getattr(shared.sd_model, "model", None)
        storage = str(getattr(unet, "storage_dtype", ""))
        model = type(shared.sd_model).__name__
        return {"calls": calls, "seen": seen, "model": model, "storage": storage, "options": shared.opts.data}

    @app.post("/probe/clear")
    def clear():
        calls.clear()
        seen.clear()
        return {}


script_callbacks.on_app_started(app_started)
