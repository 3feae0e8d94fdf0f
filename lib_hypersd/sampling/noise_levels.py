"""A model's table of noise levels: sigma[t] = sqrt((1 - alphas_cumprod[t]) / alphas_cumprod[t]), rising with t."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

_SNAP = 1e-5
"""SD's levels are 0.3 % apart at least: a level this near to one is that one, rounded."""


@lru_cache(maxsize=1)
def sd_sigmas() -> Tensor:
    """The table [1000] of SD 1.5 and SDXL in float64: scaled-linear betas from 0.00085 to 0.012."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    alphas = torch.cumprod(1 - betas, 0)
    return ((1 - alphas) / alphas).sqrt()


def model_sigmas(model: Any) -> Tensor:
    """The table of a denoiser as samplers get it (`model.inner_model.sigmas`), of a model wrapper (`model.sigmas`),
    or SD's own for a bare function."""
    for holder in (getattr(model, "inner_model", None), model):
        table = getattr(holder, "sigmas", None)
        if isinstance(table, Tensor):
            return table
    return sd_sigmas()


def is_flow(table: Tensor) -> bool:
    """Whether these are the levels of a flow model (FLUX, SD 3), which end at 1; SD's end at 14 or higher."""
    return float(table.max()) < 2


def timestep_of(sigma: float, table: Sequence[float]) -> float:
    """The timestep of a noise level: whole where `sigma` is a level of the table, else interpolated by log sigma."""
    place = bisect_left(table, sigma)
    for t in (place - 1, place):
        if 0 <= t < len(table) and abs(table[t] - sigma) <= _SNAP * table[t]:
            return float(t)
    if place in (0, len(table)):
        return float(min(place, len(table) - 1))
    low, high = math.log(table[place - 1]), math.log(table[place])
    return place - 1 + (math.log(sigma) - low) / (high - low)


def unit_variance(sigma: float) -> float:
    """The factor for k-diffusion's noise * sigma, to start as diffusers' TCD and LCM pipelines do.

    These start from noise of variance 1 in the variance-preserving scale, noise * sqrt(1 + sigma²) in k-diffusion's:
    0.23 % more at timestep 999, 1.9 % at 800.
    """
    return math.sqrt(1 + sigma**2) / sigma
