"""Another extension's callbacks around an evaluation, registered and taken away by request."""

from modules import script_callbacks

calls = {"cfg_denoiser": 0, "cfg_denoised": 0, "cfg_after_cfg": 0}


def counter(kind):
    def count(_params):
        calls[kind] += 1

    return count


counters = {kind: counter(kind) for kind in calls}


def app_started(_demo, app):
    @app.post("/cfg-callbacks/{kind}")
    def register(kind: str):
        calls[kind] = 0
        getattr(script_callbacks, f"on_{kind}")(counters[kind])
        return {}

    @app.delete("/cfg-callbacks")
    def remove():
        for function in counters.values():
            script_callbacks.remove_callbacks_for_function(function)
        return calls


script_callbacks.on_app_started(app_started)
