"""What the extension does besides pictures: answers programs and the page, builds its panel, starts."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from .host import PAGE, Host
from .scenes import LORA


@dataclass(frozen=True)
class Deed:
    """`do(host)` gives an answer to compare; `fault_in(answer, the answer without a fault)` says what is wrong."""

    name: str
    do: Callable[[Host], Any]
    fault_in: Callable[[Any, Any], str | None]
    rare: bool = False
    """Slow: fewer of its faults are tried where not all are."""
    around: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext


# Endpoints -----------------------------------------------------------------------------------------------------


def _asked(method: str, path: str, body: Any = None) -> Callable[[Host], tuple[int, Any]]:
    async def ask(host: Host) -> tuple[int, Any]:
        import httpx

        transport = httpx.ASGITransport(app=host.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://webui") as client:
            answer = await client.request(method, f"/hypersd/v1/{path}", json=body)
        return answer.status_code, answer.json()

    return lambda host: asyncio.run(ask(host))


def _answered(answer: tuple[int, Any], whole: tuple[int, Any]) -> str | None:
    status, body = answer
    if status == 422:  # a ValueError by reading the body is how bad JSON is told
        return None
    if status == 200:
        return None if body.keys() == whole[1].keys() else f"another form of answer: {body}"
    told = body.get("detail") if isinstance(body, dict) else None
    return None if status == 500 and isinstance(told, str) and "Hyper-SD" in told else f"{status}: {body}"


# The page ------------------------------------------------------------------------------------------------------


def _listener(host: Host, name: str) -> tuple[Callable[..., Coroutine[Any, Any, Any]], list[Any]]:
    """A listener of the panel's, the first tab's, and what its components hold."""
    page = host.page
    if isinstance(page.fns, dict):  # gradio 4
        found = next(f for f in page.fns.values() if getattr(f.fn, "__qualname__", "") == name)
        return found.fn, [component.value for component in found.inputs]
    number = next(i for i, f in enumerate(page.fns) if getattr(f.fn, "__qualname__", "") == name)
    return page.fns[number].fn, [page.blocks[i].value for i in page.dependencies[number]["inputs"]]


def _fill_panel(values: list[Any]) -> None:
    """Tick the panel and choose a LoRA; its components are the last of what a listener gets."""
    from lib_hypersd.request.settings import KEYS

    first = len(values) - len(KEYS)
    values[first : first + 2] = [True, LORA]


def _panel_asked(host: Host) -> list[Any]:
    answer, values = _listener(host, "Listeners.answer")
    _fill_panel(values)
    request = json.dumps({"number": 1, "checkpoint": None, "loras": 0, "requests": []})
    return asyncio.run(answer(request, *values[1:]))


def _panel_answered(answer: Any, whole: list[Any]) -> str | None:
    if not isinstance(answer, list) or len(answer) != len(whole):
        return f"no answer to the page: {answer}"
    same_lines = answer[1:3] == whole[1:3]
    return None if same_lines or "see the console" in str(answer[1]) else f"it says {answer[1:3]}"


def _page_filled(host: Host) -> list[Any]:
    fill, values = _listener(host, "Listeners.fill")
    _fill_panel(values)
    return list(asyncio.run(fill(*values)))


def _filled(answer: Any, whole: list[Any]) -> str | None:
    return None if isinstance(answer, list) and len(answer) == len(whole) else f"no answer to the page: {answer}"


@contextlib.contextmanager
def _remembering() -> Iterator[None]:
    from modules import shared

    with mock.patch.dict(shared.opts.data, {"hypersd_remember": True}):
        yield


def _panel_built(host: Host) -> int:
    """The hosts call this once more for their API, outside of any guard: what it raises is a WebUI that won't start."""
    import gradio as gr
    from modules import scripts

    kind = next(data.script_class for data in scripts.scripts_data if data.script_class.__name__ == "HyperSDScript")
    script = kind()
    script.is_txt2img, script.is_img2img = True, False
    with gr.Blocks():
        return len(script.ui(False))


def _built(answer: int, whole: int) -> str | None:
    return None if answer in (0, whole) else f"a panel of {answer} controls"


# The start -----------------------------------------------------------------------------------------------------


def _started(host: Host) -> list[str]:
    """Scripts, options and endpoints as a start or "Reload UI" makes them."""
    from fastapi import FastAPI
    from modules import script_callbacks, scripts

    script_callbacks.script_unloaded_callback()
    scripts.load_scripts()
    script_callbacks.before_ui_callback()
    script_callbacks.ui_settings_callback()
    app = FastAPI()
    script_callbacks.app_started_callback(None, app)
    return sorted({getattr(route, "path", "") for route in app.routes})


@contextlib.contextmanager
def _short_of_modules() -> Iterator[None]:
    """The hosts look up who registers a callback by its file; Python asks every module on the way, most of a start."""
    with mock.patch("inspect.getmodule", return_value=None):
        yield


def _is_up(answer: list[str], whole: list[str]) -> str | None:
    return None if set(answer) <= set(whole) else f"routes {answer}"


DEEDS = (
    Deed("GET status", _asked("GET", "status"), _answered),
    Deed("GET catalog", _asked("GET", "catalog"), _answered),
    Deed("POST plan", _asked("POST", "plan", {**PAGE, "hypersd": {"lora": LORA}}), _answered),
    Deed("the panel's lines", _panel_asked, _panel_answered, around=_remembering),
    Deed("the page filled", _page_filled, _filled),
    Deed("the panel built", _panel_built, _built, rare=True),
    Deed("the start", _started, _is_up, rare=True, around=_short_of_modules),
)
