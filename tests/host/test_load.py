"""A short soak and many clients at once, as `run.py bench soak` does it at length."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from live.server import miniwebui

from dev.commands import load
from dev.commands.load import Host
from dev.commands.load_requests import KINDS, requests

WATCHER = Path(__file__).parent / "extensions" / "memory-watcher"
CLIENTS = 32
MOST_BYTES = 4096
"""Of our lines' bytes, so much more or less lives on from turn to turn in what the host keeps of its last pictures."""


@pytest.fixture(scope="module", params=["forge", "a1111"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    with miniwebui(request.param, "--nowebui", "--extra-extension", str(WATCHER)) as client:
        yield Host(client)


def test_each_of_many_pictures_is_right_and_nothing_stays_of_it(host: Host) -> None:
    asks = requests(len(KINDS))
    turns = [load.in_a_row(host, asks, len(asks), seed=1)]
    host.client.post("/memory-watcher/trace", {})  # what is remembered on purpose is there by now
    memory = []
    for _ in range(2):  # in the same order, for the host remembers the last prompts
        turns.append(load.in_a_row(host, asks, len(asks), seed=2))
        memory.append(host.own_memory())
    host.client.post("/memory-watcher/untrace", {})  # it makes all that follows several times slower
    assert [turn.wrong for turn in turns] == [[], [], []]
    assert [turn.repatches for turn in turns] == [0, 0, 0]
    assert all(0 < turn.lora_changes < turn.generations for turn in turns)
    assert turns[0].first == turns[1].first == turns[2].first
    before, after = memory
    assert after["alive"] == before["alive"]
    grown = {line: size - before["bytes"].get(line, 0) for line, size in after["bytes"].items()}
    assert sum(after["bytes"].values()) - sum(before["bytes"].values()) < MOST_BYTES, grown


def test_each_of_many_clients_gets_what_it_would_get_alone(host: Host) -> None:
    assert load.at_once(host, requests(CLIENTS), rounds=1) == []
