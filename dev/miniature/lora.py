"""LoRAs in kohya's format: names, new ones, and how they enter the UNet's weights.

A state is a dict with three tensors per module: NAME.lora_down.weight [rank, in(, kh, kw)],
NAME.lora_up.weight [out, rank(, 1, 1)] and NAME.alpha; the module's weight changes by
weight * alpha / rank * up @ down.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn as nn
from safetensors.torch import load_file
from torch import Tensor

PREFIX = "lora_unet_"


def module_paths(unet: nn.Module) -> dict[str, str]:
    """{kohya name: dotted module path} for every Linear and Conv2d, in the UNet's order."""
    return {
        PREFIX + path.replace(".", "_"): path
        for path, module in unet.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    }


def lora_modules(unet: nn.Module) -> dict[str, nn.Module]:
    """{kohya name: module} of all that a LoRA may change; each has a `weight`."""
    return {name: unet.get_submodule(path) for name, path in module_paths(unet).items()}


def new_lora(unet: nn.Module, rank: int, generator: torch.Generator) -> dict[str, Tensor]:
    """A LoRA that changes nothing yet (up is zero), alpha = rank; less rank where a module allows less."""
    state = {}
    for name, module in lora_modules(unet).items():
        weight: Tensor = module.weight
        fan_out, fan_in = weight.shape[0], weight[0].numel()
        r, ones = min(rank, fan_out, fan_in), (1,) * (weight.dim() - 2)
        bound = fan_in**-0.5  # what nn.Linear and nn.Conv2d start from
        down = torch.rand(r, *weight.shape[1:], generator=generator)
        state[f"{name}.lora_down.weight"] = (2 * down - 1) * bound
        state[f"{name}.lora_up.weight"] = torch.zeros(fan_out, r, *ones)
        state[f"{name}.alpha"] = torch.tensor(float(r))
    return state


def delta(state: Mapping[str, Tensor], name: str) -> Tensor:
    """The full change [out, in(, kh, kw)] of one module's weight, differentiable in up and down."""
    down, up = state[f"{name}.lora_down.weight"], state[f"{name}.lora_up.weight"]
    scale = float(state[f"{name}.alpha"]) / down.shape[0]
    return scale * (up.flatten(1) @ down.flatten(1)).view(up.shape[0], *down.shape[1:])


def effective_weights(unet: nn.Module, state: Mapping[str, Tensor], weight: float = 1.0) -> dict[str, Tensor]:
    """{parameter path: weight + LoRA} for `torch.func.functional_call`.

    Running on summed weights costs what the plain UNet costs; a branch beside each module costs twice that.
    """
    return {
        f"{path}.weight": unet.get_submodule(path).weight + weight * delta(state, name)
        for name, path in module_paths(unet).items()
        if f"{name}.alpha" in state
    }


@torch.no_grad()
def merge(unet: nn.Module, state: Mapping[str, Tensor], weight: float = 1.0) -> None:
    """Fold a LoRA into the UNet's weights for good."""
    parameters = dict(unet.named_parameters())
    for path, value in effective_weights(unet, state, weight).items():
        parameters[path].copy_(value)


def load_lora(path: str | Path) -> dict[str, Tensor]:
    """A LoRA file's state in float32."""
    return {key: value.float() for key, value in load_file(path).items()}
