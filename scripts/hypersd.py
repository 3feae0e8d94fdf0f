"""The host's entry: hooks, nothing else. What they do is in lib_hypersd."""

# ruff: noqa: E402 - older code has to go before the imports
from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cached_property
from typing import Any

from modules import script_callbacks, scripts
from modules.ui_components import InputAccordion

_loaded = sys.modules.get("lib_hypersd")
if _loaded is not None and not getattr(_loaded, "is_up_to_date", bool)():
    # "Reload UI" after an update: the host runs this file anew, and would leave it with the modules of before.
    for _name in [name for name in sys.modules if name.partition(".")[0] == "lib_hypersd"]:
        del sys.modules[_name]

from lib_hypersd import TITLE, generation
from lib_hypersd.host import options, sampling, settings_page, xyz
from lib_hypersd.panel import controls
from lib_hypersd.panel.backend import host_backend, infotext_fields
from lib_hypersd.panel.page_components import PageComponents


class HyperSDScript(scripts.Script):
    """Always on; does nothing unless the panel, an API object or a prompt tag turns it on."""

    def title(self) -> str:
        return TITLE

    def show(self, is_img2img: bool) -> Any:
        return scripts.AlwaysVisible

    def after_component(self, component: Any, **kwargs: Any) -> None:
        self._page.catch(component, kwargs.get("elem_id"))

    def ui(self, is_img2img: bool) -> list[Any]:
        try:
            components = controls.build(self._page, InputAccordion, host_backend())
        except Exception:  # the host calls this once more for its API, and would not start
            options.report(f"{TITLE}: there is no panel; short names in prompts still work", exc_info=True)
            return []
        self.infotext_fields = infotext_fields(components)
        # "Send to img2img" under a gallery carries what is named here from tab to tab.
        self.paste_field_names = [pasted for _, pasted in self.infotext_fields]
        return components

    def before_process(self, p: Any, *args: Any) -> None:
        generation.begin(p)
        xyz.send_axes_to_workers(p, args, self.args_from)

    def process(self, p: Any, *args: Any) -> None:
        generation.process(p, args)

    def before_process_batch(self, p: Any, *args: Any, **kwargs: Any) -> None:
        generation.before_process_batch(p, kwargs)

    def process_before_every_sampling(self, p: Any, *args: Any, **kwargs: Any) -> None:
        generation.before_sampling(p, kwargs)

    def postprocess_batch(self, p: Any, *args: Any, **kwargs: Any) -> None:
        generation.after_batch(p)

    @cached_property
    def _page(self) -> PageComponents:
        """Made when it is needed first: the host sets the tab after `__init__`."""
        return PageComponents("img2img" if self.is_img2img else "txt2img")


def on_app_started(_demo: Any, app: Any) -> None:
    """Add the endpoints. "Reload UI" makes a new app each time, so that there is nothing to remove."""
    from lib_hypersd.api import downloads, plan, status

    for endpoints in (status, plan, downloads):
        app.include_router(endpoints.router)


def _start(step: Callable[..., Any], *args: Any) -> None:
    """Do a step of the start. One that fails is left out, and the console says which: the rest works without it."""
    try:
        step(*args)
    except Exception:
        options.report(f"{TITLE}: {step.__name__} failed at the start", exc_info=True)


_start(sampling.register_sampling)  # before the page's lists are made
_start(script_callbacks.on_script_unloaded, sampling.unregister_sampling)
_start(script_callbacks.on_before_ui, xyz.set_up_axes)
_start(script_callbacks.on_ui_settings, settings_page.add_options)
_start(script_callbacks.on_app_started, on_app_started)
