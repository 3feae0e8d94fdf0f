"""Weights in GGUF's blocks."""

from torch import Tensor


def dequantize_tensor(tensor: Tensor | None) -> Tensor | None:
    """The weight that a GGUF parameter stands for; any other tensor as it is."""
    gguf_cls = getattr(tensor, "gguf_cls", None)
    return tensor if gguf_cls is None else gguf_cls.dequantize_pytorch(tensor)
