"""What a merge into a low-bit checkpoint keeps of a LoRA: W + ΔW is rounded to the storage's own levels again.

A dequantised weight lies on a level of its codebook, so that a ΔW smaller than half a step between levels is rounded
away as a whole. Formats: bitsandbytes' NF4 (QLoRA, arXiv:2305.14314, appendix E; blocks of 64 with a float32 maximum),
GGML's Q8_0 and Q4_0 (blocks of 32 with a float16 scale), torch's float8.
"""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from ..models.storage import Merged

_NF4 = torch.tensor(
    [
        -1.0,
        -0.6961928009986877,
        -0.5250730514526367,
        -0.39491748809814453,
        -0.28444138169288635,
        -0.18477343022823334,
        -0.09105003625154495,
        0.0,
        0.07958029955625534,
        0.16093020141124725,
        0.24611230194568634,
        0.33791524171829224,
        0.44070982933044434,
        0.5626170039176941,
        0.7229568362236023,
        1.0,
    ]
)
_BETWEEN_NF4 = (_NF4[1:] + _NF4[:-1]) / 2


def _nf4(weight: Tensor) -> Tensor:
    blocks = _blocks(weight, 64)
    top = blocks.abs().amax(1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
    levels = _NF4.to(weight.device)[torch.bucketize(blocks / top, _BETWEEN_NF4.to(weight.device))]
    return _unblocked(levels * top, weight)


def _q8_0(weight: Tensor) -> Tensor:
    blocks = _blocks(weight, 32)
    step = blocks.abs().amax(1, keepdim=True) / 127
    levels = torch.where(step > 0, blocks / step, 0.0).round()
    return _unblocked(levels * step.half().float(), weight)


def _q4_0(weight: Tensor) -> Tensor:
    blocks = _blocks(weight, 32)
    step = blocks.gather(1, blocks.abs().argmax(1, keepdim=True)) / -8
    levels = (torch.where(step != 0, blocks / step, 0.0) + 8.5).floor().clamp(0, 15) - 8
    return _unblocked(levels * step.half().float(), weight)


def _cast(dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    return lambda weight: weight.to(dtype).float()


Rounding = Callable[[Tensor], Tensor]
"""What is read back of float32 weights [out, in] once they are stored; `in` in whole blocks."""
ROUNDING: Mapping[str, Rounding] = {
    "nf4": _nf4,
    "q8_0": _q8_0,
    "q4_0": _q4_0,
    "fp8": _cast(torch.float8_e4m3fn),
    "fp8_e5m2": _cast(torch.float8_e5m2),
    "bf16": _cast(torch.bfloat16),
    "fp16": _cast(torch.float16),
    "fp32": _cast(torch.float32),
}
"""By storage, to the nearest level."""


def _blocks(weight: Tensor, size: int) -> Tensor:
    flat = weight.float().flatten()
    return torch.nn.functional.pad(flat, (0, -flat.numel() % size)).view(-1, size)


def _unblocked(blocks: Tensor, weight: Tensor) -> Tensor:
    return blocks.flatten()[: weight.numel()].view(weight.shape)


def merged(layers: Iterable[tuple[Tensor, Tensor]], rounding: Rounding | None) -> Merged | None:
    """Measure on (W as it is read from the storage, ΔW with the tag's weight) [out, in] each, both float32.

    None where the rounding is not known, and where there is nothing to measure.
    """
    pairs = [(weight, change) for weight, change in layers if bool(change.any())]
    if rounding is None or not pairs:
        return None
    figures = []
    for weight, change in pairs:
        stored, own = rounding(weight + change) - weight, float(change.norm())
        kept = float((stored * change).sum()) / own**2
        figures.append((own / float(weight.norm()), kept, float((stored - change).norm()) / own))
    return Merged(*(sum(column) / len(figures) for column in zip(*figures, strict=True)))
