"""Puts the scripts and styles of miniwebui and of the extensions into the page's head."""

from __future__ import annotations

import re
from pathlib import Path

import gradio as gr

from modules import localization, scripts, shared
from modules.paths import script_path

_original_template_response = gr.routes.templates.TemplateResponse
_FOREIGN = re.compile(rb'<link[^>]+https://fonts\.[^>]+>|<script[^>]+src="https://cdnjs[^>]+>\s*</script>')
"""What gradio's own page asks of other machines: fonts, and a script for pages inside a frame."""


def webpath(path: str | Path) -> str:
    """Address of a file; the time of its last change keeps browsers from showing an older one."""
    return f"file={Path(path).resolve().as_posix()}?{Path(path).stat().st_mtime}"


def javascript_html() -> str:
    """The script tags: translations, script.js, then miniwebui's, then the extensions'."""
    sources = [("text/javascript", Path(script_path) / "script.js")]
    for kind, extension in (("text/javascript", ".js"), ("module", ".mjs")):
        sources += [(kind, script.path) for script in scripts.list_scripts("javascript", extension)]
    translations = f"<script>{localization.localization_js(shared.opts.localization)}</script>\n"
    return translations + "".join(f'<script type="{kind}" src="{webpath(path)}"></script>\n' for kind, path in sources)


def css_html() -> str:
    """The style sheets: miniwebui's, then the extensions'."""
    return "".join(
        f'<link rel="stylesheet" property="stylesheet" href="{webpath(path)}">'
        for path in scripts.list_files_with_name("style.css")
    )


def reload_javascript() -> None:
    """Read the lists of files anew; every page that is asked for from now on has them."""
    head = f'{javascript_html()}<meta name="referrer" content="no-referrer"/></head>'.encode()
    body = f"{css_html()}</body>".encode()

    def template_response(*args, **kwargs):
        response = _original_template_response(*args, **kwargs)
        page = _FOREIGN.sub(b"", response.body)
        response.body = page.replace(b"</head>", head).replace(b"</body>", body)
        response.init_headers()
        return response

    gr.routes.templates.TemplateResponse = template_response
