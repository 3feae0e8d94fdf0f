"""The layers of the hosts' nets: their classes, and weights that are made dense when the layer runs."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from modules import weight_storage
from modules.lora_merge import merged_weight
from modules.profiles import PROFILE


class _Weights:
    """What all layers of the hosts' own have: weights in any storage, and patches that are applied in each run."""

    parameters_manual_cast = True

    def _dense(self, name: str, dtype: torch.dtype) -> Tensor | None:
        parameter = getattr(self, name)
        if parameter is None:
            return None
        value = parameter if parameter.dtype == dtype else weight_storage.dense(parameter).to(dtype)
        for change in online_of(self, name):
            value = change(value)
        return value


class Linear(nn.Module, _Weights):
    """A layer that is no nn.Linear."""

    def __init__(self, weight: nn.Parameter, bias: nn.Parameter | None):
        super().__init__()
        self.weight, self.bias, self.scale_weight = weight, bias, None

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self._dense("weight", x.dtype), self._dense("bias", x.dtype))


class Linear4bit(Linear):
    """For nf4; without the sizes that other layers have as attributes."""

    quant_type = "nf4"

    def reload_weight(self, weight: Tensor) -> Linear4bit:
        """Store a dense weight."""
        self.weight = weight_storage.stored_like(self.weight, weight, "")
        return self


class _CastLinear(nn.Linear, _Weights):
    forward = Linear.forward


class _CastConv2d(nn.Conv2d, _Weights):
    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self._dense("weight", x.dtype), self._dense("bias", x.dtype))


_CastLinear.__name__, _CastConv2d.__name__ = "Linear", "Conv2d"


def online_of(layer: Any, name: str) -> list[Any]:
    """The functions that change a weight or bias in each run, under each host's names."""
    own = layer.__dict__  # nn.Module's own look-up of what is missing is slow
    if name in own.get("forge_online_loras", ()):
        entries = own["forge_online_loras"][name]
        return [lambda value: merged_weight(entries, value, f"online {name} lora").to(value.dtype)]
    return own.get(f"{name}_function", [])


class LowVramPatch:
    """A weight's patches as a function."""

    def __init__(self, key: str, patches: dict[str, list[Any]]):
        self.key, self.patches = key, patches

    def __call__(self, weight: Tensor) -> Tensor:
        return merged_weight(self.patches[self.key], weight, self.key).to(weight.dtype)


def add_online(layer: nn.Module, name: str, key: str, entries: list[Any]) -> None:
    """Have a layer apply these patches to its weight or bias in each run."""
    if PROFILE.loras.patches == "by_file":
        if not hasattr(layer, "forge_online_loras"):
            layer.forge_online_loras = {}
        layer.forge_online_loras[name] = entries
    else:
        setattr(layer, f"{name}_function", [LowVramPatch(key, {key: entries})])


def remove_online(layer: nn.Module) -> None:
    """Take all such patches off."""
    if hasattr(layer, "forge_online_loras"):
        del layer.forge_online_loras
    for name in ("weight_function", "bias_function"):
        if hasattr(layer, name):
            setattr(layer, name, [])


def _linear(layer: nn.Linear, storage: str) -> nn.Module:
    weight = weight_storage.stored(layer.weight, storage)
    bias = layer.bias
    if bias is not None and storage == "fp8":
        bias = weight_storage.stored(bias, storage)
    if hasattr(weight, "bnb_quantized"):
        return Linear4bit(weight, bias)
    if hasattr(weight, "gguf_cls"):
        return Linear(weight, bias)
    if PROFILE.loras.linear == "module":
        made = Linear(weight, bias)
        made.in_features, made.out_features = layer.in_features, layer.out_features
        return made
    made = layer if PROFILE.loras.linear == "torch" else _of_class(layer, _CastLinear)
    made.weight, made.bias = weight, bias
    return made


def _conv(layer: nn.Conv2d, storage: str) -> nn.Module:
    made = layer if PROFILE.loras.linear == "torch" else _of_class(layer, _CastConv2d)
    if storage == "fp8":
        made.weight = weight_storage.stored(layer.weight, storage)
        made.bias = None if layer.bias is None else weight_storage.stored(layer.bias, storage)
    return made


def _of_class(layer: nn.Module, made: type[nn.Module]) -> nn.Module:
    """The layer itself, as one of that class."""
    layer.__class__ = made
    layer.weight_function, layer.bias_function = [], []
    return layer


def convert(net: nn.Module, storage: str) -> None:
    """Give a net this host's layers, its Linear weights in that storage, and its convolutions' too in fp8."""
    for parent in list(net.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear):
                setattr(parent, name, _linear(child, storage))
            elif isinstance(child, nn.Conv2d):
                setattr(parent, name, _conv(child, storage))
