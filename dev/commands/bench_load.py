"""How soon the WebUI tells its progress while pictures are drawn and many clients plan.

The clients send requests of every kind to the plan endpoint, one after the other; each tenth client prompts of short
names instead, as long as a body may be. They and the one that draws are a process of their own, so that they don't
delay the measurement, which is made as a page makes it: the next question a while after the last answer.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from typing import Any

from .arms import write_json
from .load import Client, Host
from .load_requests import KINDS, Ask, requests
from .server import get, running_webui

CLIENTS, PICTURES = 50, len(KINDS)
EVERY_LONG = 10
PAUSE_S = 0.02
SHORT_NAMES = tuple(f"<lora:Hyper-SD15-{steps}steps:0.9> <lora:hyper-sdxl-{steps}step> " for steps in range(1, 17))
LONGEST = 1024 * 1000
"""Characters of the long prompts; the rest of a request has room below the bound of 1 MiB."""


def run(json_file: str | None) -> None:
    context = multiprocessing.get_context("spawn")
    done, plans, pictures = context.Event(), context.Value("i", 0), context.Value("i", 0)
    with running_webui("--profile", "forge", "--nowebui") as url:
        load = context.Process(target=_load, args=(url, done, plans, pictures))
        load.start()
        answers = _progress(url, done, load, pictures)
        load.join()
    if load.exitcode != 0:
        raise SystemExit("error: the clients failed; see above")
    figures = {
        "progress_p50_ms": _percentile(answers, 0.5),
        "progress_p99_ms": _percentile(answers, 0.99),
        "progress_answers": len(answers),
        "clients": CLIENTS,
        "plans": plans.value,
        "pictures": pictures.value,
    }
    for key, text in _TITLES.items():
        print(f"{text:52}{figures[key]:>10,}")
    write_json(json_file, figures)


_TITLES = {
    "clients": "clients that plan",
    "plans": "plans made",
    "pictures": "pictures drawn meanwhile",
    "progress_answers": "answers about the progress",
    "progress_p50_ms": "milliseconds until one, median",
    "progress_p99_ms": "milliseconds until one, 99th percentile",
}


def _progress(url: str, done: Event, load: Any, pictures: Synchronized[int]) -> list[float]:
    """Milliseconds of each answer, from the first picture to the last."""
    answers = []
    while not done.wait(PAUSE_S) and load.is_alive():
        start = time.perf_counter()
        get(f"{url}/sdapi/v1/progress?skip_current_image=true")
        if pictures.value:
            answers.append((time.perf_counter() - start) * 1000)
    return answers


def _percentile(values: Sequence[float], share: float) -> float:
    return round(sorted(values)[int(share * len(values))], 1)


# The other process ---------------------------------------------------------------------------------------------


def _load(url: str, done: Event, plans: Synchronized[int], pictures: Synchronized[int]) -> None:
    """Draw the pictures, the clients planning until the last one is there; their numbers are counted."""
    host, drawn = Host(Client(url)), threading.Event()
    try:
        with ThreadPoolExecutor(CLIENTS) as pool:
            clients = [pool.submit(_plan, host, number, drawn, plans) for number in range(CLIENTS)]
            try:
                for ask in requests(PICTURES):
                    host.draw(ask)
                    pictures.value += 1
            finally:
                drawn.set()
            for client in clients:
                client.result()
    finally:
        done.set()


def _plan(host: Host, number: int, drawn: threading.Event, plans: Synchronized[int]) -> None:
    asks = [_long(number)] if number % EVERY_LONG == 0 else requests(len(KINDS))
    while not drawn.is_set():
        for ask in asks:
            reply = host.plan(ask)
            if reply.status not in (200, 422):
                raise AssertionError(f"a plan answered {reply.status}: {reply.text[:300]}")
            with plans.get_lock():
                plans.value += 1
            if drawn.is_set():
                return


def _long(number: int) -> Ask:
    """A prompt of short names, from another one on for each client."""
    names = "".join((*SHORT_NAMES[number % len(SHORT_NAMES) :], *SHORT_NAMES))
    return Ask("long", {"prompt": (names * (LONGEST // len(names) + 1))[:LONGEST]}, {})
