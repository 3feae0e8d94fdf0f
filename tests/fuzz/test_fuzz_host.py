"""Endpoints, paste and panel: what in_host.py fuzzes, in a process of its own, since a host fills the module list."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from fuzz.budget import FACTOR, IN_HOST, SEED
from runs import ran

PROGRAM = Path(__file__).with_name("in_host.py")


def test_what_needs_a_host() -> None:
    environment = {**os.environ, "HYPERSD_FUZZ_SEED": str(SEED), "HYPERSD_FUZZ_FACTOR": str(FACTOR)}
    done = subprocess.run([sys.executable, str(PROGRAM)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
    counts = json.loads(done.stdout.splitlines()[-1])
    assert counts == {target: round(cases * FACTOR) for target, cases in IN_HOST.items()}
    ran.update(counts)
