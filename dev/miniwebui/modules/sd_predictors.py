"""From a noise level to a timestep and back, and from the net's answer to the denoised picture.

Forge rounds the timestep that it gives to the net, A1111 and reForge interpolate: the first asks for these
predictors, the others for k-diffusion's own wrapper.
"""

from __future__ import annotations

import torch
from k_diffusion import sampling
from torch import Tensor


class DiscretePredictor:
    """SD's schedule of 1000 noise levels; the net predicts the noise."""

    prediction_type = "epsilon"
    sigma_data = 1.0

    def __init__(self, alphas_cumprod: Tensor):
        self.alphas_cumprod = alphas_cumprod
        self.set_sigmas(((1 - alphas_cumprod.double()) / alphas_cumprod.double()).sqrt())

    def set_sigmas(self, sigmas: Tensor) -> None:
        self.sigmas, self.log_sigmas = sigmas.float(), sigmas.log().float()

    @property
    def sigma_min(self) -> Tensor:
        return self.sigmas[0]

    @property
    def sigma_max(self) -> Tensor:
        return self.sigmas[-1]

    def timestep(self, sigma: Tensor) -> Tensor:
        """The nearest whole timestep."""
        distances = sigma.log() - self.log_sigmas[:, None]
        return distances.abs().argmin(dim=0).view(sigma.shape)

    def sigma(self, timestep: Tensor) -> Tensor:
        t = torch.clamp(timestep.float(), min=0, max=len(self.sigmas) - 1)
        low, high, share = t.floor().long(), t.ceil().long(), t.frac()
        return ((1 - share) * self.log_sigmas[low] + share * self.log_sigmas[high]).exp()

    def calculate_input(self, sigma: Tensor, noise: Tensor) -> Tensor:
        return noise / (sigma**2 + self.sigma_data**2) ** 0.5

    def calculate_denoised(self, sigma: Tensor, model_output: Tensor, model_input: Tensor) -> Tensor:
        return model_input - model_output * sigma

    def noise_scaling(self, sigma, noise, latent_image, max_denoise=False):
        return latent_image + noise * (torch.sqrt(1.0 + sigma**2.0) if max_denoise else sigma)


class FlowPredictor:
    """A rectified flow: sigma runs from 1 to 0, shifted towards noise."""

    prediction_type = "const"
    sigma_data = 1.0

    def __init__(self, shift: float, timesteps: int = 1000):
        self.shift = shift
        self.sigmas = self.sigma(torch.arange(1, timesteps + 1) * 1000 / timesteps)

    @property
    def sigma_min(self) -> Tensor:
        return self.sigmas[0]

    @property
    def sigma_max(self) -> Tensor:
        return self.sigmas[-1]

    def timestep(self, sigma: Tensor) -> Tensor:
        return sigma * 1000

    def sigma(self, timestep: Tensor) -> Tensor:
        t = timestep / 1000
        return self.shift * t / (1 + (self.shift - 1) * t)

    def calculate_input(self, sigma: Tensor, noise: Tensor) -> Tensor:
        return noise

    def calculate_denoised(self, sigma: Tensor, model_output: Tensor, model_input: Tensor) -> Tensor:
        return model_input - model_output * sigma

    def noise_scaling(self, sigma, noise, latent_image, max_denoise=False):
        return sigma * noise + (1.0 - sigma) * latent_image


class FluxPredictor(FlowPredictor):
    """FLUX on Forge: timestep and noise level are one."""

    def timestep(self, sigma: Tensor) -> Tensor:
        return sigma

    def sigma(self, timestep: Tensor) -> Tensor:
        return timestep

    def __init__(self, shift: float, timesteps: int = 10000):
        self.shift = shift
        t = torch.arange(1, timesteps + 1) / timesteps
        self.sigmas = shift * t / (1 + (shift - 1) * t)


class ScheduleLinker(torch.nn.Module):
    """What samplers and schedules see of a predictor, in k-diffusion's words."""

    def __init__(self, predictor, inner_model):
        super().__init__()
        self.predictor = predictor
        self.inner_model = inner_model

    @property
    def sigmas(self) -> Tensor:
        return self.predictor.sigmas

    @property
    def log_sigmas(self) -> Tensor:
        return self.predictor.sigmas.log()

    @property
    def sigma_min(self) -> Tensor:
        return self.predictor.sigma_min

    @property
    def sigma_max(self) -> Tensor:
        return self.predictor.sigma_max

    def get_sigmas(self, n=None) -> Tensor:
        if n is None:
            return sampling.append_zero(self.sigmas.flip(0))
        return sampling.append_zero(self.t_to_sigma(torch.linspace(len(self.sigmas) - 1, 0, n)))

    def sigma_to_t(self, sigma, quantize=None) -> Tensor:
        return self.predictor.timestep(sigma)

    def t_to_sigma(self, t) -> Tensor:
        return self.predictor.sigma(t)

    def forward(self, x: Tensor, sigma: Tensor, cond) -> Tensor:
        """The denoised latents of noisy ones."""
        level = sigma.view(-1, 1, 1, 1)
        output = self.inner_model.apply_model(self.predictor.calculate_input(level, x), self.sigma_to_t(sigma), cond)
        return self.predictor.calculate_denoised(level, output, x)
