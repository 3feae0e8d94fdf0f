"""Settings as the API reads and writes them."""

from modules.profiles import PROFILE


def get_config():
    from modules import shared

    return shared.opts.data


def set_config(req, is_api=False, run_callbacks=True, save_config=True):
    """Set several settings at once, as Forge does: the checkpoint and the modules go their own way."""
    from modules_forge import main_entry

    from modules import sd_models, shared

    assert PROFILE.forge_engine
    refresh = False
    for key, value in req.items():
        if value == shared.opts.data.get(key):
            continue
        if key == "sd_model_checkpoint":
            if value is not None and value not in sd_models.checkpoint_aliases:
                raise RuntimeError(f"model {value!r} not found")
            refresh |= main_entry.checkpoint_change(value, save=False, refresh=False)
        elif key == "forge_additional_modules":
            refresh |= main_entry.modules_change(value, save=False, refresh=False)
        else:
            shared.opts.set(key, value, is_api=is_api, run_callbacks=run_callbacks)
    if refresh:
        main_entry.refresh_model_loading_parameters()
    if save_config:
        shared.opts.save(shared.config_filename)
