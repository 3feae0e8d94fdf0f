"""The only package besides scripts/ that meets the host: reads a Request from `p`, writes a Plan to `p`.

`p` is the host's `StableDiffusionProcessing`; which fields it has differs between A1111, reForge, Forge and Forge Neo
and is asked of the object itself, never of a version.
"""

from .axes import watch_axes
from .checkpoints import generation_checkpoint, hires_checkpoint, named_checkpoint, selected_checkpoint
from .lists import host_lists, panel_choices
from .lora_folder import OPTION_DOWNLOAD_API, download_api_allowed, folder_title, start_download
from .loras import lora_cache, lora_index
from .notices import say, show
from .options import (
    OPTION_TAGS,
    OPTION_TRAINED_STEPS,
    preferences,
    prompt_tag_reaction,
    remembers_panel,
    report,
    stops_generations,
)
from .panel_file import panel_memory
from .reading import img2img_fixed_steps, read_request, request_from_values, txt2img_defaults
from .sampling import (
    OPTION_ETA,
    ask_eta,
    names_own_sampling,
    option_eta,
    own_samplers,
    own_schedules,
    register_sampling,
    start_from_unit_variance,
    unregister_sampling,
)
from .settings_page import add_options
from .status import allows_origin, credentials, host_name
from .uncond import skip_idle_uncond
from .writing import apply, inner_script_args, keep_tags, restore, stop_generation, unlisted_name
from .xyz import add_own_axes, tell_axes, values_set_by_axes

__all__ = [
    "OPTION_DOWNLOAD_API",
    "OPTION_ETA",
    "OPTION_TAGS",
    "OPTION_TRAINED_STEPS",
    "add_options",
    "add_own_axes",
    "allows_origin",
    "apply",
    "ask_eta",
    "credentials",
    "download_api_allowed",
    "folder_title",
    "generation_checkpoint",
    "hires_checkpoint",
    "host_lists",
    "host_name",
    "img2img_fixed_steps",
    "inner_script_args",
    "keep_tags",
    "lora_cache",
    "lora_index",
    "named_checkpoint",
    "names_own_sampling",
    "option_eta",
    "own_samplers",
    "own_schedules",
    "panel_choices",
    "panel_memory",
    "preferences",
    "prompt_tag_reaction",
    "read_request",
    "register_sampling",
    "remembers_panel",
    "report",
    "request_from_values",
    "restore",
    "say",
    "selected_checkpoint",
    "show",
    "skip_idle_uncond",
    "start_download",
    "start_from_unit_variance",
    "stop_generation",
    "stops_generations",
    "tell_axes",
    "txt2img_defaults",
    "unlisted_name",
    "unregister_sampling",
    "values_set_by_axes",
    "watch_axes",
]
