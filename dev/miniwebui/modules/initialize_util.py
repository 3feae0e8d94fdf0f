"""Who may see the page and who may call the server, as the real hosts read it from their command line."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from modules.shared_cmd_options import cmd_opts


def get_gradio_auth_creds() -> Iterator[tuple[str, ...]]:
    """(user, password) pairs of ``--gradio-auth`` and of the lines of ``--gradio-auth-path``."""
    lines = [cmd_opts.gradio_auth or ""]
    if cmd_opts.gradio_auth_path:
        with open(cmd_opts.gradio_auth_path, encoding="utf8") as file:
            lines += file.readlines()
    for line in lines:
        yield from (tuple(pair.strip().split(":", 1)) for pair in line.split(",") if pair.strip())


def setup_middleware(app: FastAPI) -> None:
    """Answer pages of other sites only as ``--cors-allow-origins`` says; gradio's own rule is taken out before."""
    app.middleware_stack = None  # built anew with the next request
    options = {"allow_methods": ["*"], "allow_headers": ["*"], "allow_credentials": True}
    if cmd_opts.cors_allow_origins:
        options["allow_origins"] = cmd_opts.cors_allow_origins.split(",")
    if cmd_opts.cors_allow_origins_regex:
        options["allow_origin_regex"] = cmd_opts.cors_allow_origins_regex
    # Not by `add_middleware`, which refuses once the server has answered a request: an open page asks meanwhile.
    app.user_middleware.insert(0, Middleware(CORSMiddleware, **options))
