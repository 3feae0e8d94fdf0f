"""Hosts without schedule types, where a sampler brings its own: how scenarios speak to them as to the others.

A scenario asks for a sampler on a schedule type and reads the two back. On such a host the target asks for the sampler
that is both, and reads its name as both; what no sampler there is can't be asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

Pair = tuple[str, str]
"""A sampler and a schedule type, in the words of hosts that have both."""

OWN: dict[Pair, str] = {
    ("Hyper-SD TCD", "Hyper-SD TCD"): "Hyper-SD TCD",
    ("Euler a", "Hyper-SD 1-step UNet"): "Hyper-SD 1-step UNet",
}
"""The extension's own; the 1-step UNet's sampler is the source article's."""
_LABELS = {"Karras": "Karras", "Exponential": "Exponential", "SGMUniform": "SGM Uniform", "Turbo": "Turbo"}
"""How the hosts' samplers end, and the schedule type that they bring."""
REQUEST_FIELDS = (("sampler_name", "scheduler"), ("hr_sampler_name", "hr_scheduler"))
INFOTEXT_FIELDS = (("Sampler", "Schedule type"), ("Hires sampler", "Hires schedule type"))


def bound_samplers(samplers: Collection[str]) -> dict[Pair, str]:
    """The host's samplers by what they are."""
    spelled = {name.lower(): name for name in samplers}  # "Euler A SGMUniform" is Euler a
    found = {}
    for name in samplers:
        method, _, ending = name.rpartition(" ")
        if ending in _LABELS:
            found[spelled.get(method.lower(), method), _LABELS[ending]] = name
    return found | {pair: name for pair, name in OWN.items() if name in samplers}


def taken_apart(values: Mapping[str, Any], fields: tuple[Pair, ...], known: Mapping[Pair, str]) -> dict[str, Any]:
    """Values with each sampler as the host names it read as a sampler and a schedule type."""
    pairs = {name: pair for pair, name in known.items()}
    read = dict(values)
    for sampler, schedule in fields:
        if values.get(sampler) in pairs:
            read[sampler], read[schedule] = pairs[values[sampler]]
    return read
