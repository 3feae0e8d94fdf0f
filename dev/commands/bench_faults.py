"""Faults tried and survived: every call that the extension makes of its host, failing, on every profile.

A fault is survived where a picture is drawn with all of the plan or none of it, where a word says what was lost, and
where nothing of it is left in the next pictures. Which faults there are stands in `commands.faults`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from .arms import write_json
from .server import PROJECT

QUICK_PARTS = 8
LOOK_BACK, QUICK_LOOK_BACK = 5, 25
"""After so many faults the next pictures are drawn, to be those of before. The plan is looked at each time."""
PROFILES = ("forge", "neo", "reforge", "a1111", "classic")


@dataclass(frozen=True)
class Result:
    """What became of all faults: how many were tried, by group, and a line for each that was not survived."""

    tried: Counter[str]
    failed: list[str]

    @property
    def survived(self) -> int:
        return self.tried.total() - len(self.failed)


def run(json_file: str | None) -> None:
    result = all_profiles()
    for line in result.failed:
        print(f"not survived: {line}")
    for group, count in result.tried.items():
        print(f"{group:40}{count:>8}")
    print(f"{'faults tried':40}{result.tried.total():>8}\n{'survived':40}{result.survived:>8}")
    write_json(json_file, {"tried": result.tried.total(), "survived": result.survived, "failed": result.failed})


def all_profiles(profiles: Sequence[str] = PROFILES, *, quick: bool = False, at_once: int | None = None) -> Result:
    """Each profile in a process of its own. `quick` tries a part of the faults on each, another one on each."""

    def trial(profile: str) -> dict[str, Any]:
        number = PROFILES.index(profile)
        how = ["--share", f"{number}/{QUICK_PARTS}", "--quick"] if quick else []
        every = QUICK_LOOK_BACK if quick else LOOK_BACK
        return _trial(profile, "--kinds", str(number), "--every", str(every), *how)

    with ThreadPoolExecutor(at_once or os.cpu_count() or 2) as pool:
        return _sum(zip(profiles, pool.map(trial, profiles), strict=True))


def _trial(profile: str, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "dev.commands.faults.trial", "--profile", profile, *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"error: the trial on {profile} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _sum(answers: Iterable[tuple[str, dict[str, Any]]]) -> Result:
    result = Result(Counter(), [])
    for profile, answer in answers:
        result.tried.update({f"{profile}, {group}": count for group, count in answer["tried"].items()})
        result.failed.extend(f"{profile}, {line}" for line in answer["failed"])
    return result
