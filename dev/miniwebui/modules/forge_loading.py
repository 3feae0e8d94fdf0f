"""Forge and Neo: which checkpoint and modules the next picture is to be drawn with."""

from __future__ import annotations

import os

from modules import sd_models, shared

module_list: dict[str, str] = {}
"""Separate VAE and text encoder files by name; there are none."""


def refresh_model_loading_parameters():
    from modules import processing

    sd_models.model_data.forge_loading_parameters = {
        "checkpoint_info": sd_models.select_checkpoint(),
        "additional_modules": shared.opts.forge_additional_modules,
        "unet_storage_dtype": None,
    }
    processing.need_global_unload = True


def checkpoint_change(ckpt_name, save=True, refresh=True, preset=None) -> bool:
    """Select a checkpoint by any of its names; whether that is another than before."""
    new = sd_models.get_closet_checkpoint_match(ckpt_name)
    if new == sd_models.get_closet_checkpoint_match(shared.opts.data.get("sd_model_checkpoint", "")):
        return False
    shared.opts.set("sd_model_checkpoint", ckpt_name)
    return _changed(save, refresh)


def modules_change(module_values, save=True, refresh=True, preset=None) -> bool:
    """Select modules by path or name; unknown ones are passed over."""
    modules = [module_list[name] for name in map(os.path.basename, module_values) if name in module_list]
    if sorted(modules) == sorted(shared.opts.data.get("forge_additional_modules", [])):
        return False
    shared.opts.set("forge_additional_modules", modules)
    return _changed(save, refresh)


def _changed(save, refresh) -> bool:
    if save:
        shared.opts.save(shared.config_filename)
    if refresh:
        refresh_model_loading_parameters()
    return True
