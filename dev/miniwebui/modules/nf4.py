"""4-bit normal floats as bitsandbytes stores them: blocks of 64 values, one of 16 levels each, two in a byte."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

BLOCK = 64

LEVELS = torch.tensor(
    [
        *(-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453),
        *(-0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0.0),
        *(0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224),
        *(0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0),
    ]
)
"""Quantiles of a normal distribution, scaled to -1..1: QLoRA (Dettmers et al. 2023), appendix E."""

_MIDDLES = (LEVELS[1:] + LEVELS[:-1]) / 2


@dataclass
class QuantState:
    """What the packed bytes don't say: the weight's shape, and the largest value of each block."""

    absmax: Tensor
    shape: torch.Size
    code: Tensor
    dtype: torch.dtype = torch.float32
    blocksize: int = BLOCK
    quant_type: str = "nf4"
    nested: bool = False
    offset: Tensor | None = None
    state2: QuantState | None = None


class Params4bit(nn.Parameter):
    """A weight as packed bytes [values / 2, 1]."""

    blocksize, quant_type, compress_statistics, quant_storage = BLOCK, "nf4", False, torch.uint8
    bnb_quantized = True
    quant_state: QuantState

    def __new__(cls, data: Tensor, quant_state: QuantState):
        self = torch.Tensor._make_subclass(cls, data, False)
        self.quant_state = quant_state
        return self


def quantize(weight: Tensor) -> Params4bit:
    """A float weight of a whole number of blocks, each value to the nearest level."""
    blocks = weight.detach().float().reshape(-1, BLOCK)
    absmax = blocks.abs().amax(1)
    scaled = blocks / absmax.clamp(min=torch.finfo(torch.float32).tiny)[:, None]
    index = torch.bucketize(scaled, _MIDDLES).to(torch.uint8).view(-1, 2)
    packed = (index[:, :1] << 4) | index[:, 1:]
    return Params4bit(packed, QuantState(absmax, weight.shape, LEVELS.clone()))


def dequantize(weight: Params4bit) -> Tensor:
    """The float32 weight in its own shape."""
    state, packed = weight.quant_state, weight.detach().as_subclass(Tensor)
    index = torch.cat([packed >> 4, packed & 15], 1).view(-1, state.blocksize).long()
    return (state.code[index] * state.absmax[:, None]).view(state.shape)
