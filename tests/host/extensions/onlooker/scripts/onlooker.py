"""Tells which files of a watched folder were touched, and can make the host's LoRA list raise."""

import os
import sys

import networks
from modules import script_callbacks

WATCHED = os.environ.get("ONLOOKER_FOLDER", "")
FAULT = PermissionError(13, "Permission denied", os.environ.get("ONLOOKER_SECRET", ""))
touched: list[str] = []


def hook(event: str, args: tuple) -> None:
    if WATCHED and event.split(".")[0] in ("open", "os", "shutil"):
        touched.extend(str(each) for each in args if isinstance(each, str | bytes) and WATCHED in str(each))


sys.addaudithook(hook)
os.listdir(WATCHED)  # the first of `touched`, by which a test sees that this works


class Broken(dict):
    def values(self):
        raise FAULT


def add_routes(_demo, app) -> None:
    whole = networks.available_networks

    @app.get("/onlooker/touched")
    def tell():
        return touched

    @app.post("/onlooker/break")
    def break_list():
        networks.available_networks = Broken(whole)

    @app.post("/onlooker/mend")
    def mend_list():
        networks.available_networks = whole


script_callbacks.on_app_started(add_routes)
