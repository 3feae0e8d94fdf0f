"""The hosts' sampler LCM: each step jumps to the denoised latents and noises them again to the next level.

A1111, reForge and Forge also round its timesteps to every 20th, and blend some input into the output at the lowest:
left out here.
"""

from __future__ import annotations

from itertools import pairwise

import k_diffusion.sampling
import torch


@torch.no_grad()
def sample_lcm(model, x, sigmas, extra_args=None, callback=None, disable=None, noise_sampler=None):
    """Latents [n, c, h, w] from `x` along `sigmas` (descending, the last one 0)."""
    noise_sampler = noise_sampler or k_diffusion.sampling.default_noise_sampler(x)
    predictor = getattr(model.inner_model, "predictor", None)
    for i, (sigma, after) in enumerate(pairwise(sigmas)):
        denoised = model(x, sigma.expand(len(x)), **(extra_args or {}))
        if callback is not None:
            callback({"x": x, "i": i, "sigma": sigma, "sigma_hat": sigma, "denoised": denoised})
        x = denoised
        if after > 0:
            noise = noise_sampler(sigma, after)
            x = x + after * noise if predictor is None else predictor.noise_scaling(after, noise, x)
    return x
