"""How near this extension's samplers and schedules come to the published pipelines (diffusers): figures, no printing.

Both sides draw with one net and one noise. The published side is a diffusers scheduler in a pipeline's loop; the
hosts' side is a k-diffusion sampler on k-diffusion's own wrapper of the net, as A1111 and Forge run it. Compared are
the last latents, as relative RMS.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from statistics import median
from typing import Any

import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler, LCMScheduler, TCDScheduler
from diffusers.utils import logging
from k_diffusion import sampling
from k_diffusion.external import DiscreteEpsDDPMDenoiser, DiscreteVDDPMDenoiser
from torch import Tensor

from lib_hypersd.sampling.noise_levels import sd_sigmas, unit_variance
from lib_hypersd.sampling.schedules import one_step_sigmas, tcd_sigmas
from lib_hypersd.sampling.tcd import sample_tcd

from .fidelity_nets import Mixture, Net, Prediction

logging.set_verbosity_error()  # diffusers warns of timestep 800, which is the published one

PREDICTIONS: tuple[Prediction, ...] = ("epsilon", "v_prediction")
STEPS, ETAS, BATCHES = range(1, 9), (0.0, 0.3, 0.7, 1.0), (1, 4)
TRAILING_STEPS = (1, 2, 4, 8)
"""Step counts of the published N-step LoRAs."""
LIMIT_FLOAT32, LIMIT_FLOAT64 = 1e-5, 1e-10
"""The most that rounding may come to."""
ZERO_SNR_ALPHA = 4.8973451890853435e-08
"""The WebUIs' last alphas_cumprod of a zero-terminal-SNR schedule, where 0 would be an infinite sigma."""
CHECKPOINT_CONFIG = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}
"""What the scheduler configurations of SD 1.5 and SDXL say, which the model card hands on by `from_config`."""


def relative_rms(ours: Tensor, published: Tensor) -> float:
    """RMS of the difference over RMS of the published latents."""
    ours, published = ours.double(), published.double()
    return float((ours - published).square().mean().sqrt() / published.square().mean().sqrt())


@dataclass(frozen=True)
class Noise:
    """Unit noise that can be had again: each picture's from a generator of its own."""

    batch: int = 1
    dtype: torch.dtype = torch.float32
    seed: int = 1

    def generators(self) -> list[torch.Generator]:
        return [torch.Generator().manual_seed(self.seed + i) for i in range(self.batch)]

    def draw(self, generators: Iterable[torch.Generator]) -> Tensor:
        """[batch, 4, 16, 16]; other noise at each call, the same as diffusers' pipelines draw from these generators."""
        return torch.cat([torch.randn(1, 4, 16, 16, generator=g, dtype=self.dtype) for g in generators])


def published(scheduler: Any, net: Net, noise: Noise, **step: Any) -> Tensor:
    """The last latents of a diffusers pipeline whose scheduler has its timesteps set; `step` goes to its step()."""
    generators = noise.generators()
    x = noise.draw(generators) * scheduler.init_noise_sigma
    for t in scheduler.timesteps:
        output = net(scheduler.scale_model_input(x, t), t.expand(len(x)))
        x = scheduler.step(output, t, x, generator=generators, return_dict=False, **step)[0]
    return x


def wrapped(net: Net, alphas: Tensor, prediction: Prediction = "epsilon", *, rounds: bool) -> Any:
    """The net as the hosts' samplers see it. Forge rounds the timestep that a sigma stands for, the others don't."""
    wrapper = DiscreteEpsDDPMDenoiser if prediction == "epsilon" else DiscreteVDDPMDenoiser
    return wrapper(net, alphas, quantize=rounds)


@dataclass(frozen=True)
class TcdCase:
    """One comparison of `sample_tcd` on `tcd_sigmas` with diffusers' TCDScheduler."""

    steps: int
    eta: float
    prediction: Prediction = "epsilon"
    batch: int = 1
    dtype: torch.dtype = torch.float32
    zero_snr: bool = False
    rounds: bool = True
    hosts_table: bool = False
    """Noise levels as the hosts have them, from float64, in place of diffusers', which add up rounding."""


