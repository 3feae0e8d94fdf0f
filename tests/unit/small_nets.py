"""Nets of two blocks in the shapes of FLUX and SD 3, with their fused layers, and LoRAs for any net."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lib_hypersd.lora.factors import Factors, Layer, Placed, delta

WIDTH, HEADS, MLP = 32, 2, 64


class FluxBlock(nn.Module):
    """A single block: linear1 is Q, K, V and the MLP's input at once, linear2 takes attention and MLP."""

    def __init__(self) -> None:
        super().__init__()
        self.linear1 = nn.Linear(WIDTH, 3 * WIDTH + MLP)
        self.linear2 = nn.Linear(WIDTH + MLP, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        qkv, mlp = self.linear1(x).split([3 * WIDTH, MLP], -1)
        return x + self.linear2(torch.cat([attention(qkv), nn.functional.gelu(mlp)], -1))


class JointBlock(nn.Module):
    """A block of two streams, each with its fused qkv, that attend to each other."""

    def __init__(self) -> None:
        super().__init__()
        self.x_qkv, self.context_qkv = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, 3 * WIDTH)
        self.x_proj, self.context_proj = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        both = attention(torch.cat([self.context_qkv(context), self.x_qkv(x)], 1))
        length = context.shape[1]
        return x + self.x_proj(both[:, length:]), context + self.context_proj(both[:, :length])


class FluxShaped(nn.Module):
    """Two joint blocks, then two single ones, on tokens [n, l, c] and context [n, k, c]."""

    def __init__(self) -> None:
        super().__init__()
        self.double_blocks = nn.ModuleList([JointBlock() for _ in range(2)])
        self.single_blocks = nn.ModuleList([FluxBlock() for _ in range(2)])

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        for block in self.double_blocks:
            x, context = block(x, context)
        both = torch.cat([context, x], 1)
        for block in self.single_blocks:
            both = block(both)
        return both[:, context.shape[1] :]


class Sd3Shaped(nn.Module):
    """Two joint blocks behind the patches' convolution, on latents [n, 4, h, w]."""

    def __init__(self) -> None:
        super().__init__()
        self.x_embedder = nn.Conv2d(4, WIDTH, 2, stride=2)
        self.joint_blocks = nn.ModuleList([JointBlock() for _ in range(2)])
        self.final = nn.Linear(WIDTH, 16)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        x = self.x_embedder(x).flatten(2).transpose(1, 2)
        for block in self.joint_blocks:
            x, context = block(x, context)
        return self.final(x)


def attention(qkv: Tensor) -> Tensor:
    q, k, v = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in qkv.chunk(3, -1))
    return nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


def lora_for(net: nn.Module, rank: int = 4, seed: int = 0) -> list[Placed]:
    """Random factors for each Linear and Conv2d; for a fused one, for each of its thirds."""
    generator = torch.Generator().manual_seed(seed)
    placed: list[Placed] = []
    for name, module in net.named_modules():
        if not isinstance(module, nn.Linear | nn.Conv2d):
            continue
        layer = Layer(name, module, tuple(module.weight.shape))
        fused = name.endswith(("qkv", "linear1"))
        parts = [(third * WIDTH, WIDTH) for third in range(3)] if fused else [None]
        placed += [Placed(layer, _factors(layer, part, rank, generator), part) for part in parts]
    return placed


def _factors(layer: Layer, part: tuple[int, int] | None, rank: int, generator: torch.Generator) -> Factors:
    out, rest = (part[1] if part else layer.shape[0]), layer.shape[1:]
    ones = (1,) * (len(rest) - 1)
    up = torch.randn(out, rank, *ones, generator=generator) * 0.2
    down = torch.randn(rank, *rest, generator=generator) * 0.2
    return Factors.of(up, down, alpha=rank / 2)


@torch.no_grad()
def merged(net: nn.Module, placed: Sequence[Placed], weight: float) -> nn.Module:
    """A copy of the net with the LoRA summed into its weights in float64, in the net's own dtype."""
    copied = copy.deepcopy(net)
    for one in placed:
        stored = copied.get_submodule(one.layer.name).weight
        first, count = one.part or (0, one.layer.shape[0])
        change = weight * delta(one).double()
        stored[first : first + count] = (stored[first : first + count].double() + change).to(stored.dtype)
    return copied
