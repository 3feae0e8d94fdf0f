"""Schedule types, on the hosts that have them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import k_diffusion.sampling

from modules.noise_levels import (
    beta_scheduler,
    ddim_scheduler,
    get_align_your_steps_sigmas,
    kl_optimal,
    normal_scheduler,
    sgm_uniform,
    simple_scheduler,
    to_d,  # noqa: F401
    turbo_scheduler,
    uniform,
)
from modules.profiles import PROFILE


@dataclasses.dataclass
class Scheduler:
    name: str
    label: str
    function: Callable | None
    default_rho: float = -1
    need_inner_model: bool = False
    aliases: list[str] | None = None


def _linked(name, label, function, **kwargs):
    return Scheduler(name, label, function, need_inner_model=True, **kwargs)


_ALL = [
    Scheduler("automatic", "Automatic", None),
    _linked("uniform", "Uniform", uniform),
    Scheduler("karras", "Karras", k_diffusion.sampling.get_sigmas_karras, default_rho=7.0),
    Scheduler("exponential", "Exponential", k_diffusion.sampling.get_sigmas_exponential),
    Scheduler("polyexponential", "Polyexponential", k_diffusion.sampling.get_sigmas_polyexponential, default_rho=1.0),
    _linked("sgm_uniform", "SGM Uniform", sgm_uniform, aliases=["SGMUniform"]),
    Scheduler("kl_optimal", "KL Optimal", kl_optimal),
    Scheduler("align_your_steps", "Align Your Steps", get_align_your_steps_sigmas),
    _linked("simple", "Simple", simple_scheduler),
    _linked("normal", "Normal", normal_scheduler),
    _linked("ddim", "DDIM", ddim_scheduler),
    _linked("beta", "Beta", beta_scheduler),
    _linked("turbo", "Turbo", turbo_scheduler),
]
_BY_LABEL = {x.label: x for x in _ALL}

schedulers = [_BY_LABEL[label] for label in PROFILE.schedulers]
schedulers_map = {**{x.name: x for x in schedulers}, **{x.label: x for x in schedulers}}