def tcd_cases(steps: int, predictions: Iterable[Prediction] = PREDICTIONS, **fixed: Any) -> Iterator[TcdCase]:
    """Every combination of eta, prediction and batch; `fixed` are the fields that all have alike."""
    for eta, prediction, batch in product(ETAS, predictions, BATCHES):
        yield TcdCase(steps, eta, prediction, batch, **fixed)


def tcd_scheduler(case: TcdCase) -> TCDScheduler:
    """diffusers' scheduler with its timesteps set; its alphas, rounded to float32 as they are, in the case's dtype."""
    scheduler = TCDScheduler(prediction_type=case.prediction, rescale_betas_zero_snr=case.zero_snr)
    if case.zero_snr:
        scheduler.alphas_cumprod[-1] = ZERO_SNR_ALPHA
    scheduler.alphas_cumprod = scheduler.alphas_cumprod.to(case.dtype)
    scheduler.set_timesteps(case.steps)
    return scheduler


def tcd_rms(case: TcdCase, net: Net | None = None) -> float:
    """Ours against diffusers'; without a `net`, with the mixture's."""
    scheduler, noise = tcd_scheduler(case), Noise(case.batch, case.dtype)
    alphas = scheduler.alphas_cumprod
    net = net or Mixture(alphas, case.prediction)
    model = wrapped(net, hosts_alphas() if case.hosts_table else alphas, case.prediction, rounds=case.rounds)
    return relative_rms(tcd_latents(model, case, noise), published(scheduler, net, noise, eta=case.eta))


def tcd_latents(model: Any, case: TcdCase, noise: Noise) -> Tensor:
    """What our sampler and schedule come to from `noise`, with the start of the published pipeline."""
    generators = noise.generators()
    sigmas = tcd_sigmas(case.steps, model.sigmas)
    x = _start(noise.draw(generators), sigmas[0], as_published=True)
    return sample_tcd(model, x, sigmas, disable=True, noise_sampler=lambda *_: noise.draw(generators), eta=case.eta)


def hosts_alphas() -> Tensor:
    """alphas_cumprod [1000] as the hosts compute it: float64, then rounded to float32."""
    return (1 / (1 + sd_sigmas() ** 2)).float()


def _start(noise: Tensor, sigma: Tensor, *, as_published: bool) -> Tensor:
    """The hosts' noise * sigma, or the published noise of unit variance, in k-diffusion's scale."""
    x = noise * sigma
    return x * unit_variance(float(sigma)) if as_published else x


@dataclass(frozen=True)
class EulerWays:
    """Which of the published pipeline's ways Euler on SGM Uniform is made to take; none of them is as the hosts run."""

    rounds: bool = False
    """Forge's: the net gets whole timesteps, though the noise level is one between."""
    timesteps: bool = False
    """Noise levels at the published whole timesteps, 874 where the hosts have 874.125."""
    start: bool = False
    """Noise of unit variance in place of noise * sigma."""
    end: bool = False
    """The last step ends at timestep 0's noise level, in the variance-preserving scale, in place of sigma 0."""


AS_HOSTS = (EulerWays(), EulerWays(rounds=True))
"""A1111 and reForge; Forge."""


Published = Callable[[int], Any]
"""Steps -> a diffusers scheduler, new, with its timesteps set."""


def _trailing(kind: type[Any], steps: int) -> Any:
    scheduler = kind.from_config(CHECKPOINT_CONFIG, timestep_spacing="trailing")
    scheduler.set_timesteps(steps)
    return scheduler


EULER: Published = partial(_trailing, EulerDiscreteScheduler)
DDIM: Published = partial(_trailing, DDIMScheduler)
"""As the model card sets it for the N-step LoRAs."""


