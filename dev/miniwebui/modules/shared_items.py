"""Lists that settings and pages ask for, and `shared.sd_model` as a property."""

import sys


def upscaler_choices():
    from modules import shared

    return {"choices": [x.name for x in shared.sd_upscalers]}


def checkpoint_choices():
    return {"choices": list_checkpoint_tiles()}


def sampler_choices():
    return {"choices": [x.name for x in list_samplers()]}


def sd_vae_items():
    return ["Automatic", "None"]


def refresh_vae_list():
    """There are no separate VAE files."""


def list_checkpoint_tiles(use_short=False):
    from modules import sd_models

    return sd_models.checkpoint_tiles(use_short)


def refresh_checkpoints():
    from modules import sd_models

    return sd_models.list_models()


def list_samplers():
    from modules import sd_samplers

    return sd_samplers.all_samplers


def get_infotext_names():
    """All names that may be pasted from an infotext."""
    from modules import infotext_utils, shared

    names = {info.infotext: 1 for info in shared.opts.data_labels.values() if info.infotext}
    for tab in infotext_utils.paste_fields.values():
        names.update({field[1]: 1 for field in tab.get("fields") or [] if isinstance(field[1], str)})
    return [*names, "Lora hashes"]


ui_reorder_categories_builtin_items = [
    "prompt",
    "image",
    "inpaint",
    "sampler",
    "accordions",
    "checkboxes",
    "dimensions",
    "cfg",
    "denoising",
    "seed",
    "batch",
    "override_settings",
]


def ui_reorder_categories():
    """The page's categories: the built-in ones, those that scripts name as their `section`, the scripts."""
    from modules import scripts

    yield from ui_reorder_categories_builtin_items
    known = set(ui_reorder_categories_builtin_items)
    for script in scripts.scripts_txt2img.scripts + scripts.scripts_img2img.scripts:
        if isinstance(script.section, str) and script.section not in known:
            known.add(script.section)
            yield script.section
    yield "scripts"


class Shared(sys.modules[__name__].__class__):
    """The class of the module `shared`, so that its `sd_model` is found, and perhaps loaded, when asked for."""

    @property
    def sd_model(self):
        from modules import sd_models

        return sd_models.model_data.get_sd_model()

    @sd_model.setter
    def sd_model(self, value):
        from modules import sd_models

        sd_models.model_data.set_sd_model(value)
