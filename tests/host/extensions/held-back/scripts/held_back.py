"""Holds back what Hyper-SD looks up for a client or a page, as a slow disk or a long prompt would.

POST /held-back/hold begins, POST /held-back/release ends; GET /held-back/waiting tells how many wait.
"""

import threading

from modules import script_callbacks

from lib_hypersd.host import checkpoints, loras

PATIENCE_S = 20
"""Then all go on by themselves, so that a WebUI which they have stopped comes to its end."""
may_pass, waiting, lock = threading.Event(), [0], threading.Lock()
may_pass.set()


def held(function):
    def wait(*args, **kwargs):
        if not may_pass.is_set():
            with lock:
                waiting[0] += 1
            if not may_pass.wait(PATIENCE_S):
                may_pass.set()
            with lock:
                waiting[0] -= 1
        return function(*args, **kwargs)

    return wait


checkpoints.selected_checkpoint = held(checkpoints.selected_checkpoint)
loras.lora_index = held(loras.lora_index)
loras.start_download = held(loras.start_download)


def app_started(_demo, app):
    app.post("/held-back/hold")(may_pass.clear)
    app.post("/held-back/release")(may_pass.set)
    app.get("/held-back/waiting")(lambda: waiting[0])


script_callbacks.on_app_started(app_started)
