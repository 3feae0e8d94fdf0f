"""The autoencoder: pictures to latents of an eighth of their size, and back. Its own layout, not SD 1.5's."""

from __future__ import annotations

import torch
import torch.nn as nn
from torch import Tensor


class Residual(nn.Module):
    """Two convolutions beside the identity; no normalisation, which would mix up a picture's colours."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.SiLU(), nn.Conv2d(c, c, 3, padding=1), nn.SiLU(), nn.Conv2d(c, c, 3, padding=1))
        nn.init.zeros_(self.body[3].weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class Autoencoder(nn.Module):
    """Images [n, 3, 8h, 8w] in 0..1 <-> latents [n, 4, h, w] of zero mean and unit deviation.

    `mean` and `std` are measured per channel after training; they stand in for LDM's scale factor.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, c: int = 64) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(12, c // 2, 4, 2, 1),
            nn.SiLU(),
            nn.Conv2d(c // 2, c, 4, 2, 1),
            Residual(c),
            nn.SiLU(),
            nn.Conv2d(c, 4, 1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(4, c, 3, padding=1),
            Residual(c),
            Residual(c),
            nn.Conv2d(c, 2 * c, 3, padding=1),
            nn.PixelShuffle(2),
            Residual(c // 2),
            nn.SiLU(),
            nn.Conv2d(c // 2, 48, 3, padding=1),
            nn.PixelShuffle(4),
        )
        self.register_buffer("mean", torch.zeros(1, 4, 1, 1))
        self.register_buffer("std", torch.ones(1, 4, 1, 1))

    def encode(self, images: Tensor) -> Tensor:
        return (self.encoder(images * 2 - 1) - self.mean) / self.std

    def decode(self, latents: Tensor) -> Tensor:
        """Images, not clamped: they may leave 0..1 a little."""
        return self.decoder(latents * self.std + self.mean) * 0.5 + 0.5
