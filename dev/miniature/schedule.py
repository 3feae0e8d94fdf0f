"""SD 1.5's noise schedule: scaled-linear betas from 0.00085 to 0.012 over 1000 timesteps."""

from __future__ import annotations

import torch
from torch import Tensor

TIMESTEPS = 1000
LAST = TIMESTEPS - 1


def alphas_cumprod() -> Tensor:
    """Share of the signal's variance left at each timestep, [1000]."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, TIMESTEPS, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).float()


ALPHAS = alphas_cumprod()
SIGMAS = ((1 - ALPHAS) / ALPHAS).sqrt()
"""k-diffusion's noise levels [1000], 0.029 to 14.6."""


def sigma_at(t: Tensor) -> Tensor:
    """Noise level at fractional timesteps of any shape, interpolated in log space as k-diffusion does."""
    low = t.floor().long().clamp(0, LAST)
    high, share = (low + 1).clamp(max=LAST), t - low
    log = SIGMAS.log()
    return ((1 - share) * log[low] + share * log[high]).exp()


def sgm_uniform(steps: int) -> Tensor:
    """Timesteps [steps] of the hosts' schedule type "SGM Uniform": equal strides down from 999."""
    return torch.linspace(LAST, 0, steps + 1)[:-1]
