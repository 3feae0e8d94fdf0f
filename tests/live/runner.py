"""Run the scenarios against one address, one line each."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from . import scenarios
from .client import Client
from .scenario import REGISTERED, Scenario, SkippedError
from .target import Target

SUPPORTED = ("sd15", "sdxl")
WORD = {"ok": "ok     ", "failed": "failed ", "skipped": "skipped"}
__all__ = ["Outcome", "Session", "all_scenarios", "run_all", "scenarios"]


@dataclass(frozen=True)
class Outcome:
    """How one scenario ended; `message` says why it failed or was skipped."""

    name: str
    group: str
    result: str
    seconds: float
    message: str


def all_scenarios() -> list[Scenario]:
    return list(REGISTERED)


class Session:
    """A target for the length of a suite: a checkpoint that has LoRAs selected, everything put back at the end."""

    def __init__(self, client: Client, size: int = 64, checkpoint: str = "", modules: Sequence[str] = ()) -> None:
        self.client = client
        self._size = size
        self._checkpoint = checkpoint
        self._modules = modules
        self._before: dict[str, object] = {}

    def __enter__(self) -> Target:
        target = self._new_target()
        self._before = target.options()
        self._modules = target.modules.known or ()  # as they were before the first checkpoint
        wanted = target.checkpoints.get(self._checkpoint, self._checkpoint)
        if not wanted and target.family not in SUPPORTED:
            wanted = _first_checkpoint(target)
        options = target.modules.options(wanted or str(target.status["checkpoint"]))
        if not wanted:
            del options["sd_model_checkpoint"]
        if any(self._before.get(name) != value for name, value in options.items()):
            self.client.post("/sdapi/v1/options", options)
        return self._new_target()

    def __exit__(self, *_: object) -> None:
        after = self._new_target().options()
        changed = {key: value for key, value in self._before.items() if after.get(key) != value}
        if changed:
            self.client.post("/sdapi/v1/options", changed)

    def _new_target(self) -> Target:
        return Target(self.client, self._size, self._modules)


def _first_checkpoint(target: Target) -> str:
    """A checkpoint that there are LoRAs for. SystemExit where there is none."""
    for family in SUPPORTED:
        with suppress(SkippedError):
            return target.checkpoint(family)
    raise SystemExit("error: no checkpoint of the WebUI is named like one of a supported family: use --checkpoint")


def run_one(scenario: Scenario, target: Target) -> Outcome:
    start = time.perf_counter()
    result, message = "ok", ""
    try:
        scenario.run(target)
    except SkippedError as reason:
        result, message = "skipped", str(reason)
    except AssertionError as failure:
        result, message = "failed", str(failure)
    except Exception:
        result, message = "failed", traceback.format_exc(limit=-3)
    return Outcome(scenario.name, scenario.group, result, round(time.perf_counter() - start, 3), message)


def run_all(target: Target, chosen: Iterable[Scenario]) -> list[Outcome]:
    outcomes = []
    for scenario in chosen:
        outcome = run_one(scenario, target)
        reason = f"  {outcome.message}" if outcome.message else ""
        print(f"{WORD[outcome.result]} {outcome.seconds:7.2f} s  {outcome.group}.{outcome.name}{reason}", flush=True)
        outcomes.append(outcome)
    return outcomes


def summary(outcomes: list[Outcome]) -> dict[str, int]:
    return {word: sum(o.result == result for o in outcomes) for result, word in RESULTS}


RESULTS = (("ok", "passed"), ("failed", "failed"), ("skipped", "skipped"))


def write_json(path: Path, target: Target, outcomes: list[Outcome]) -> None:
    """All figures of a run."""
    figures = {
        "url": target.client.url,
        "host": target.status["host"],
        "version": target.status["version"],
        "checkpoint": target.status["checkpoint"],
        **summary(outcomes),
        "seconds": round(sum(o.seconds for o in outcomes), 3),
        "pictures": target.pictures_asked,
        "scenarios": [asdict(outcome) for outcome in outcomes],
    }
    path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
