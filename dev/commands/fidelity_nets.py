"""The nets that both sides of a comparison draw with: one in closed form, and the miniature's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from dev.miniature import lora
from dev.miniature.checkpoint import CHECKPOINT, LORAS, load_checkpoint

Net = Callable[[Tensor, Tensor], Tensor]
"""(x [n, 4, h, w] in the variance-preserving scale, t [n], whole or between) -> eps or v, like x."""
Prediction = Literal["epsilon", "v_prediction"]
PROMPT = "a small yellow star at the top, purple background"


class Mixture:
    """The exact net for latents [n, 4, h, w] whose pixels come from five Gaussian clusters: E[x0 | x] in closed form.

    Computes in float64 and answers in x's dtype, so that a comparison shows the samplers' rounding alone.
    """

    SPREAD = 0.3

    def __init__(self, alphas: Tensor, prediction: Prediction = "epsilon") -> None:
        """`alphas` [1000] is alphas_cumprod."""
        alphas = alphas.double()
        self.log_sigmas = ((1 - alphas) / alphas).sqrt().log()
        self.prediction = prediction
        self.means = torch.randn(5, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64)

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        sigma = self._sigma(t.double())[:, None, None, None]
        scale = (1 + sigma**2).sqrt()
        noisy = x.double() * scale
        x0 = self._denoised(noisy, sigma)
        eps = (noisy - x0) / sigma
        return (eps if self.prediction == "epsilon" else (eps - sigma * x0) / scale).to(x.dtype)

    def _sigma(self, t: Tensor) -> Tensor:
        """Noise levels [n] of timesteps [n], between two in log space as k-diffusion does."""
        low = t.long()
        high = (low + 1).clamp(max=len(self.log_sigmas) - 1)
        return torch.lerp(self.log_sigmas[low], self.log_sigmas[high], t - low).exp()

    def _denoised(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Each cluster's answer, weighted by how likely the pixel [4] is to be from it; x is x0 + sigma * noise."""
        own, noise = self.SPREAD**2, sigma[..., None] ** 2
        pixels = x.movedim(1, -1)[..., None, :]
        distance = (pixels - self.means).square().sum(-1, keepdim=True)
        weights = (-distance / (2 * (own + noise))).softmax(-2)
        answers = (noise * self.means + own * pixels) / (own + noise)
        return (weights * answers).sum(-2).movedim(-1, 1)


def miniature_net(steps: int) -> Net:
    """The miniature's UNet with its `steps`-step LoRA (1: the unified one), asked for one prompt; predicts eps."""
    model = load_checkpoint(CHECKPOINT)
    lora.merge(model.unet, lora.load_lora(LORAS[steps]))
    context = model.text.encode([PROMPT])

    @torch.no_grad()
    def net(x: Tensor, t: Tensor) -> Tensor:
        return model.unet(x, t.float(), context.expand(len(x), -1, -1))

    return net
