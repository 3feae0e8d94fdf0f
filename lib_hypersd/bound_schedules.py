"""Hosts without schedule types: there a sampler brings its schedule, and may tell so by its name.

Names only, so that the plan can ask for "Euler on SGM Uniform" and get the sampler which is that on such a host.
"""

from __future__ import annotations

BOUND: dict[str, tuple[str, str]] = {
    "Euler SGMUniform": ("Euler", "SGM Uniform"),
    "Euler A SGMUniform": ("Euler a", "SGM Uniform"),
    "DPM++ 2M SGMUniform": ("DPM++ 2M", "SGM Uniform"),
    "DPM++ 2M SDE SGMUniform": ("DPM++ 2M SDE", "SGM Uniform"),
}
"""By sampler: what a host with schedule types calls its method and its schedule type (Forge Classic's samplers)."""


def method_and_schedule(sampler: str, schedule: str | None) -> tuple[str, str | None]:
    """A sampler and a schedule type in the words of a host that has both; None where the name tells no schedule."""
    return BOUND.get(sampler, (sampler, schedule))
