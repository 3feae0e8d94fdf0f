"""From an empty process to one that can draw."""

from modules.profiles import PROFILE
from modules.timer import startup_timer


def imports():
    import torch  # noqa: F401

    from modules import k_diffusion_loader

    k_diffusion_loader.load()
    startup_timer.record("import torch")
    import gradio  # noqa: F401

    startup_timer.record("import gradio")
    from modules import shared_init

    shared_init.initialize()
    startup_timer.record("initialize shared")
    from modules import processing  # noqa: F401

    startup_timer.record("other imports")


def initialize():
    from modules import sd_models, shared

    if not PROFILE.forge_engine:
        from modules.call_queue import wrap_queued_call

        reload_model = wrap_queued_call(lambda: sd_models.reload_model_weights())
        shared.opts.onchange("sd_model_checkpoint", reload_model, call=False)
    initialize_rest()


def initialize_rest(*, reload_script_modules=False):
    """What "Reload UI" does again: lists, scripts, networks."""
    from modules import extensions, extra_networks, localization, scripts, sd_models, sd_samplers, shared, upscaler
    from modules.shared_cmd_options import cmd_opts

    sd_samplers.set_samplers()
    extensions.list_extensions()
    localization.list_localizations(cmd_opts.localizations_dir)
    sd_models.list_models()
    startup_timer.record("list models")
    scripts.load_scripts()
    if not PROFILE.api_lists_script_options:
        from modules.api import models  # noqa: F401  as the hosts' built-in ControlNet does
    startup_timer.record("load scripts")
    shared.sd_upscalers = upscaler.load_upscalers()
    extra_networks.initialize()
    if PROFILE.forge_engine:
        from modules import forge_loading

        forge_loading.refresh_model_loading_parameters()
    elif PROFILE.model_loading == "at_start" and not shared.cmd_opts.skip_load_model_at_start:
        shared.sd_model  # noqa: B018  looking at it loads it
        startup_timer.record("load model")
