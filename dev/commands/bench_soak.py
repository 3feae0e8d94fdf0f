"""A thousand generations in a row, and 32 clients at once: does memory grow, do LoRAs stay put, is each answer right?

In a row: all kinds of requests in a random order, drawn again and again. A re-patch counts where the host changed the
LoRAs in its weights though neither LoRA nor weight nor model had changed. A mismatch is a generation whose account,
values, notice or error is not what the plan endpoint or the published tables say, or which is not, to the bit, what the
same request drew at first. Memory is the process's own (USS), each time after a garbage collection.
At once: the same against each request drawn alone, with Forge's and with A1111's habits.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from . import load
from .arms import write_json
from .load import Client, Host
from .load_requests import requests
from .server import PROJECT, running_webui

GENERATIONS, WARM = 1000, 100
EVERY = 10
"""Generations between two looks at the memory."""
LOOKS = 5
"""Of which the median counts: while a checkpoint is switched, there may be two of them in memory."""
_LAST = GENERATIONS - EVERY * (LOOKS - 1)
DIFFERENT = 220
CLIENTS = 32
TOLD = 10
"""Of what is wrong, so much is told."""
WATCHER = PROJECT / "tests" / "host" / "extensions" / "memory-watcher"


def run(json_file: str | None) -> None:
    figures, wrong = _in_a_row()
    figures["own_growth_bytes"] = _own_growth()
    for profile in ("forge", "a1111"):
        with _webui(profile) as host:
            wrong += load.at_once(host, requests(CLIENTS))
    figures |= {"clients": CLIENTS, "mismatches": len(wrong)}
    for line in wrong[:TOLD]:
        print(f"  {line}")
    for key, text in _TOLD.items():
        print(f"{text:52}{figures[key]:>12,}")
    write_json(json_file, {key: figures[key] for key in _TOLD})


_TOLD = {
    "generations": "generations in a row",
    "ms_per_generation": "milliseconds a generation, plan included",
    "memory_growth_mb": f"growth of the server after the first {WARM}, MB",
    "own_growth_bytes": f"of it allocated by this extension, bytes in {DIFFERENT}",
    "lora_changes": "LoRA changes asked for",
    "repatches": "re-patches beyond these",
    "clients": "clients at once",
    "mismatches": "answers that were not right",
}


@contextmanager
def _webui(profile: str) -> Iterator[Host]:
    with running_webui("--profile", profile, "--nowebui", "--extra-extension", str(WATCHER)) as url:
        yield Host(Client(url))


def _in_a_row() -> tuple[dict[str, Any], list[str]]:
    """The figures of the long run, and what was wrong in it."""
    used: dict[int, float] = {}
    with _webui("forge") as host:
        start = time.perf_counter()

        def look(done: int) -> None:
            if done % EVERY == 0:
                used[done] = host.client.get("/memory-watcher/process")["uss_mb"]
            if done % WARM == 0:
                print(f"{done:>6,} of {GENERATIONS:,}: {used[done]:.1f} MB", flush=True)

        soak = load.in_a_row(host, requests(DIFFERENT), GENERATIONS, look)
        seconds = time.perf_counter() - start
    settled = [median(used[start + EVERY * look] for look in range(LOOKS)) for start in (WARM, _LAST)]
    figures = {
        "generations": soak.generations,
        "ms_per_generation": round(seconds / soak.generations * 1000, 1),
        "memory_growth_mb": round(settled[1] - settled[0], 1),
        "lora_changes": soak.lora_changes,
        "repatches": soak.repatches,
    }
    return figures, soak.wrong


def _own_growth() -> int:
    """Bytes that lines of this extension allocated and that stay, from one turn of all requests to the next."""
    asks = requests(DIFFERENT)
    with _webui("forge") as host:
        load.in_a_row(host, asks, DIFFERENT)
        host.client.post("/memory-watcher/trace", {})  # what is remembered on purpose is there by now
        stays = []
        for _ in range(2):  # in the same order, for the host remembers the last prompts
            load.in_a_row(host, asks, DIFFERENT, seed=2)
            stays.append(sum(host.own_memory()["bytes"].values()))
    return stays[1] - stays[0]
