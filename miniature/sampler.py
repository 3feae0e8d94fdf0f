"""Text to image as the hosts do it: k-diffusion's Euler over SGM Uniform timesteps, with guidance."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from miniature.checkpoint import Miniature
from miniature.schedule import sgm_uniform, sigma_at
from miniature.unet import GRID

Eps = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(x [n, 4, h, w] in variance-preserving scale, t [n], context [n, L, 768]) -> eps, as the UNet."""


def column(values: Tensor) -> Tensor:
    """[n] -> [n, 1, 1, 1], to go with latents."""
    return values[:, None, None, None]


def guided_eps(
    unet: Eps, x: Tensor, sigma: Tensor, t: Tensor, cond: Tensor, uncond: Tensor | None, cfg: float
) -> Tensor:
    """Noise in the k-diffusion state x = x0 + sigma * noise; sigma and t are [n]. CFG 1 takes no uncond."""
    scaled = x / column(sigma**2 + 1).sqrt()
    if cfg == 1.0 or uncond is None:
        return unet(scaled, t, cond)
    both = unet(torch.cat([scaled, scaled]), torch.cat([t, t]), torch.cat([uncond, cond]))
    without, with_prompt = both.chunk(2)
    return without + cfg * (with_prompt - without)


def euler(
    unet: Eps,
    x: Tensor,
    times: Tensor,
    cond: Tensor,
    uncond: Tensor | None = None,
    cfg: float = 1.0,
    last: Tensor | float = 0.0,
) -> Tensor:
    """Euler steps over `times`, [steps] or one column per picture [steps, n], then on to sigma = last."""
    times = times[:, None].expand(-1, len(x)) if times.dim() == 1 else times
    ends = torch.as_tensor(last, dtype=torch.float32).expand(1, len(x))
    sigmas = torch.cat([sigma_at(times), ends])
    for i, t in enumerate(times):
        eps = guided_eps(unet, x, sigmas[i], t, cond, uncond, cfg)
        x = x + eps * column(sigmas[i + 1] - sigmas[i])
    return x


def noise_for(seeds: Sequence[int]) -> Tensor:
    """Unit noise [n, 4, 16, 16], each picture's from its own seed."""
    return torch.stack([torch.randn(4, GRID, GRID, generator=torch.Generator().manual_seed(s)) for s in seeds])


@torch.no_grad()
def draw(
    model: Miniature, prompts: Sequence[str], steps: int, cfg: float, seed: int, unet: Eps | None = None
) -> Tensor:
    """Pictures [n, 3, 128, 128] in 0..1, the i-th from seed + i; `unet` stands in for the model's own."""
    times, pictures = sgm_uniform(steps), []
    for start in range(0, len(prompts), 128):
        part = prompts[start : start + 128]
        noise = noise_for(range(seed + start, seed + start + len(part)))
        cond, uncond = model.text.encode(part), model.text.encode([""] * len(part))
        latents = euler(unet or model.unet, noise * sigma_at(times[0]), times, cond, uncond, cfg)
        pictures.append(model.autoencoder.decode(latents).clamp(0, 1))
    return torch.cat(pictures)
