"""Second passes on trained timesteps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_hypersd.plan.trained_steps import (
    MAX_NUDGE,
    TrainedLanding,
    nearest_strengths,
    on_trained_timesteps,
    schedule_length,
)

TRAINED = st.sampled_from([1, 2, 4, 8, 12, 16])
DENOISE = st.floats(0, 1)


def test_the_contracts_example() -> None:
    assert on_trained_timesteps(8, 0.55) == TrainedLanding(5, 0.56)


@given(TRAINED, DENOISE)
def test_the_host_builds_the_trained_schedule_and_the_nudge_is_small(trained: int, denoise: float) -> None:
    second = on_trained_timesteps(trained, denoise)
    if second is not None:
        assert schedule_length(second.steps, second.denoise) == trained
        assert abs(second.denoise - denoise) <= MAX_NUDGE + 1e-9
        assert 1 <= second.steps <= trained


@given(TRAINED, DENOISE)
def test_once_is_enough(trained: int, denoise: float) -> None:
    second = on_trained_timesteps(trained, denoise)
    if second is not None:
        assert on_trained_timesteps(trained, second.denoise) == second


@given(TRAINED, DENOISE, st.integers(1, 16))
def test_nothing_is_moved_that_must_not_be(trained: int, denoise: float, steps: int) -> None:
    held = on_trained_timesteps(trained, denoise, nudge=False)
    assert held is None or held.denoise == denoise
    fixed = on_trained_timesteps(trained, denoise, steps=steps)
    assert fixed is None or fixed.steps == steps


@pytest.mark.parametrize(("trained", "denoise"), [(4, 0.31), (4, 0.34), (2, 0.6), (2, 0.2), (1, 0.4), (8, 0.0)])
def test_where_no_k_exists_nothing_is_moved(trained: int, denoise: float) -> None:
    assert on_trained_timesteps(trained, denoise) is None


@given(TRAINED, st.floats(0.01, 1))
def test_the_strengths_in_the_notice_are_true(trained: int, denoise: float) -> None:
    for strength in nearest_strengths(trained, denoise):
        assert on_trained_timesteps(trained, strength, nudge=False) is not None
