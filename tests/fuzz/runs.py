"""The loop that runs the cases and counts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from fuzz.budget import CASES, FACTOR, IN_HOST, SEED
from mutation import Case

ran: Counter[str] = Counter()


def run_cases(target: str, check: Callable[[Case], object]) -> None:
    """`check` each case of a target of `CASES` or `IN_HOST`, and count those that held."""
    for number in range(round({**CASES, **IN_HOST}[target] * FACTOR)):
        check_case(target, number, check)


def check_case(target: str, number: int, check: Callable[[Case], object]) -> None:
    try:
        check(Case(SEED, target, number))
    except Exception as fault:
        raise AssertionError(f"seed {SEED}, {target}, case {number}: {type(fault).__name__}: {fault}") from fault
    ran[target] += 1
