"""Strategic stochastic sampling of trajectory consistency models (TCD, Zheng et al., arXiv 2402.19159, algorithm 4).

From timestep t the model jumps along its trajectory to s = floor((1 - eta) · t'), t' the next timestep, and from s to
t' noise is added anew. In the variance-preserving scale of the paper, with x0 the denoised latents and
eps = (x - sqrt(a_t) x0) / sqrt(1 - a_t):

    x_s  = sqrt(a_s) x0 + sqrt(1 - a_s) eps
    x_t' = sqrt(a_t' / a_s) x_s + sqrt(1 - a_t' / a_s) z

k-diffusion's x is that over sqrt(a), its sigma sqrt((1 - a) / a), which leaves

    x_s  = x0 + sigma_s · (x - x0) / sigma_t
    x_t' = x_s + sqrt(sigma_t'² - sigma_s²) z
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from tqdm.auto import tqdm

from .names import TCD_ETA
from .noise_levels import model_sigmas, timestep_of

NoiseSampler = Callable[[Tensor, Tensor], Tensor]
"""(sigma, next sigma) -> noise like the latents: k-diffusion's convention."""


@dataclass(frozen=True)
class Jump:
    """From noise level `sigma` along the trajectory to `target` = sigma_s, then noise of standard deviation `noise`."""

    sigma: float
    target: float
    noise: float


def jumps(sigmas: Sequence[float], table: Sequence[float], eta: float) -> list[Jump]:
    """The jumps [n] between noise levels [n + 1]; a last level of 0 stands for timestep 0's, where TCD ends.

    No jump goes up, even where another schedule's last level lies below timestep 0's.
    """
    return [_jump(sigma, after or min(table[0], sigma), table, eta) for sigma, after in pairwise(sigmas)]


def _jump(sigma: float, after: float, table: Sequence[float], eta: float) -> Jump:
    if eta == 0:
        return Jump(sigma, after, 0.0)
    s = math.floor((1 - eta) * timestep_of(after, table))
    target = min(table[s], after)
    return Jump(sigma, target, math.sqrt(after**2 - target**2))


@torch.no_grad()
def sample_tcd(
    model: Callable[..., Tensor],
    x: Tensor,
    sigmas: Tensor,
    extra_args: Mapping[str, Any] | None = None,
    callback: Callable[[dict[str, Any]], None] | None = None,
    disable: bool | None = None,
    noise_sampler: NoiseSampler | None = None,
    eta: float = TCD_ETA,
) -> Tensor:
    """TCD sampling, equal to diffusers' `TCDScheduler` on the levels of `tcd_sigmas`.

    `model(x, sigma [n], **extra_args)` denoises; `x` [n, c, h, w] are latents at level sigmas[0] in k-diffusion's
    scale, x0 + sigma * noise; `sigmas` [steps + 1] fall. `eta` is the share of noise that is new, 0 (none) to 1 (all);
    noise is generated only where there is some to add, by `noise_sampler` or as `torch.randn_like(x)`.

    Where `sigmas` ends at 0, as the hosts' schedules do, the result is the published pipeline's last latents: at
    timestep 0's level (about 0.029, not 0), in the variance-preserving scale (times 0.99957). Where it ends higher,
    the result is at that level in k-diffusion's scale.

    Raises ValueError for an eta that is no number from 0 to 1.
    """
    if not 0 <= eta <= 1:
        raise ValueError(f"TCD's eta is {eta}; it takes a number from 0 to 1.")
    extra_args = extra_args or {}
    noise_sampler = noise_sampler or (lambda sigma, after: torch.randn_like(x))
    table, levels = model_sigmas(model).tolist(), sigmas.tolist()
    ones = x.new_ones([x.shape[0]])
    for i, jump in enumerate(tqdm(jumps(levels, table, eta), disable=disable)):
        denoised = model(x, sigmas[i] * ones, **extra_args)
        if callback is not None:
            callback({"x": x, "i": i, "sigma": sigmas[i], "sigma_hat": sigmas[i], "denoised": denoised})
        x = (x - denoised).mul_(jump.target / jump.sigma).add_(denoised)
        if jump.noise:
            x = x.add_(noise_sampler(sigmas[i], sigmas[i + 1]), alpha=jump.noise)
    return x / math.sqrt(1 + table[0] ** 2) if levels[-1] == 0 else x
