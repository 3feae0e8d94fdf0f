"""The UNet: SD 1.5's modules and names, two levels of 32 and 64 channels, 1.27 M parameters."""

from __future__ import annotations

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from dev.miniature.text import CONTEXT

CHANNELS = 32
EMBEDDING = 4 * CHANNELS
GRID = 16
"""Latent height and width that the learned place map is made for: 128 px."""


class Attention(nn.Module):
    """Queries from x [n, m, c], keys and values from context [n, L, k]; one head per 32 channels."""

    def __init__(self, c: int, context: int) -> None:
        super().__init__()
        self.heads = c // 32
        self.to_q = nn.Linear(c, c, bias=False)
        self.to_k, self.to_v = (nn.Linear(context, c, bias=False) for _ in range(2))
        self.to_out = nn.Sequential(nn.Linear(c, c), nn.Identity())

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        q, k, v = (
            y.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for y in (self.to_q(x), self.to_k(context), self.to_v(context))
        )
        return self.to_out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class GEGLU(nn.Module):
    def __init__(self, c: int, inner: int) -> None:
        super().__init__()
        self.proj = nn.Linear(c, 2 * inner)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.proj(x).chunk(2, -1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.net = nn.Sequential(GEGLU(c, 2 * c), nn.Identity(), nn.Linear(2 * c, c))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class TransformerBlock(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.attn1, self.attn2, self.ff = Attention(c, c), Attention(c, CONTEXT), FeedForward(c)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(c) for _ in range(3))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.attn1(y, y)
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class SpatialTransformer(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, c)
        self.proj_in, self.proj_out = nn.Conv2d(c, c, 1), nn.Conv2d(c, c, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(c)])
        nn.init.zeros_(self.proj_out.weight)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        y = self.proj_in(self.norm(x)).flatten(2).transpose(1, 2)
        for block in self.transformer_blocks:
            y = block(y, context)
        return x + self.proj_out(y.transpose(1, 2).reshape(x.shape))


class ResBlock(nn.Module):
    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(nn.GroupNorm(8, c_in), nn.SiLU(), nn.Conv2d(c_in, c_out, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(EMBEDDING, c_out))
        self.out_layers = nn.Sequential(
            nn.GroupNorm(8, c_out), nn.SiLU(), nn.Identity(), nn.Conv2d(c_out, c_out, 3, padding=1)
        )
        self.skip_connection = nn.Identity() if c_in == c_out else nn.Conv2d(c_in, c_out, 1)
        nn.init.zeros_(self.out_layers[3].weight)

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        h = self.in_layers(x) + self.emb_layers(emb)[:, :, None, None]
        return self.skip_connection(x) + self.out_layers(h)


class Downsample(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.op = nn.Conv2d(c, c, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.op(x)


class Upsample(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c, c, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Stage(nn.Sequential):
    """LDM's TimestepEmbedSequential: hands each module what it takes."""

    def forward(self, x: Tensor, emb: Tensor, context: Tensor) -> Tensor:
        for module in self:
            if isinstance(module, ResBlock):
                x = module(x, emb)
            elif isinstance(module, SpatialTransformer):
                x = module(x, context)
            else:
                x = module(x)
        return x


def timestep_embedding(t: Tensor, width: int) -> Tensor:
    """Timesteps [n] -> sinusoids [n, width], as in DDPM and LDM."""
    half = width // 2
    angle = t.float()[:, None] * torch.exp(-math.log(10000) * torch.arange(half, device=t.device) / half)
    return torch.cat([angle.cos(), angle.sin()], 1)


class UNet(nn.Module):
    """Latents x [n, 4, h, w] in variance-preserving scale, timesteps t [n] in 0..999 -> their noise, eps.

    Any h and w, in batches too; 16 x 16 is what it was trained on.
    """

    def __init__(self) -> None:
        super().__init__()
        c = CHANNELS
        self.time_embed = nn.Sequential(nn.Linear(c, EMBEDDING), nn.SiLU(), nn.Linear(EMBEDDING, EMBEDDING))
        # Where on the canvas: a net this shallow can't tell by its padding. Not an LDM tensor.
        self.place = nn.Parameter(torch.zeros(1, c, GRID, GRID))
        self.input_blocks = nn.ModuleList(
            [
                Stage(nn.Conv2d(4, c, 3, padding=1)),
                Stage(ResBlock(c, c)),
                Stage(Downsample(c)),
                Stage(ResBlock(c, 2 * c), SpatialTransformer(2 * c)),
            ]
        )
        self.middle_block = Stage(ResBlock(2 * c, 2 * c), SpatialTransformer(2 * c), ResBlock(2 * c, 2 * c))
        self.output_blocks = nn.ModuleList(
            [
                Stage(ResBlock(4 * c, 2 * c), SpatialTransformer(2 * c)),
                Stage(ResBlock(3 * c, 2 * c), SpatialTransformer(2 * c), Upsample(2 * c)),
                Stage(ResBlock(3 * c, c)),
                Stage(ResBlock(2 * c, c)),
            ]
        )
        self.out = nn.Sequential(nn.GroupNorm(8, c), nn.SiLU(), nn.Conv2d(c, 4, 3, padding=1))

    def forward(self, x: Tensor, t: Tensor, context: Tensor) -> Tensor:
        emb = self.time_embed(timestep_embedding(t, CHANNELS))
        x = self.input_blocks[0](x, emb, context)
        x = x + self._place_for(x)
        skips = [x]
        for block in self.input_blocks[1:]:
            x = block(x, emb, context)
            skips.append(x)
        x = self.middle_block(x, emb, context)
        for block in self.output_blocks:
            skip = skips.pop()
            h, w = skip.shape[2:]
            # An odd h or w comes back from the lower level one larger.
            x = block(torch.cat([x[:, :, :h, :w], skip], 1), emb, context)
        return self.out(x)

    def _place_for(self, x: Tensor) -> Tensor:
        if x.shape[2:] == self.place.shape[2:]:
            return self.place
        return F.interpolate(self.place, size=x.shape[2:], mode="bilinear")
