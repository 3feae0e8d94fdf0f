"""A LoRA file on disk, and one that is loaded."""

from __future__ import annotations

import enum
import os
from collections import namedtuple

import torch
from torch import Tensor, nn

from modules import cache, errors, hashes, sd_models, shared
from modules.models.sd3.mmdit import QkvLinear

NetworkWeights = namedtuple("NetworkWeights", ["network_key", "sd_key", "w", "sd_module"])
"""One layer of a file: its key there, the layer's name in the model, its tensors by name, the layer."""

metadata_tags_order = {
    "ss_sd_model_name": 1,
    "ss_resolution": 2,
    "ss_clip_skip": 3,
    "ss_num_train_images": 10,
    "ss_tag_frequency": 20,
}


class SdVersion(enum.Enum):
    Unknown = 1
    SD1 = 2
    SD2 = 3
    SDXL = 4
    Flux = 6


_BY_ARCHITECTURE = {
    "flux-1-dev/lora": SdVersion.Flux,
    "stable-diffusion-xl-v1-base/lora": SdVersion.SDXL,
    "stable-diffusion-v1/lora": SdVersion.SD1,
}


class NetworkOnDisk:
    """name is the file's stem; alias what its metadata calls it."""

    def __init__(self, name, filename):
        self.name = name
        self.filename = filename
        self.metadata = {}
        self.is_safetensors = os.path.splitext(filename)[1].lower() == ".safetensors"
        if self.is_safetensors:
            try:
                self.metadata = cache.cached_data_for_file(
                    "safetensors-metadata", f"lora/{name}", filename, lambda: sd_models.read_metadata(filename)
                )
            except Exception as e:
                errors.display(e, f"reading lora {filename}")
        if self.metadata:
            order = sorted(self.metadata.items(), key=lambda x: metadata_tags_order.get(x[0], 999))
            self.metadata = dict(order)
        self.alias = self.metadata.get("ss_output_name", self.name)
        self.hash = None
        self.shorthash = None
        self.set_hash(
            self.metadata.get("sshs_model_hash")
            or hashes.sha256_from_cache(filename, f"lora/{name}", use_addnet_hash=self.is_safetensors)
            or ""
        )
        self.sd_version = self.detect_version()

    def detect_version(self):
        architecture = str(self.metadata.get("modelspec.architecture", ""))
        base = str(self.metadata.get("ss_base_model_version", ""))
        if architecture in _BY_ARCHITECTURE:
            return _BY_ARCHITECTURE[architecture]
        if base.startswith("sdxl_"):
            return SdVersion.SDXL
        if str(self.metadata.get("ss_v2", "")) == "True":
            return SdVersion.SD2
        return SdVersion.SD1 if base.startswith("sd_v1") else SdVersion.Unknown

    def set_hash(self, v):
        import networks

        self.hash = v
        self.shorthash = v[0:12]
        if self.shorthash:
            networks.available_network_hash_lookup[self.shorthash] = self

    def read_hash(self):
        if not self.hash:
            self.set_hash(hashes.sha256(self.filename, f"lora/{self.name}", use_addnet_hash=self.is_safetensors) or "")

    def get_alias(self):
        import networks

        forbidden = self.alias.lower() in networks.forbidden_network_aliases
        return self.name if shared.opts.lora_preferred_name == "Filename" or forbidden else self.alias


class Network:
    """A LoRA named in the prompt."""

    def __init__(self, name, network_on_disk):
        self.name = name
        self.network_on_disk = network_on_disk
        self.te_multiplier = 1.0
        self.unet_multiplier = 1.0
        self.dyn_dim = None
        self.modules: dict[str, NetworkModule] = {}
        self.bundle_embeddings = {}
        self.mtime = None
        self.mentioned_name = None


class NetworkModule:
    """What a LoRA does to one layer of an A1111 model."""

    def __init__(self, net: Network, weights: NetworkWeights):
        self.network = net
        self.network_key, self.sd_key, self.sd_module = weights.network_key, weights.sd_key, weights.sd_module
        rows, *rest = self.sd_module.weight.shape
        fused = isinstance(self.sd_module, QkvLinear)
        self.shape = torch.Size([rows // 3 if fused else rows, *rest])
        self.dim = self.bias = None
        self.alpha = weights.w["alpha"].item() if "alpha" in weights.w else None
        self.scale = weights.w["scale"].item() if "scale" in weights.w else None
        self.dora_scale = weights.w.get("dora_scale")
        self.dora_norm_dims = len(self.shape) - 1

    def multiplier(self) -> float:
        of_text = "transformer" in self.sd_key[:20]
        return self.network.te_multiplier if of_text else self.network.unet_multiplier

    def calc_scale(self) -> float:
        if self.scale is not None:
            return self.scale
        return self.alpha / self.dim if self.dim is not None and self.alpha is not None else 1.0

    def apply_weight_decompose(self, updown: Tensor, orig_weight: Tensor) -> Tensor:
        """DoRA: the changed weight with each input's length set by the file, as a change."""
        weight = orig_weight.to(updown.dtype)
        changed = weight + updown
        lengths = changed.transpose(0, 1).flatten(1).norm(dim=1).view(1, -1, *[1] * (self.dora_norm_dims - 1))
        return changed * (self.dora_scale.to(updown.dtype) / lengths) - weight

    def finalize_updown(self, updown: Tensor, orig_weight: Tensor) -> tuple[Tensor, None]:
        """(the change at the wanted strength, no change of the bias)"""
        if updown.numel() == orig_weight.numel():
            updown = updown.reshape(orig_weight.shape)
        updown = updown * self.calc_scale()
        if self.dora_scale is not None:
            updown = self.apply_weight_decompose(updown, orig_weight)
        return updown * self.multiplier(), None

    def calc_updown(self, target: Tensor) -> tuple[Tensor, None]:
        raise NotImplementedError

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        raise NotImplementedError


def layer_class(layer: nn.Module) -> type | None:
    """nn.Linear or nn.Conv2d; a LoRA changes no others."""
    if type(layer) in (nn.Linear, QkvLinear):
        return nn.Linear
    return nn.Conv2d if type(layer) is nn.Conv2d else None
