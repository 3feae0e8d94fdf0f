"""How many cases each target gets, and from which seed."""

from __future__ import annotations

import os

SEED = int(os.environ.get("HYPERSD_FUZZ_SEED", "20250"))
FACTOR = float(os.environ.get("HYPERSD_FUZZ_FACTOR", "1"))
"""HYPERSD_FUZZ_SEED=7 HYPERSD_FUZZ_FACTOR=50 python3 run.py test tests/fuzz: other cases, and fifty times as many.
`run.py test --fast` sets a factor of 0.1."""

AT_LEAST = 100_000
"""Cases that a full run promises."""
PROMISED = round(AT_LEAST * min(FACTOR, 1))
"""Cases that this run promises: with a factor below 1 that part of a full run's, with a greater one no more."""
CASES = {
    "header bytes": 20_000,
    "header trees": 12_000,
    "header files": 1_000,
    "gguf bytes": 20_000,
    "tags": 25_000,
    "tag rules": 16_000,
    "settings object": 20_000,
    "settings positions": 12_000,
    "settings typed": 8_000,
    "recipe lines": 10_000,
    "pasted parameters": 10_000,
    "own entries": 2_000,
    "markup": 3_000,
}
IN_HOST = {
    "plan": 8_000,
    "download": 3_000,
    "http": 800,
    "pasted texts": 2_500,
    "panel questions": 500,
}
"""Those of in_host.py."""
assert sum(CASES.values()) + sum(IN_HOST.values()) >= AT_LEAST
