"""The one place that knows gradio 3.41 from gradio 4.40.

The hosts patch gradio so that extensions written for either version work: every component announces itself
to the scripts before and after it is made, takes a ``tooltip``, and carries a CSS class of its kind. Gradio 4
also learns the spellings of gradio 3 (``_js=``, ``gr.Dropdown.update``, ``gr.Box``). Import this module before
any class is derived from a gradio component.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import gradio as gr
import gradio.blocks
import gradio.components

from modules import script_callbacks, scripts

GRADIO_4 = int(gr.__version__.split(".")[0]) >= 4

sys.modules["modules.gradio_extensons"] = sys.modules[__name__]  # A1111 and reForge spell it so


def _announced(init: Callable) -> Callable:
    """Wrap a base constructor so that scripts hear of each component before and after it is made."""

    @wraps(init)
    def announced_init(self, *args, **kwargs):
        self.webui_tooltip = kwargs.pop("tooltip", None) or getattr(self, "webui_tooltip", None)
        runner = scripts.scripts_current
        if runner is not None:
            runner.before_component(self, **kwargs)
        script_callbacks.before_component_callback(self, **kwargs)

        init(self, *args, **kwargs)

        classes = self.elem_classes or []
        self.elem_classes = [f"gradio-{self.get_block_name()}", *classes]
        if getattr(self, "multiselect", False):
            self.elem_classes.append("multiselect")
        script_callbacks.after_component_callback(self, **kwargs)
        if runner is not None:
            runner.after_component(self, **kwargs)

    return announced_init


def _with_tooltip(get_config: Callable) -> Callable:
    """The tooltip travels in the page's config, where javascript/hints.js finds it."""

    @wraps(get_config)
    def config_with_tooltip(self, *args, **kwargs) -> dict[str, Any]:
        config = get_config(self, *args, **kwargs)
        if getattr(self, "webui_tooltip", None):
            config["webui_tooltip"] = self.webui_tooltip
        return config

    return config_with_tooltip


def _js_keyword(listener: Callable) -> Callable:
    """Let a gradio 4 event take gradio 3's ``_js=``."""

    @wraps(listener)
    def event(*args, _js: str | None = None, **kwargs):
        if _js is not None:
            kwargs["js"] = _js
        return listener(*args, **kwargs)

    return event


def _lenient(init: Callable) -> Callable:
    """Let a gradio 4 constructor take ``tooltip``, ``source`` and any keyword that only gradio 3 had."""
    known = inspect.signature(init).parameters

    @wraps(init)
    def lenient_init(self, *args, tooltip: str | None = None, source: str | None = None, **kwargs):
        self.webui_tooltip = tooltip or getattr(self, "webui_tooltip", None)
        if source and "sources" in known:
            kwargs["sources"] = [source]
        init(self, *args, **{name: value for name, value in kwargs.items() if name in known})

    return lenient_init


def _speak_gradio_3() -> None:
    """Make gradio 4 accept what extensions for gradio 3 write."""
    import gradio.component_meta
    import gradio.events

    # Both act on classes derived from components: the first would write .pyi files next to the extension's
    # source, the second would skip the constructor of a derived class inside an event.
    gradio.component_meta.create_or_modify_pyi = lambda *args, **kwargs: None
    gradio.component_meta.updateable = lambda init: init

    for name in {*gr.components.__all__, *gr.layouts.__all__, "Blocks"}:
        kind = getattr(gr, name, None)
        if not getattr(kind, "EVENTS", None):
            continue
        for event in map(str, kind.EVENTS):
            setattr(kind, event, _js_keyword(getattr(kind, event)))
        if kind is not gr.Blocks:
            kind.__init__ = _lenient(kind.__init__)
    gr.components.Component.update = staticmethod(gr.update)

    class Dependency(gradio.events.Dependency):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.then = _js_keyword(self.then)
            self.success = _js_keyword(self.success)

    gradio.events.Dependency = Dependency
    gr.Box = gr.Group


def _install() -> None:
    """Patch once, however often the page is built again."""
    if getattr(gr, "_miniwebui_patched", False):
        return
    gr._miniwebui_patched = True
    component = gr.components.Component if GRADIO_4 else gr.components.IOComponent
    component.__init__ = _announced(component.__init__)
    gradio.blocks.BlockContext.__init__ = _announced(gradio.blocks.BlockContext.__init__)
    gradio.blocks.Block.get_config = _with_tooltip(gradio.blocks.Block.get_config)
    if GRADIO_4:
        _speak_gradio_3()


def png_gallery(**kwargs) -> gr.Gallery:
    """A gallery that hands out PNG with its text chunks: gradio 4 would re-encode the pictures as WebP."""
    return gr.Gallery(**kwargs, format="png", type="pil") if GRADIO_4 else gr.Gallery(**kwargs)


def image_input(**kwargs) -> gr.Image:
    """An image that one can drop a file on, as a Pillow image on both versions."""
    where = {"sources": ["upload", "clipboard"]} if GRADIO_4 else {"source": "upload"}
    return gr.Image(**kwargs, **where, type="pil", interactive=True)


_install()
