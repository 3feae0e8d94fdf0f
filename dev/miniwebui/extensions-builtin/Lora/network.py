"""A LoRA file on disk, and one that is loaded."""

from __future__ import annotations

import enum
import os

from modules import cache, errors, hashes, sd_models, shared

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
        self.modules = {}
        self.bundle_embeddings = {}
        self.mtime = None
        self.mentioned_name = None
