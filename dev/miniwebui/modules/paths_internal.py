"""Where things are; safe to import before anything else, for the command line's defaults depend on it."""

import argparse
import os
import sys

cwd = os.getcwd()
modules_path = os.path.dirname(os.path.realpath(__file__))
script_path = os.path.dirname(modules_path)

_parser = argparse.ArgumentParser(add_help=False)
_parser.add_argument("--data-dir", type=str, default=script_path)
_parser.add_argument("--models-dir", type=str, default=None)
cmd_opts_pre = _parser.parse_known_args(sys.argv[1:])[0]

data_path = os.path.abspath(cmd_opts_pre.data_dir)
models_path = os.path.abspath(cmd_opts_pre.models_dir or os.path.join(data_path, "models"))
extensions_dir = os.path.join(data_path, "extensions")
extensions_builtin_dir = os.path.join(script_path, "extensions-builtin")
config_states_dir = os.path.join(data_path, "config_states")
default_output_dir = os.path.join(data_path, "outputs")
sd_configs_path = os.path.join(script_path, "configs")
sd_default_config = os.path.join(sd_configs_path, "v1-inference.yaml")
sd_model_file = default_sd_model_file = os.path.join(script_path, "model.ckpt")
