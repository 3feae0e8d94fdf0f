"""Random plans tried, and those that break a promise: no crash, one tag, at rest when applied to its own result, an
axis's field left alone, the same again from the infotext. What a case is made of is in `plan_cases`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from random import Random

from .plan_cases import broken, draw, shown, smallest

SEED = 20260
CHUNK = 5000
"""Cases of one seed, for one process."""
MOST_EXAMPLES = 3
"""Failing cases of each promise that are made small: in a chunk, and in the report."""


@dataclass
class Hunt:
    """How many plans were tried and failed, and small examples of those that did, by promise."""

    tried: int = 0
    failed: int = 0
    by_promise: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, other: Hunt) -> None:
        self.tried += other.tried
        self.failed += other.failed
        self.by_promise += other.by_promise
        for promise, found in other.examples.items():
            known = {*self.examples.get(promise, ()), *found}
            self.examples[promise] = sorted(known, key=lambda text: (len(text), text))[:MOST_EXAMPLES]


def hunt(cases: int, seed: int) -> Hunt:
    """Try so many cases of a seed."""
    random, found = Random(seed), Hunt(cases)
    for _ in range(cases):
        case = draw(random)
        reasons = broken(case)
        found.failed += bool(reasons)
        found.by_promise.update(reasons.keys())
        for promise in reasons:
            examples = found.examples.setdefault(promise, [])
            if len(examples) < MOST_EXAMPLES:
                small = smallest(case, promise)
                examples.append(f"{shown(small)}: {broken(small)[promise]}")
    return found


def all_chunks(cases: int, seed: int = SEED, at_once: int | None = None) -> Hunt:
    """Try so many cases in several processes. How many those are does not change what is tried."""
    sizes = [min(CHUNK, cases - start) for start in range(0, cases, CHUNK)]
    seeds = [seed * 1000 + number for number in range(len(sizes))]
    with ProcessPoolExecutor(at_once or os.cpu_count() or 2) as pool:
        return _sum(pool.map(hunt, sizes, seeds))


def _sum(parts: Iterable[Hunt]) -> Hunt:
    total = Hunt()
    for part in parts:
        total.add(part)
    return total


def run(cases: int, seed: int | None, json_file: str | None) -> None:
    from .arms import write_json

    found = all_chunks(cases, SEED if seed is None else seed)
    for promise, examples in found.examples.items():
        print(f"{promise}: {found.by_promise[promise]} of {found.tried}")
        print("\n".join(f"    {example}" for example in examples))
    for title, count in zip(("plans tried", "failed"), (found.tried, found.failed), strict=True):
        print(f"{title:12}{count:>10,}")
    figures = {"tried": found.tried, "failed": found.failed}
    write_json(json_file, {**figures, "by promise": dict(found.by_promise), "examples": found.examples})
