"""A1111's merging: a layer brings its weight up to date with the loaded networks when it runs."""

from __future__ import annotations

import logging
from typing import Any

import network
import networks
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from modules.models.sd3.mmdit import QkvLinear
from modules.stats import STATS

Wanted = tuple[tuple[str, float, float, "int | None"], ...]

_merged: list[Wanted] = [()]
"""The set that the latest layer was given."""


def _restore(layer: nn.Module) -> None:
    for field, backup in (("weight", "network_weights_backup"), ("bias", "network_bias_backup")):
        stored = getattr(layer, backup, None)
        if stored is not None:
            getattr(layer, field).copy_(stored)


def _back_up(layer: nn.Module) -> None:
    if getattr(layer, "network_weights_backup", None) is None:
        layer.network_weights_backup = layer.weight.detach().clone()
        layer.network_bias_backup = None if layer.bias is None else layer.bias.detach().clone()


def _change_fused(layer: QkvLinear, modules: list[Any]) -> None:
    """All three of queries, keys and values; with one missing the layer stays as it is."""
    changes = [m.calc_updown(w)[0] for m, w in zip(modules, layer.weight.chunk(3, 0), strict=True)]
    layer.weight += torch.vstack(changes)


def _change(layer: nn.Module, net: network.Network) -> None:
    name = layer.network_layer_name
    module = net.modules.get(name)
    if module is not None:
        change, _ = module.calc_updown(layer.weight)
        layer.weight.copy_((layer.weight.to(change.dtype) + change).to(layer.weight.dtype))
    elif isinstance(layer, QkvLinear):
        thirds = [net.modules.get(f"{name}_{x}_proj") for x in "qkv"]
        if all(thirds):
            _change_fused(layer, thirds)


def network_apply_weights(layer: nn.Module) -> None:
    """The layer's original weight plus the loaded networks' changes, rounded to its storage, unless it has them."""
    own = layer.__dict__  # nn.Module's own look-up of what is missing is slow
    if "network_layer_name" not in own:
        return
    wanted = tuple((x.name, x.te_multiplier, x.unet_multiplier, x.dyn_dim) for x in networks.loaded_networks)
    if own.get("network_current_names", ()) != wanted:
        _update(layer, wanted)


@torch.no_grad()
def _update(layer: nn.Module, wanted: Wanted) -> None:
    if _merged[0] != wanted:
        _merged[0] = wanted
        STATS.repatches += 1
    _back_up(layer)
    _restore(layer)
    for net in networks.loaded_networks:
        try:
            _change(layer, net)
        except RuntimeError as error:
            logging.debug("Network %s layer %s: %s", net.name, layer.network_layer_name, error)
            errors = networks.extra_network_lora.errors
            errors[net.name] = errors.get(net.name, 0) + 1
    layer.network_current_names = wanted


def _in(dtype: torch.dtype, value: Tensor | None) -> Tensor | None:
    return value if value is None or value.dtype == dtype else value.to(dtype)


def _linear_forward(self: nn.Linear, input: Tensor) -> Tensor:
    network_apply_weights(self)
    return F.linear(input, _in(input.dtype, self.weight), _in(input.dtype, self.bias))


def _conv_forward(self: nn.Conv2d, input: Tensor) -> Tensor:
    network_apply_weights(self)
    return self._conv_forward(input, _in(input.dtype, self.weight), _in(input.dtype, self.bias))


def install() -> None:
    """Replace torch's own `forward`s, for all layers of this process."""
    nn.Linear.forward, nn.Conv2d.forward = _linear_forward, _conv_forward
