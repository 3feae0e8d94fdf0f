"""Command line of the server, under the real hosts' names."""

import argparse
import os

from modules.paths_internal import data_path, models_path, script_path
from modules.profile_loras import STORAGES

parser = argparse.ArgumentParser()
parser.add_argument("--data-dir", type=str, default=data_path, help="base path of all user data")
parser.add_argument("--models-dir", type=str, default=None, help="base path of models")
parser.add_argument("--ckpt-dir", type=str, default=None, help="folder of checkpoints")
parser.add_argument("--lora-dir", type=str, default=os.path.join(models_path, "Lora"), help="folder of LoRAs")
parser.add_argument("--port", type=int, default=None, help="port of the page and the API")
parser.add_argument("--listen", action="store_true", help="bind to all addresses", default=False)
parser.add_argument("--server-name", type=str, default=None, help="host name to bind to")
parser.add_argument("--subpath", type=str, default=None, help="path under which the page is served")
parser.add_argument("--api", action="store_true", help="serve the API", default=True)
parser.add_argument("--nowebui", action="store_true", help="API without the page", default=False)
parser.add_argument("--api-auth", type=str, default=None, help="credentials of the API: user:password,…")
parser.add_argument("--api-log", action="store_true", help="log API requests", default=False)
parser.add_argument("--api-server-stop", action="store_true", help="stop and restart through the API", default=False)
parser.add_argument("--gradio-auth", type=str, default=None, help="credentials of the page: user:password,…")
parser.add_argument("--gradio-auth-path", type=str, default=None, help="a file of such credentials, one line or more")
parser.add_argument("--cors-allow-origins", type=str, default=None, help="sites whose pages may call: origin,…")
parser.add_argument("--cors-allow-origins-regex", type=str, default=None, help="the same as a regular expression")
parser.add_argument("--extra-extension", action="append", default=[], help="folder of one more extension")
parser.add_argument("--disable-all-extensions", action="store_true", help="no extensions at all", default=False)
parser.add_argument("--disable-extra-extensions", action="store_true", help="built-in ones only", default=False)
parser.add_argument("--freeze-settings", action="store_true", help="no changes of settings", default=False)
parser.add_argument("--hide-ui-dir-config", action="store_true", help="hide folder settings", default=False)
parser.add_argument("--no-hashing", action="store_true", help="no sha256 of checkpoints", default=False)
parser.add_argument("--no-prompt-history", action="store_true", help="write no params.txt", default=False)
parser.add_argument("--enable-console-prompts", action="store_true", help="print prompts", default=False)
parser.add_argument(
    "--skip-load-model-at-start", action="store_true", help="load with the first picture", default=False
)
parser.add_argument("--ui-settings-file", type=str, default=os.path.join(data_path, "config.json"))
parser.add_argument("--ui-config-file", type=str, default=os.path.join(data_path, "ui-config.json"))
parser.add_argument("--styles-file", type=str, action="append", default=[], help="styles CSV")
parser.add_argument("--embeddings-dir", type=str, default=os.path.join(data_path, "embeddings"))
parser.add_argument("--localizations-dir", type=str, default=os.path.join(script_path, "localizations"))
parser.add_argument("--storage", choices=("", *STORAGES), default="", help="keep the net's weights in these few bits")
parser.add_argument("--theme", type=str, default=None, help="light or dark page")
parser.add_argument("--loglevel", type=str, default=None, help="log level")
