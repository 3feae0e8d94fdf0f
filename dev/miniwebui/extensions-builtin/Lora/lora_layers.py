"""A LoRA file's layers in kohya's, diffusers' and PEFT's spelling, and what they change in a model's weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

_SUFFIXES = {
    ".lora_up.weight": "up",
    ".lora_down.weight": "down",
    ".lora.up.weight": "up",
    ".lora.down.weight": "down",
    ".lora_B.weight": "up",
    ".lora_A.weight": "down",
    ".lora_B.default.weight": "up",
    ".lora_A.default.weight": "down",
    ".alpha": "alpha",
}


@dataclass
class Layer:
    """One layer: W changes by weight * alpha / rank * up @ down."""

    name: str
    up: Tensor | None = None
    down: Tensor | None = None
    alpha: float | None = None

    def delta(self) -> Tensor:
        """[out, in(, kh, kw)]"""
        up, down = self.up.float(), self.down.float()
        scale = 1.0 if self.alpha is None else self.alpha / down.shape[0]
        return scale * (up.flatten(1) @ down.flatten(1)).view(up.shape[0], *down.shape[1:])


def layers_of(state: dict[str, Tensor]) -> list[Layer]:
    """The complete layers of a file, in its order."""
    found: dict[str, Layer] = {}
    for key, value in state.items():
        for suffix, part in _SUFFIXES.items():
            if key.endswith(suffix):
                layer = found.setdefault(key.removesuffix(suffix), Layer(key.removesuffix(suffix)))
                setattr(layer, part, float(value) if part == "alpha" else value)
                break
    return [layer for layer in found.values() if layer.up is not None and layer.down is not None]


_CONTEXT_OF = {768: "sd15", 1024: "sd21", 2048: "sdxl", 1280: "sdxl-refiner"}


def family_of(layers: list[Layer]) -> str | None:
    """The family that a LoRA's names and shapes tell, "flux" without saying which."""
    names = " ".join(layer.name for layer in layers)
    if "double_blocks" in names or "single_transformer_blocks" in names:
        return "flux"
    if "joint_blocks" in names or "transformer.transformer_blocks" in names:
        return "sd3"
    for layer in layers:
        if layer.name.replace(".", "_").endswith(("attn2_to_k", "attn2_to_v")):
            return _CONTEXT_OF.get(layer.down.shape[1])
    return None


def _fitted(delta: Tensor, shape: torch.Size) -> Tensor:
    """A change of another shape laid over a weight: repeated or cut, with its own mean size."""
    flat = delta.flatten()
    count = shape.numel()
    return flat.repeat(-(-count // flat.numel()))[:count].view(shape)


def fits(model, layers: list[Layer]) -> bool:
    """Whether a LoRA is of the model's family, or of none that its names and shapes tell."""
    family = family_of(layers)
    return family is None or family == model.family.name.replace("flux-dev", "flux").replace("flux-schnell", "flux")


def changes(model, layers: list[Layer]) -> Iterator[tuple[str, Tensor]]:
    """(module name, change) of all layers that this model takes.

    A miniature takes layers by name. A stand-in has a miniature's modules, whatever its family: it takes the layers
    of a LoRA of its family one after the other, cut to size, so that the picture changes.
    """
    if not fits(model, layers):
        return
    mapping = model.network_layer_mapping
    named = [x for x in layers if x.name in mapping and x.delta().shape == mapping[x.name].weight.shape]
    for layer in named:
        yield layer.name, layer.delta()
    if model.standin and not named:
        names = [name for name in mapping if "attn" in name]
        for layer, name in zip(layers, names, strict=False):
            yield name, _fitted(layer.delta(), mapping[name].weight.shape)
