"""Reloads the page as the button "Reload UI" does, and tells how often this script was loaded."""

from modules import script_callbacks, shared

shared.reloader_loads = getattr(shared, "reloader_loads", 0) + 1


def app_started(_demo, app):
    app.get("/reloader")(lambda: shared.reloader_loads)
    app.post("/reloader")(lambda: shared.state.request_restart())


script_callbacks.on_app_started(app_started)
