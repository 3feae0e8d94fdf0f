"""Tells what hangs on the loaded net, makes its runs fail, or has another sampler run. What it does is asked for by
words in the prompt."""

import torch
from modules import extra_networks, script_callbacks, scripts, sd_models, sd_samplers, shared

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_forward_hooks_with_kwargs")


def net():
    model = sd_models.model_data.sd_model
    objects = getattr(model, "forge_objects", None)
    return (objects.unet.model if objects else model.model).diffusion_model


def state():
    """Hooks on the net's modules, methods of modules that are not their class's, and what wraps the host's own."""
    modules = list(net().modules())
    wrapped = [name for name, network in extra_networks.extra_network_registry.items() if "activate" in vars(network)]
    return {
        "modules": len(modules),
        "hooks": sum(len(getattr(module, kind)) for module in modules for kind in _HOOKS),
        "replaced": sum("forward" in vars(module) for module in modules),
        "wrapped": wrapped,
    }


def _fail(word):
    if word == "net-oom":
        raise torch.cuda.OutOfMemoryError("the test's device is full")
    if word == "net-interrupt":
        shared.state.interrupt()
    else:
        raise RuntimeError("the test's fault in the net")


class NetWatcher(scripts.Script):
    def title(self):
        return "Net watcher"

    def show(self, is_img2img):
        return scripts.AlwaysVisible

    def ui(self, is_img2img):
        return []

    def process_before_every_sampling(self, p, **kwargs):
        if "net-sampler" in p.prompt:
            p.sampler = sd_samplers.create_sampler(p.sampler_name, p.sd_model)
        word = next((word for word in ("net-raise", "net-oom", "net-interrupt") if word in p.prompt), None)
        if word is None:
            return
        left = [2 if word == "net-interrupt" else 1]  # evaluations until it happens

        def before_evaluation(*_):
            left[0] -= 1
            if left[0] == 0:
                handle.remove()
                _fail(word)

        handle = net().register_forward_pre_hook(before_evaluation)


def app_started(_demo, app):
    app.get("/net-watcher/state")(state)


script_callbacks.on_app_started(app_started)