def euler_rms(made: Published, steps: int, ways: EulerWays, net: Net | None = None) -> float:
    """k-diffusion's Euler on SGM Uniform against a published scheduler, batch 4; without a `net`, the mixture's."""
    scheduler, noise = made(steps), Noise(batch=4)
    net = net or Mixture(scheduler.alphas_cumprod)
    model = wrapped(net, scheduler.alphas_cumprod, rounds=ways.rounds)
    return relative_rms(
        _euler_latents(model, scheduler.timesteps.long(), ways, noise), published(scheduler, net, noise)
    )


def _euler_latents(model: Any, timesteps: Tensor, ways: EulerWays, noise: Noise) -> Tensor:
    """k-diffusion's Euler from `noise`; `timesteps` [steps] are the published ones."""
    levels = model.sigmas[timesteps] if ways.timesteps else sgm_uniform(len(timesteps), model)
    lowest = model.sigmas[:1]
    x = _start(noise.draw(noise.generators()), levels[0], as_published=ways.start)
    sigmas = torch.cat([levels, lowest if ways.end else torch.zeros(1)])
    x = sampling.sample_euler(model, x, sigmas, disable=True)
    return x / math.sqrt(1 + float(lowest) ** 2) if ways.end else x


def sgm_uniform(steps: int, model: Any) -> Tensor:
    """Noise levels [steps] of the hosts' SGM Uniform, without its last 0: equal strides of timesteps."""
    first, last = model.sigma_to_t(model.sigmas[-1]), model.sigma_to_t(model.sigmas[0])
    return model.t_to_sigma(torch.linspace(float(first), float(last), steps + 1)[:-1])


def worst_euler_rms(made: Published, *ways: EulerWays) -> float:
    """The worst of the published step counts, with the mixture's net."""
    return max(euler_rms(made, steps, way) for steps in TRAILING_STEPS for way in ways)


def one_step_rms(sampler: Callable[..., Tensor], *, start_as_published: bool = True, rounds: bool = True) -> float:
    """One k-diffusion step on `one_step_sigmas` against LCMScheduler at timestep 800 (card of the 1-step SDXL UNet)."""
    scheduler, noise = LCMScheduler.from_config(CHECKPOINT_CONFIG), Noise(batch=4)
    scheduler.set_timesteps(timesteps=[800])
    net = Mixture(scheduler.alphas_cumprod)
    model = wrapped(net, scheduler.alphas_cumprod, rounds=rounds)
    sigmas = one_step_sigmas(1, model.sigmas)
    x = _start(noise.draw(noise.generators()), sigmas[0], as_published=start_as_published)
    return relative_rms(sampler(model, x, sigmas, disable=True), published(scheduler, net, noise))


ONE_STEP_SAMPLERS: tuple[Callable[..., Tensor], ...] = (sampling.sample_euler, sampling.sample_euler_ancestral)


def step_ratio(pairs: int = 50, steps: int = 8) -> float:
    """A step of `sample_tcd` over one of k-diffusion's Euler, in time: the median over pairs measured in turns.

    On latents [4, 4, 128, 128] (1024 px) and a net that costs nothing. All levels are above 0, so that TCD adds noise
    in each step; k-diffusion's Euler draws some in each step too, whether it is used or not.
    """
    answer = torch.randn(4, 4, 128, 128)
    sigmas = tcd_sigmas(steps + 1, sd_sigmas())[:-1].float()
    x = torch.randn_like(answer) * sigmas[0]

    def seconds(sampler: Callable[..., Tensor]) -> float:
        start = time.perf_counter()
        sampler(lambda x, sigma: answer, x, sigmas, disable=True)
        return time.perf_counter() - start

    seconds(sample_tcd), seconds(sampling.sample_euler)
    return median(seconds(sample_tcd) / seconds(sampling.sample_euler) for _ in range(pairs))
