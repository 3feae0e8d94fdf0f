"""A weight with LoRA patches in it, in float32."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from modules.profiles import PROFILE


class LoRAAdapter:
    """A LoRA of one layer, on hosts whose patches are objects."""

    name = "lora"

    def __init__(self, loaded_keys: set[str], weights: tuple[Any, ...]):
        self.loaded_keys = loaded_keys
        """Names of the file's tensors that have been read so far: one set for all layers of a file."""
        self.weights = weights
        """up [out, rank], down [rank, in], alpha, mid, DoRA's scale, shape to pad to."""


def _change(up: Tensor, down: Tensor, mid: Tensor | None) -> Tensor:
    """up @ down in float32, [out, in·…]; a `mid` [rank, rank, kh, kw] stands between them."""
    down = down.float()
    if mid is not None:
        down = torch.einsum("abkl,bi->aikl", mid.float(), down.flatten(1))
    return up.float().flatten(1) @ down.flatten(1)


def _decomposed(scale: Tensor, weight: Tensor, change: Tensor, strength: float) -> Tensor:
    """DoRA: the changed weight with each output's length set by `scale`, blended in by `strength`."""
    changed = weight + change
    lengths = weight.flatten(1).norm(dim=1).view(-1, *[1] * (weight.dim() - 1))
    changed = changed * (scale.float().view(-1, *[1] * (weight.dim() - 1)) / (lengths + torch.finfo(weight.dtype).eps))
    return weight + strength * (changed - weight)


def _apply(entry: Any, weight: Tensor) -> None:
    """Change a float32 weight, or a slice of one, in place."""
    strength, patch, model_strength = entry[:3]
    function = entry[4] if len(entry) > 4 else None
    if model_strength != 1.0:
        weight *= model_strength
    up, down, alpha, mid, *rest = patch.weights if isinstance(patch, LoRAAdapter) else patch[1]
    scale = 1.0 if alpha is None else alpha / down.shape[0]
    change = _change(up, down, mid).reshape(weight.shape)
    if function is not None:
        change = function(change)
    if rest and rest[0] is not None:
        weight.copy_(_decomposed(rest[0], weight, scale * change, strength))
    else:
        weight += strength * scale * change


def merged_weight(entries: Iterable[Any], weight: Tensor, key: str) -> Tensor:
    """A new float32 weight with these patches in it: entries (strength, patch, model's strength), on most hosts with
    (slice or None, function or None, …) after them."""
    result = weight.float().clone()
    for entry in entries:
        part = entry[3] if len(entry) > 3 else None
        try:
            _apply(entry, result if part is None else result.narrow(*part))
        except RuntimeError as error:
            print(f"ERROR lora {key} {error}")
            if PROFILE.loras.misfit_fails:
                raise
    return result
