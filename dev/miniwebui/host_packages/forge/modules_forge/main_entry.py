"""Forge's handling of the selected checkpoint and modules."""

from modules.forge_loading import (  # noqa: F401
    checkpoint_change,
    module_list,
    modules_change,
    refresh_model_loading_parameters,
)
