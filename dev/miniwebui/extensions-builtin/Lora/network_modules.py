"""From a LoRA file's tensors to A1111's modules."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

import network
from network_lora import ModuleTypeLora
from network_names import assign_network_names_to_compvis_modules, convert_diffusers_name_to_compvis, sd3_weight_map
from torch import Tensor, nn

_THIRD = re.compile(r"(.*)_[qkv]_proj$")


def _prepare(model: Any) -> None:
    if not hasattr(model, "network_layer_mapping"):
        assign_network_names_to_compvis_modules(model)
    if model.is_sd3 and not hasattr(model, "diffusers_weight_map"):
        model.diffusers_weight_map = sd3_weight_map(len(model.net.joint_blocks))


def _place(layer: str, model: Any) -> tuple[str, nn.Module | None]:
    """(the model's name of a layer in the file, the layer or None)"""
    mapping = model.network_layer_mapping
    if hasattr(model, "diffusers_weight_map"):
        key = model.diffusers_weight_map.get(layer, layer)
    else:
        key = convert_diffusers_name_to_compvis(layer, False)
    module, third = mapping.get(key), _THIRD.match(key)
    if module is None and third:
        module = mapping.get(third[1])
    if module is None and "lora_unet" in layer:
        key = layer.replace("lora_unet", "diffusion_model")
        module = mapping.get(key)
    return key, module


def fill(net: network.Network, state: Mapping[str, Tensor], model: Any) -> None:
    """Give a network its modules. AssertionError where a layer's tensors are no pair."""
    _prepare(model)
    matched: dict[str, network.NetworkWeights] = {}
    unmatched = {}
    for key, tensor in state.items():
        if hasattr(model, "diffusers_weight_map"):
            layer, *part = key.rsplit(".", 2)
            part = ".".join(part)
        else:
            layer, _, part = key.partition(".")
        name, module = _place(layer, model)
        if module is None:
            unmatched[key] = name
            continue
        weights = matched.setdefault(name, network.NetworkWeights(key, name, {}, module))
        weights.w[part] = tensor
    for name, weights in matched.items():
        module = ModuleTypeLora().create_module(net, weights)
        if module is None:
            raise AssertionError(f"Could not find a module type that would accept those keys: {', '.join(weights.w)}")
        net.modules[name] = module
    if unmatched:
        logging.debug("Network %s didn't match keys: %s", net.network_on_disk.filename, unmatched)
