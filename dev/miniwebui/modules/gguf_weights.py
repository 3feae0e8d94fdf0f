"""Weights in GGUF's Q8_0 and Q4_0: blocks of 32 values with a half-precision scale; the `gguf` package writes them."""

from __future__ import annotations

import gguf
import torch
from gguf import GGMLQuantizationType
from torch import Tensor, nn


class _Kind:
    """One kind of block, under the names by which the hosts' own copy of `gguf` converts torch tensors."""

    qtype: GGMLQuantizationType
    block_size: int
    type_size: int
    """Bytes of a block."""

    @classmethod
    def quantize_pytorch(cls, data: Tensor, parent: ParameterGGUF) -> ParameterGGUF:
        """Write a float weight into `parent`."""
        rows = gguf.quantize(data.detach().float().reshape(-1, cls.block_size).numpy(), cls.qtype)
        parent.data = torch.from_numpy(rows)
        return parent

    @classmethod
    def _split(cls, x: ParameterGGUF) -> tuple[Tensor, Tensor]:
        """(scales [blocks, 1] in float32, the blocks' other bytes)"""
        blocks = x.detach().as_subclass(Tensor)
        return blocks[:, :2].contiguous().view(torch.float16).float(), blocks[:, 2:].contiguous()


class Q8_0(_Kind):  # noqa: N801  GGUF's name
    qtype = GGMLQuantizationType.Q8_0
    block_size, type_size = 32, 34

    @classmethod
    def dequantize_pytorch(cls, x: ParameterGGUF) -> Tensor:
        scale, values = cls._split(x)
        return (scale * values.view(torch.int8).float()).view(x.real_shape)


class Q4_0(_Kind):  # noqa: N801  GGUF's name
    qtype = GGMLQuantizationType.Q4_0
    block_size, type_size = 32, 18

    @classmethod
    def dequantize_pytorch(cls, x: ParameterGGUF) -> Tensor:
        scale, packed = cls._split(x)
        values = torch.cat([packed & 15, packed >> 4], 1).float() - 8
        return (scale * values).view(x.real_shape)


class ParameterGGUF(nn.Parameter):
    """A weight as blocks [blocks, bytes]; its `shape` is the weight's own."""

    gguf_cls: type[_Kind]
    real_shape: torch.Size
    computation_dtype, baked = torch.float16, True

    def __new__(cls, data: Tensor, gguf_cls: type[_Kind], real_shape: torch.Size):
        self = torch.Tensor._make_subclass(cls, data, False)
        self.gguf_cls, self.real_shape = gguf_cls, real_shape
        return self

    @property
    def shape(self) -> torch.Size:
        return getattr(self, "real_shape", None) or self.size()


KINDS = {"q8_0": Q8_0, "q4_0": Q4_0}


def quantize(weight: Tensor, gguf_cls: type[_Kind]) -> ParameterGGUF:
    """A float weight whose rows are whole numbers of blocks."""
    empty = ParameterGGUF(torch.empty(0, gguf_cls.type_size, dtype=torch.uint8), gguf_cls, weight.shape)
    return gguf_cls.quantize_pytorch(weight, empty)


def dequantize(weight: ParameterGGUF) -> Tensor:
    """The float32 weight in its own shape."""
    return weight.gguf_cls.dequantize_pytorch(weight)
