"""A net's weights in a low-bit storage: what a stored parameter stands for, and storing a changed weight again."""

from __future__ import annotations

import zlib

import torch
from torch import Tensor, nn

from modules import nf4
from modules.profiles import PROFILE

FP8 = torch.float8_e4m3fn
STORAGE_DTYPES = {"": torch.float32, "fp8": FP8, "nf4": "nf4", "q8_0": "gguf", "q4_0": "gguf"}
"""{storage: the model's `storage_dtype`}"""


def dense(parameter: Tensor) -> Tensor:
    """The float32 weight that a stored parameter stands for."""
    if hasattr(parameter, "bnb_quantized"):
        return nf4.dequantize(parameter)
    if hasattr(parameter, "gguf_cls"):
        return parameter.gguf_cls.dequantize_pytorch(parameter)
    return parameter.detach().float()


def stochastic_rounding(value: Tensor, dtype: torch.dtype, seed: int = 0) -> Tensor:
    """Each value to the fp8 above or below it, in proportion; other dtypes as they round."""
    if dtype != FP8:
        return value.to(dtype)
    generator = torch.Generator().manual_seed(seed)
    value = value.float().clamp(torch.finfo(FP8).min, torch.finfo(FP8).max)
    exponent = torch.frexp(value).exponent - 1
    step = torch.ldexp(torch.ones_like(value), exponent.clamp(min=-6) - 3)  # 3 bits of mantissa, subnormals below 2^-6
    return (step * (value / step + torch.rand(value.shape, generator=generator)).floor()).to(FP8)


def stored_like(stored: Tensor, weight: Tensor, key: str) -> nn.Parameter:
    """A changed weight, rounded to the storage of the parameter that it replaces."""
    if hasattr(stored, "bnb_quantized"):
        return nf4.quantize(weight)
    if hasattr(stored, "gguf_cls"):
        from modules import gguf_weights

        return gguf_weights.quantize(weight, stored.gguf_cls)
    if stored.dtype == FP8 and PROFILE.loras.stochastic_fp8:
        seed = zlib.crc32(key.encode())
        return nn.Parameter(stochastic_rounding(weight, FP8, seed), requires_grad=False)
    return nn.Parameter(weight.to(stored.dtype), requires_grad=False)


def _whole_blocks(weight: Tensor, size: int) -> bool:
    return weight.dim() == 2 and weight.shape[1] % size == 0


def stored(weight: Tensor, storage: str) -> nn.Parameter:
    """A float weight in that storage; as it is where its rows are no whole number of blocks."""
    if storage == "fp8":
        return nn.Parameter(weight.detach().to(FP8), requires_grad=False)
    if storage == "nf4" and _whole_blocks(weight, nf4.BLOCK):
        return nf4.quantize(weight)
    if storage in ("q8_0", "q4_0"):
        from modules import gguf_weights

        kind = gguf_weights.KINDS[storage]
        if _whole_blocks(weight, kind.block_size):
            return gguf_weights.quantize(weight, kind)
    return nn.Parameter(weight.detach().float(), requires_grad=False)
