"""Weights as bitsandbytes packs them."""

from torch import Tensor

from modules import nf4


def functional_dequantize_4bit(weight: Tensor) -> Tensor:
    """The weight that a packed parameter stands for."""
    return nf4.dequantize(weight) if weight.bnb_quantized else weight
