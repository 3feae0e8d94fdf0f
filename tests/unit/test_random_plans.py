"""`run.py bench plans` in small: no random plan breaks a promise, and the hunt finds one that does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dev.commands import plan_cases
from dev.commands.bench_plans import SEED, hunt
from lib_hypersd.plan.draft import Draft

CASES = 20_000


def test_no_random_plan_breaks_a_promise() -> None:
    found = hunt(CASES, SEED)
    assert (found.tried, found.failed, found.examples) == (CASES, 0, {})


def test_the_hunt_finds_a_broken_promise_and_makes_it_small(monkeypatch: pytest.MonkeyPatch) -> None:
    def set_even_if_held(self: Draft, name: str, value: Any) -> Any:
        return value

    monkeypatch.setattr(Draft, "result", set_even_if_held)
    found = hunt(500, SEED)
    assert found.failed == found.by_promise["held fields"] > 0
    smallest = found.examples["held fields"][0]
    assert smallest == "explicit ['sampler_name']: changed though held: sampler DPM++ 2M → Euler"


def test_a_crash_is_a_broken_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise ZeroDivisionError("no plan")

    monkeypatch.setattr(plan_cases, "make_plan", fail)
    assert plan_cases.broken(plan_cases.DEFAULTS) == {"crash": "ZeroDivisionError: no plan"}


@pytest.mark.parametrize(
    ("change", "promise"),
    [
        ({"prompts": ("a <lora:Hyper-SD15-8steps-lora:1> <lora:Hyper-SD15-8steps-lora:1>",)}, "one tag"),
        ({"prompts": ("a cat",)}, "one tag"),
        ({"changes": ()}, "at rest"),
        ({"active": False}, "at rest"),
    ],
)
def test_each_promise_is_looked_at(change: dict[str, Any], promise: str) -> None:
    planned = plan_cases.Planned.of(plan_cases.DEFAULTS)
    assert planned.plan is not None
    spoilt = replace(planned, plan=replace(planned.plan, **change))
    check = plan_cases.PROMISES[promise]
    assert check(planned) is None
    assert check(spoilt)
