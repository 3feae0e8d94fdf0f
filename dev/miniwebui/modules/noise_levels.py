"""From a number of steps to the noise levels [n + 1] of a run, the last one 0: what schedule types are made of."""

from __future__ import annotations

import k_diffusion.sampling
import numpy as np
import torch

from modules import shared


def to_d(x, sigma, denoised):
    """The ODE's derivative, with sigma as a plain number."""
    return (x - denoised) / sigma


k_diffusion.sampling.to_d = to_d


def _levels(sigmas, device):
    return torch.FloatTensor([*(float(x) for x in sigmas), 0.0]).to(device)


def uniform(n, sigma_min, sigma_max, inner_model, device):
    return inner_model.get_sigmas(n).to(device)


def _timesteps(inner_model, sigma_min, sigma_max):
    return inner_model.sigma_to_t(torch.tensor(sigma_max)), inner_model.sigma_to_t(torch.tensor(sigma_min))


def sgm_uniform(n, sigma_min, sigma_max, inner_model, device):
    start, end = _timesteps(inner_model, sigma_min, sigma_max)
    return _levels((inner_model.t_to_sigma(t) for t in torch.linspace(start, end, n + 1)[:-1]), device)


def normal_scheduler(n, sigma_min, sigma_max, inner_model, device):
    start, end = _timesteps(inner_model, sigma_min, sigma_max)
    return _levels((inner_model.t_to_sigma(t) for t in torch.linspace(start, end, n)), device)


def simple_scheduler(n, sigma_min, sigma_max, inner_model, device):
    stride = len(inner_model.sigmas) / n
    return _levels((inner_model.sigmas[-(1 + int(i * stride))] for i in range(n)), device)


def ddim_scheduler(n, sigma_min, sigma_max, inner_model, device):
    stride = max(len(inner_model.sigmas) // n, 1)
    return _levels(reversed([inner_model.sigmas[i] for i in range(1, len(inner_model.sigmas), stride)]), device)


def turbo_scheduler(n, sigma_min, sigma_max, inner_model, device):
    timesteps = (torch.arange(n, 0, -1) * (1000.0 / n) - 1).round().clip(0, 999)
    return _levels((inner_model.t_to_sigma(t) for t in timesteps), device)


def beta_scheduler(n, sigma_min, sigma_max, inner_model, device):
    from scipy import stats

    places = stats.beta.ppf(1 - np.linspace(0, 1, n), shared.opts.beta_dist_alpha, shared.opts.beta_dist_beta)
    return _levels((sigma_min + place * (sigma_max - sigma_min) for place in places), device)


def kl_optimal(n, sigma_min, sigma_max, device):
    low, high = torch.arctan(torch.tensor(sigma_min)), torch.arctan(torch.tensor(sigma_max))
    share = torch.arange(n + 1, device=device) / n
    return torch.tan(share * low + (1 - share) * high)


AYS_SD15 = [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029]
AYS_SDXL = [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029]
"""Published in "Align Your Steps" (Sabour et al., 2024) for ten steps."""


def get_align_your_steps_sigmas(n, sigma_min, sigma_max, device):
    sigmas = AYS_SDXL if shared.sd_model.is_sdxl else AYS_SD15
    places = np.linspace(0, 1, len(sigmas))
    return _levels(np.exp(np.interp(np.linspace(0, 1, n), places, np.log(sigmas))), device)
