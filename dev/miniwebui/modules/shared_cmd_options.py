"""The parsed command line; extensions' `preload.py` may add to the parser first."""

import os

from modules import cmd_args, script_loading
from modules.paths_internal import extensions_builtin_dir, extensions_dir

parser = cmd_args.parser

script_loading.preload_extensions(extensions_dir, parser)
script_loading.preload_extensions(extensions_builtin_dir, parser)
for _folder in parser.parse_known_args()[0].extra_extension:
    script_loading.preload_extensions(os.path.dirname(_folder), parser, [os.path.basename(_folder)])

cmd_opts = parser.parse_args()
cmd_opts.webui_is_non_local = bool(cmd_opts.listen or cmd_opts.server_name)
cmd_opts.disable_extension_access = cmd_opts.webui_is_non_local
