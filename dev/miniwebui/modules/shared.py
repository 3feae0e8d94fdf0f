"""What everything shares, under the hosts' names. `shared_init.initialize` fills it; `sd_model` is a property."""

import os
import sys

from modules import options, shared_cmd_options, shared_items, util
from modules.paths_internal import (  # noqa: F401
    data_path,
    extensions_builtin_dir,
    extensions_dir,
    models_path,
    script_path,
)
from modules.profiles import PROFILE

cmd_opts = shared_cmd_options.cmd_opts
parser = shared_cmd_options.parser

cmd_opts.styles_file = cmd_opts.styles_file or [os.path.join(data_path, "styles.csv")]
styles_filename = cmd_opts.styles_file
config_filename = cmd_opts.ui_settings_file
hide_dirs = {"visible": not cmd_opts.hide_ui_dir_config}

batch_cond_uncond = True
parallel_processing_allowed = True
demo = None
device = None
weight_load_location = None
xformers_available = False
hypernetworks: dict = {}
loaded_hypernetworks: list = []
state = None
prompt_styles = None
interrogator = None
face_restorers: list = []
options_templates = None
opts = None
restricted_opts = None
settings_components = None
tab_names: list = []
clip_model = None
progress_print_out = sys.stdout
total_tqdm = None
mem_mon = None
gradio_theme = None

_LATENT_UPSCALE_MODES = {
    "Latent": {"mode": "bilinear", "antialias": False},
    "Latent (antialiased)": {"mode": "bilinear", "antialias": True},
    "Latent (bicubic)": {"mode": "bicubic", "antialias": False},
    "Latent (bicubic antialiased)": {"mode": "bicubic", "antialias": True},
    "Latent (nearest)": {"mode": "nearest", "antialias": False},
    "Latent (nearest-exact)": {"mode": "nearest-exact", "antialias": False},
}
latent_upscale_default_mode = "Latent" if PROFILE.latent_upscalers else "None"
latent_upscale_modes = _LATENT_UPSCALE_MODES if PROFILE.latent_upscalers else {}
sd_upscalers: list = []

options_section = options.options_section
OptionInfo = options.OptionInfo
OptionHTML = options.OptionHTML

natural_sort_key = util.natural_sort_key
listfiles = util.listfiles
html_path = util.html_path
html = util.html
walk_files = util.walk_files
ldm_print = util.ldm_print

list_checkpoint_tiles = shared_items.list_checkpoint_tiles
refresh_checkpoints = shared_items.refresh_checkpoints
list_samplers = shared_items.list_samplers

sys.modules[__name__].__class__ = shared_items.Shared
