"""Text to image as the hosts do it: k-diffusion's Euler and Euler a over SGM Uniform timesteps, with guidance;
and TCD, which needs timesteps of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dev.miniature.checkpoint import Miniature
from dev.miniature.schedule import sgm_uniform, sigma_at
from dev.miniature.unet import GRID
from lib_hypersd.sampling.names import tcd_eta
from lib_hypersd.sampling.schedules import tcd_timesteps

Eps = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(x [n, 4, h, w] in variance-preserving scale, t [n], context [n, L, 768]) -> eps, as the UNet."""
Fresh = Callable[[], Tensor]
"""Asked for unit noise of the latents' shape; other noise every time."""


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


def euler_ancestral(
    unet: Eps, x: Tensor, times: Tensor, cond: Tensor, fresh: Fresh, uncond: Tensor | None = None, cfg: float = 1.0
) -> Tensor:
    """k-diffusion's Euler a at eta 1 over `times` [steps], then on to no noise."""
    sigmas = torch.cat([sigma_at(times), torch.zeros(1)])
    for t, sigma, end in zip(times, sigmas[:-1], sigmas[1:], strict=True):
        eps = guided_eps(unet, x, sigma.expand(len(x)), t.expand(len(x)), cond, uncond, cfg)
        up = torch.minimum(end, (end**2 * (sigma**2 - end**2) / sigma**2).sqrt())
        x = x + eps * ((end**2 - up**2).sqrt() - sigma)
        x = x + fresh() * up if end > 0 else x
    return x


def tcd_landings(times: Sequence[int], eta: float) -> list[int]:
    """Where each step lands before it is noised up to the next timestep: (1 - eta) of that; the last at 0."""
    return [math.floor((1 - eta) * t) for t in (*times[1:], 0)]


def tcd_states(
    unet: Eps,
    x: Tensor,
    times: Sequence[int],
    cond: Tensor,
    fresh: Fresh,
    eta: float,
    uncond: Tensor | None = None,
    cfg: float = 1.0,
) -> Iterator[Tensor]:
    """TCD's walk over `times` [steps]: x at each of them, then the latents it ends at.

    A step goes by the noise found at t straight to its landing, and is noised up to the next timestep from there;
    with eta 0 the two are one, and no fresh noise is asked for.
    """
    for t, landing, after in zip(times, tcd_landings(times, eta), (*times[1:], 0), strict=True):
        yield x
        sigma, low, high = sigma_at(torch.tensor([t, landing, after]))
        eps = guided_eps(unet, x, sigma.expand(len(x)), torch.full((len(x),), float(t)), cond, uncond, cfg)
        x = x + eps * (low - sigma)
        x = x + fresh() * (high**2 - low**2).sqrt() if high > low else x
    yield x


def noise_for(seeds: Sequence[int]) -> Tensor:
    """Unit noise [n, 4, 16, 16], each picture's from its own seed."""
    return fresh_for(seeds)()


def fresh_for(seeds: Sequence[int]) -> Fresh:
    """Unit noise [n, 4, 16, 16] at every call, each picture's from a generator of its own."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return lambda: torch.stack([torch.randn(4, GRID, GRID, generator=generator) for generator in generators])


@dataclass(frozen=True)
class Sampler:
    """A host's sampler and schedule by `name`; `eta` is TCD's, of no effect on the others."""

    name: str = "Euler"
    eta: float = 0.0

    def __call__(
        self, unet: Eps, fresh: Fresh, steps: int, cond: Tensor, uncond: Tensor | None = None, cfg: float = 1.0
    ) -> Tensor:
        """Latents [n, 4, 16, 16] in `steps` steps from the first noise that `fresh` gives."""
        times = sgm_uniform(steps)
        top = sigma_at(times[0])
        if self.name == "TCD":
            x = fresh() * (top**2 + 1).sqrt()
            *_, x = tcd_states(unet, x, tcd_timesteps(steps), cond, fresh, self.eta, uncond, cfg)
            return x
        if self.name == "Euler a":
            return euler_ancestral(unet, fresh() * top, times, cond, fresh, uncond, cfg)
        return euler(unet, fresh() * top, times, cond, uncond, cfg)


EULER = Sampler()
EULER_A = Sampler("Euler a")


def tcd(steps: int) -> Sampler:
    """TCD as Hyper-SD runs its unified LoRAs."""
    return Sampler("TCD", tcd_eta(steps))


@torch.no_grad()
def draw(
    model: Miniature,
    prompts: Sequence[str],
    steps: int,
    cfg: float,
    seed: int,
    unet: Eps | None = None,
    sampler: Sampler = EULER,
) -> Tensor:
    """Pictures [n, 3, 128, 128] in 0..1, the i-th from seed + i; `unet` stands in for the model's own."""
    pictures = []
    for start in range(0, len(prompts), 128):
        part = prompts[start : start + 128]
        fresh = fresh_for(range(seed + start, seed + start + len(part)))
        cond, uncond = model.text.encode(part), model.text.encode([""] * len(part))
        latents = sampler(unet or model.unet, fresh, steps, cond, uncond, cfg)
        pictures.append(model.autoencoder.decode(latents).clamp(0, 1))
    return torch.cat(pictures)
