"""A1111's modules of a LoRA: two small layers for each of the model's."""

from __future__ import annotations

import network
import torch
from torch import Tensor, nn

from modules import devices


class ModuleTypeLora:
    """Makes a module of a layer's tensors in kohya's or PEFT's spelling."""

    def create_module(self, net: network.Network, weights: network.NetworkWeights) -> NetworkModuleLora | None:
        w = weights.w
        if "lora_A.weight" in w and "lora_B.weight" in w:
            pair = {"lora_up.weight": w["lora_B.weight"], "lora_down.weight": w["lora_A.weight"]}
            w.clear()
            w.update(pair)
        if "lora_up.weight" in w and "lora_down.weight" in w:
            return NetworkModuleLora(net, weights)
        return None


class NetworkModuleLora(network.NetworkModule):
    def __init__(self, net: network.Network, weights: network.NetworkWeights):
        super().__init__(net, weights)
        self.up_model = self._layer(weights.w, "lora_up.weight")
        self.down_model = self._layer(weights.w, "lora_down.weight")
        self.mid_model = self._layer(weights.w, "lora_mid.weight")
        self.dim = weights.w["lora_down.weight"].shape[0]

    def _layer(self, tensors: dict[str, Tensor], key: str) -> nn.Module | None:
        weight = tensors.get(key)
        if weight is None:
            return None
        kind = network.layer_class(self.sd_module)
        if kind is None:
            raise AssertionError(f"Lora layer {self.network_key} matched a layer of an unsupported type")
        if kind is nn.Linear:
            weight = weight.flatten(1)
            layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        else:
            layer = self._conv(weight if weight.dim() == 4 else weight[:, :, None, None], key)
        with torch.no_grad():
            layer.weight.copy_(weight.reshape(layer.weight.shape))
        layer.to(devices.cpu, devices.dtype)
        return layer.requires_grad_(False)

    def _conv(self, weight: Tensor, key: str) -> nn.Conv2d:
        sd, plain = self.sd_module, key == "lora_up.weight" or tuple(weight.shape[2:]) == (1, 1)
        if plain:
            return nn.Conv2d(weight.shape[1], weight.shape[0], 1, bias=False)
        return nn.Conv2d(weight.shape[1], weight.shape[0], sd.kernel_size, sd.stride, sd.padding, bias=False)

    def calc_updown(self, target: Tensor) -> tuple[Tensor, None]:
        """The change of the layer's weight, or of its third that `target` is."""
        up, down = self.up_model.weight.flatten(1), self.down_model.weight
        if self.mid_model is not None:
            down = torch.einsum("abkl,bi->aikl", self.mid_model.weight, down.flatten(1))
        return self.finalize_updown((up @ down.flatten(1)).view(up.shape[0], *down.shape[1:]), target)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return y + self.up_model(self.down_model(x)) * self.multiplier() * self.calc_scale()
