"""The two parts that are trained from nothing: the autoencoder, then text model and UNet together."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dev.miniature.autoencoder import Autoencoder
from dev.miniature.checkpoint import Miniature
from dev.miniature.loop import Dice
from dev.miniature.renderer import render, windows
from dev.miniature.sampler import column
from dev.miniature.scenes import captions, draw_scenes
from dev.miniature.schedule import ALPHAS, SIGMAS, TIMESTEPS
from dev.miniature.unet import GRID

WINDOW = 64
"""Pixels: the autoencoder learns on windows around the shape, where the edges are."""
LATENT_NOISE = 0.15
"""Deviation of the noise on the latents that the decoder learns to bear: the UNet's latents are never exact."""


@dataclass(frozen=True, eq=False)
class AutoencoderTask:
    """Reconstruct windows of scenes; a light pull keeps the latents near unit deviation."""

    autoencoder: Autoencoder
    batch: int = 32

    @property
    def parameters(self) -> dict[str, Tensor]:
        return dict(self.autoencoder.named_parameters())

    def loss(self, dice: Dice) -> Tensor:
        scenes = draw_scenes(self.batch, dice.numpy)
        x = render(scenes, WINDOW, windows(scenes, WINDOW, dice.numpy), WINDOW)
        z = self.autoencoder.encoder(x * 2 - 1)
        y = self.autoencoder.decoder(z + LATENT_NOISE * dice.normal(*z.shape))
        error = y * 0.5 + 0.5 - x
        spread = z.pow(2).mean() + 10 * (z.std((0, 2, 3)) - 1).pow(2).sum()
        return error.pow(2).mean() + 0.1 * error.abs().mean() + 1e-4 * spread


@torch.no_grad()
def measure_latents(autoencoder: Autoencoder, rng: np.random.Generator, n: int = 512) -> None:
    """Set the autoencoder's mean and std per channel from n scenes, so that its latents are of unit deviation."""
    z = autoencoder.encoder(render(draw_scenes(n, rng)) * 2 - 1)
    autoencoder.mean.copy_(z.mean((0, 2, 3), keepdim=True))
    autoencoder.std.copy_(z.std((0, 2, 3), keepdim=True))


@dataclass(frozen=True, eq=False)
class BaseTask:
    """Predict the noise in latents of scenes, given their captions; some captions are dropped, for guidance."""

    model: Miniature
    batch: int = 64
    dropped: float = 0.12

    @property
    def parameters(self) -> dict[str, Tensor]:
        nets = (self.model.nets()[name].named_parameters(prefix=name) for name in ("unet", "text"))
        return dict(itertools.chain(*nets))

    def loss(self, dice: Dice) -> Tensor:
        scenes = draw_scenes(self.batch, dice.numpy)
        kept = dice.numpy.random(self.batch) >= self.dropped
        words = [text if keep else "" for text, keep in zip(captions(scenes, dice.numpy), kept, strict=True)]
        with torch.no_grad():
            z = self.model.autoencoder.encode(render(scenes))
        noise, t = dice.normal(self.batch, 4, GRID, GRID), dice.integers(TIMESTEPS, self.batch)
        x = column(ALPHAS[t].sqrt()) * z + column((1 - ALPHAS[t]).sqrt()) * noise
        eps = self.model.unet(x, t, self.model.text.encode(words))
        # Between eps and v weighting: a net this shallow decides the layout only at high noise.
        weight = column((1 + SIGMAS[t] ** 2).sqrt()) / 2
        return (weight * F.mse_loss(eps, noise, reduction="none")).mean()
