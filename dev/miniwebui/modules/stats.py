"""Counters for benchmarks, since the server started: GET /miniwebui/v1/stats."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field


@dataclass
class Stats:
    evaluations: int = 0
    """UNet evaluations, counted per picture row: cond and uncond of one picture are two."""
    sampling_seconds: float = 0.0
    pictures: int = 0
    repatches: int = 0
    """How often the set of LoRAs in the weights changed."""
    preserved_memory: int = 0
    """Bytes that the latest sampling was asked to leave free, where the host has such a request."""
    timesteps: list[float] = field(default_factory=list)
    """What the net was given, call by call, since the last generation began."""

    def as_dict(self) -> dict:
        return asdict(self)


STATS = Stats()


@contextmanager
def sampling_time() -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        STATS.sampling_seconds += time.perf_counter() - start
