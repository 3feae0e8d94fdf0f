"""A short soak and many clients at once, as `run.py bench soak` does it at length."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from live.server import miniwebui

from commands import load
from commands.load import Host
from commands.load_requests import KINDS, requests

WATCHER = Path(__file__).parent / "extensions" / "memory-watcher"
CLIENTS = 32
BYTES_A_PICTURE = 20
"""What may stay of a picture, on average: the least thing that could leak is larger."""


@pytest.fixture(scope="module", params=["forge", "a1111"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    with miniwebui(request.param, "--nowebui", "--extra-extension", str(WATCHER)) as client:
        yield Host(client)


def test_each_of_many_pictures_is_right_and_nothing_stays_of_it(host: Host) -> None:
    asks = requests(len(KINDS))
    turns, memory = [], []
    for seed in range(3):
        if seed == 1:  # what is remembered on purpose is there after the first turn
            host.client.post("/memory-watcher/trace", {})
        turns.append(load.in_a_row(host, asks, len(asks), seed=seed))
        memory.append(host.own_memory())
    assert [turn.wrong for turn in turns] == [[], [], []]
    assert [turn.repatches for turn in turns] == [0, 0, 0]
    assert all(0 < turn.lora_changes < turn.generations for turn in turns)
    assert turns[0].first == turns[1].first == turns[2].first
    assert memory[2]["alive"] == memory[1]["alive"]
    assert memory[2]["bytes"] - memory[1]["bytes"] < BYTES_A_PICTURE * len(asks)


def test_each_of_many_clients_gets_what_it_would_get_alone(host: Host) -> None:
    assert load.at_once(host, requests(CLIENTS), rounds=1) == []
