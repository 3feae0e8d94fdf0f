"""A LoRA's change of one layer as a product of two factors, and the layer that it belongs to."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn


class UnfitError(ValueError):
    """A LoRA that can't be applied to this net as a whole; the message says why, to be put after the file's name."""


@dataclass(frozen=True, eq=False)
class Factors:
    """ΔW = scale · up · down, for a layer whose weight is [out, in] or [out, in, kh, kw].

    `up` is [out, rank] or [out, rank, 1, 1], `down` [rank, in] or [rank, in, kh, kw]; a Tucker core `mid`
    [rank, rank, kh, kw] stands between them (LyCORIS). `scale` is alpha over rank, without the weight of the tag.
    """

    up: Tensor
    down: Tensor
    scale: float = 1.0
    mid: Tensor | None = None

    @staticmethod
    def of(up: Tensor, down: Tensor, alpha: float | None, mid: Tensor | None = None) -> "Factors":
        """Factors with the file's alpha; without one ΔW = up · down. Raises UnfitError."""
        if min(up.dim(), down.dim()) < 2 or down.shape[0] != up.shape[1] or not down.numel():
            raise UnfitError(f"holds a pair that does not fit together, {_sizes(up)} and {_sizes(down)}")
        return Factors(up, down, 1.0 if alpha is None else alpha / down.shape[0], mid)

    @property
    def rank(self) -> int:
        return int(self.down.shape[0])


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer of the loaded net. `shape` is its weight's as the checkpoint means it, packed or not."""

    name: str
    module: nn.Module
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Placed:
    """Factors at their place: `part` is (first, count) of the layer's outputs where it is a slice of a fused layer."""

    layer: Layer
    factors: Factors
    part: tuple[int, int] | None = None


Kind = Literal["linear", "conv"]


def kind_of(layer: Layer) -> Kind:
    """How a layer computes. Raises UnfitError for one that a branch can't stand beside."""
    if isinstance(layer.module, nn.Conv2d):
        if layer.module.groups != 1:
            raise UnfitError(f"changes a grouped convolution, {layer.name}")
        return "conv"
    if len(layer.shape) != 2 or isinstance(layer.module, nn.Embedding | nn.modules.conv._ConvNd):
        raise UnfitError(f"changes a layer that is neither linear nor a 2-d convolution, {layer.name}")
    return "linear"


def matrices(placed: Placed) -> tuple[Tensor, Tensor]:
    """(down, up) as a branch computes with them: [rank, in] and [out, rank], for a convolution [rank, in, kh, kw] and
    [out, rank, 1, 1]; a Tucker core is multiplied into `down`. Raises UnfitError where they don't fit the layer."""
    layer, factors = placed.layer, placed.factors
    down = factors.down if factors.mid is None else _with_core(factors)
    up = factors.up.flatten(1)
    out = placed.part[1] if placed.part else layer.shape[0]
    wanted = _inputs(layer, down)
    if up.shape[0] != out or down[0].numel() != math.prod(wanted):
        change = f"{up.shape[0]} × {down[0].numel()}"
        raise UnfitError(f"changes {change} values of {layer.name}, which has {out} × {math.prod(wanted)}")
    if placed.part and placed.part[0] + placed.part[1] > layer.shape[0]:
        raise UnfitError(f"changes outputs that {layer.name} does not have")
    if kind_of(layer) == "linear":
        return down.flatten(1), up
    if placed.part:
        raise UnfitError(f"changes a part of a convolution, {layer.name}")
    return down.reshape(factors.rank, *wanted), up[:, :, None, None]


_INPUT_LAYERS = ("img_in", "input_blocks.0.0", "input_blocks_0_0")
"""Layers that have more inputs in some checkpoints than in those a LoRA is made for, the additional ones last: FLUX.1
Fill, and inpainting models. The hosts fill ΔW up with zeros there."""


def _inputs(layer: Layer, down: Tensor) -> tuple[int, ...]:
    """The input shape [in, …] that `down` must have."""
    if layer.name.endswith(_INPUT_LAYERS) and down.shape[1] < layer.shape[1]:
        return (down.shape[1], *layer.shape[2:])
    return layer.shape[1:]


def _with_core(factors: Factors) -> Tensor:
    """`down` [rank, in, 1, 1] and the core [rank, rank, kh, kw] as one kernel [rank, in, kh, kw]."""
    mid = cast("Tensor", factors.mid).float()
    return torch.einsum("o r h w, r i -> o i h w", mid, factors.down.flatten(1).float())


def delta(placed: Placed) -> Tensor:
    """ΔW [out, …] of the layer or of its part, in float32, without the tag's weight."""
    down, up = matrices(placed)
    change = placed.factors.scale * (up.flatten(1).float() @ down.flatten(1).float())
    change = change.reshape(up.shape[0], *down.shape[1:])
    more = placed.layer.shape[1] - change.shape[1]
    return nn.functional.pad(change, (0, 0) * (change.dim() - 2) + (0, more)) if more else change


def by_layer(placed: Sequence[Placed]) -> dict[nn.Module, list[Placed]]:
    """What belongs to each layer, in order."""
    groups: dict[nn.Module, list[Placed]] = {}
    for one in placed:
        groups.setdefault(one.layer.module, []).append(one)
    return groups


def _sizes(tensor: Tensor) -> str:
    return "[" + ", ".join(map(str, tensor.shape)) + "]"
