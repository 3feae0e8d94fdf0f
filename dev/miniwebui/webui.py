"""The server: the page with the API, or the API alone."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

from modules import initialize
from modules.profiles import PROFILE
from modules.timer import startup_timer


async def _handle_exception(request: Request, e: Exception):
    """Forge's answer to a fault that nobody caught."""
    content = {
        "error": type(e).__name__,
        "detail": vars(e).get("detail", ""),
        "body": vars(e).get("body", ""),
        "message": str(e),
    }
    return JSONResponse(status_code=int(vars(e).get("status_code", 500)), content=jsonable_encoder(content))


def create_api(app: FastAPI):
    from modules.api.api import Api
    from modules.call_queue import queue_lock

    return Api(app, queue_lock)


def _handlers() -> dict:
    return {} if PROFILE.api_handles_errors else {Exception: _handle_exception}


def _address() -> tuple[str, int]:
    from modules.shared_cmd_options import cmd_opts

    host = cmd_opts.server_name or ("0.0.0.0" if cmd_opts.listen else "127.0.0.1")
    return host, cmd_opts.port or 7860


def _announce(host: str, port: int) -> None:
    print(f"Startup time: {startup_timer.summary()}.")
    print(f"Running on local URL:  http://{host}:{port}", flush=True)


def _run_api_only() -> None:
    from modules import script_callbacks, shared
    from modules.initialize_util import setup_middleware

    app = FastAPI(exception_handlers=_handlers())
    setup_middleware(app)
    create_api(app)
    script_callbacks.before_ui_callback()
    script_callbacks.app_started_callback(None, app)
    host, port = _address()
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.05)
    if not server.started:
        raise SystemExit(f"could not listen at {host}:{port}")
    _announce(host, port)
    while shared.state.wait_for_server_command(timeout=5) is None and thread.is_alive():
        pass
    server.should_exit = True
    thread.join()


def _launch_page(host: str, port: int):
    """Build the page and serve it; (the page, its app)."""
    import gradio as gr

    from modules import extensions, progress, script_callbacks, shared, ui
    from modules.initialize_util import get_gradio_auth_creds, setup_middleware
    from modules.paths import script_path

    script_callbacks.before_ui_callback()
    shared.demo = ui.create_ui()
    startup_timer.record("create ui")
    shared.demo.queue(64)
    options = {"app_kwargs": {"docs_url": "/docs", "redoc_url": "/redoc", "exception_handlers": _handlers()}}
    with contextlib.redirect_stdout(io.StringIO()):  # gradio 3 says that it runs before the API is there
        app, _, _ = shared.demo.launch(
            server_name=host,
            server_port=port,
            auth=list(get_gradio_auth_creds()) or None,
            inbrowser=False,
            share=False,
            quiet=True,
            prevent_thread_lock=True,
            allowed_paths=[script_path, *(ext.path for ext in extensions.active())],  # their scripts and styles
            show_api=gr.__version__.startswith("3"),
            **options,
        )
    app.user_middleware = [x for x in app.user_middleware if x.cls.__name__ != "CORSMiddleware"]
    setup_middleware(app)
    progress.setup_progress_api(app)
    ui.setup_ui_api(app)
    create_api(app)
    app.middleware_stack = app.build_middleware_stack()
    script_callbacks.app_started_callback(shared.demo, app)
    return shared.demo


def _run_page() -> None:
    from modules import script_callbacks, shared

    host, port = _address()
    while True:
        demo = _launch_page(host, port)
        _announce(host, port)
        command = None
        while command is None:
            command = shared.state.wait_for_server_command(timeout=5)
        demo.close()
        if command != "restart":
            return
        time.sleep(0.5)
        startup_timer.reset()
        script_callbacks.app_reload_callback()
        script_callbacks.script_unloaded_callback()
        initialize.initialize_rest(reload_script_modules=True)


def _require_free_port() -> None:
    host, port = _address()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SystemExit(f"error: cannot listen at {host}:{port}: {error.strerror}") from error


def start() -> None:
    """Load everything, serve until told to stop."""
    _require_free_port()
    initialize.imports()
    initialize.initialize()
    from modules.shared_cmd_options import cmd_opts

    try:
        _run_api_only() if cmd_opts.nowebui else _run_page()
    except KeyboardInterrupt:
        print("Stopping.")
