"""The hosts' patchers: a net with the LoRAs and options that a run is to have, cheap to copy."""

from __future__ import annotations

import copy
import uuid
from collections import namedtuple
from typing import Any

import torch
from torch import nn

from modules.profiles import PROFILE
from modules.weight_merger import Merger, Patches

_BackupEntry = namedtuple("Dimension", ["weight", "inplace_update"])
_CPU = torch.device("cpu")


class KModel(nn.Module):
    """`forge_objects.unet.model`: the net as `diffusion_model`, and its predictor."""

    def __init__(self, diffusion_model: nn.Module, predictor: Any, storage_dtype: Any, config: Any):
        super().__init__()
        self.diffusion_model, self.predictor, self.config = diffusion_model, predictor, config
        self.storage_dtype, self.computation_dtype = storage_dtype, torch.float32
        self.model_sampling, self.conditioning_key = predictor, "crossattn"
        if not PROFILE.forge_engine:
            self.model_config = config
        self.device = _CPU
        self.current_weight_patches_uuid: uuid.UUID | None = None

    def get_dtype(self) -> torch.dtype:
        return self.computation_dtype


def _parts(target: Any) -> tuple[str, Any, Any]:
    """(weight's key, slice or None, function or None) of a target in a map of names."""
    if isinstance(target, str):
        return target, None, None
    return target[0], target[1], target[2] if len(target) > 2 else None


class ModelPatcher:
    """What the patchers of all hosts have. Clones share the net and what is merged into it."""

    def __init__(self, model: KModel, merger: Merger):
        self.model, self._merger = model, merger
        self.model_options: dict[str, Any] = {"transformer_options": {}}
        self.object_patches: dict[str, Any] = {}
        self.load_device = self.offload_device = self.current_device = _CPU
        if PROFILE.loras.preserves_memory:
            self.extra_preserved_memory_during_sampling = 0

    def clone(self) -> ModelPatcher:
        other = type(self)(self.model, self._merger)
        other.model_options = copy.deepcopy(self.model_options)
        other.object_patches = dict(self.object_patches)
        if PROFILE.loras.preserves_memory:
            other.extra_preserved_memory_during_sampling = self.extra_preserved_memory_during_sampling
        return other

    def is_clone(self, other: Any) -> bool:
        return getattr(other, "model", None) is self.model

    def model_size(self) -> int:
        """Bytes of the net's weights."""
        return sum(x.numel() * x.element_size() for x in self.model.parameters())

    def model_dtype(self) -> torch.dtype:
        return self.model.get_dtype()

    def model_state_dict(self, filter_prefix: str | None = None) -> dict[str, torch.Tensor]:
        state = self.model.state_dict()
        return {k: v for k, v in state.items() if filter_prefix is None or k.startswith(filter_prefix)}

    def has_online_lora(self) -> bool:
        raise NotImplementedError

    def merge(self) -> None:
        """Give the net's weights this patcher's patches and no others."""
        raise NotImplementedError


class _PreservesMemory:
    """Mixin for hosts whose memory manager can be asked for room."""

    extra_preserved_memory_during_sampling: int

    def add_extra_preserved_memory_during_sampling(self, memory_in_bytes: int) -> None:
        self.extra_preserved_memory_during_sampling += memory_in_bytes


class LoraLoader:
    """What is merged, as Forge keeps it beside the net."""

    def __init__(self, merger: Merger):
        self._merger = merger

    @property
    def backup(self) -> dict[str, nn.Parameter]:
        return self._merger.backup

    @property
    def loaded_hash(self) -> str:
        return str(self._merger.mark)


class PatcherByFile(ModelPatcher):
    """`lora_patches`: {(file, strength, model's strength, online): {key: entries}}."""

    def __init__(self, model: KModel, merger: Merger):
        super().__init__(model, merger)
        self.lora_patches: dict[tuple[str, float, float, bool], Patches] = {}
        if not hasattr(model, "lora_loader"):
            model.lora_loader = LoraLoader(merger)
        self.lora_loader: LoraLoader = model.lora_loader

    def clone(self) -> PatcherByFile:
        other = super().clone()
        other.lora_patches = dict(self.lora_patches)
        return other

    def add_patches(
        self,
        *,
        filename: str,
        patches: dict[Any, Any],
        strength_patch: float = 1.0,
        strength_model: float = 1.0,
        online_mode: bool = False,
    ) -> set[Any]:
        """Add a file's patches, in place of the same file's at the same strength; those that found their weight."""
        keys, found, taken = {k for k, _ in self.model.named_parameters()}, {}, set()
        for target, patch in patches.items():
            key, part, function = _parts(target)
            if key in keys:
                taken.add(target)
                found.setdefault(key, []).append([strength_patch, patch, strength_model, part, function])
        self.lora_patches[(filename, strength_patch, strength_model, online_mode)] = found
        return taken

    def has_online_lora(self) -> bool:
        return any(online for *_, online in self.lora_patches)

    def refresh_loras(self) -> None:
        merged: Patches = {}
        online: Patches = {}
        for (*_, is_online), patches in self.lora_patches.items():
            for key, entries in patches.items():
                (online if is_online else merged).setdefault(key, []).extend(entries)
        self._merger.refresh(str(list(self.lora_patches)), merged, online)

    merge = refresh_loras


class PatcherByWeight(ModelPatcher):
    """`patches`: {key: entries} of all files together."""

    def __init__(self, model: KModel, merger: Merger):
        super().__init__(model, merger)
        self.patches: Patches = {}
        self.patches_uuid = uuid.uuid4()

    def clone(self) -> PatcherByWeight:
        other = super().clone()
        other.patches = {key: list(entries) for key, entries in self.patches.items()}
        other.patches_uuid = self.patches_uuid
        return other

    @property
    def backup(self) -> dict[str, _BackupEntry]:
        return {key: _BackupEntry(weight, False) for key, weight in self._merger.backup.items()}

    def add_patches(
        self,
        patches: dict[Any, Any],
        strength_patch: float = 1.0,
        strength_model: float = 1.0,
        *,
        filename: str | None = None,
        online_mode: bool | None = None,
    ) -> list[Any]:
        """Add a file's patches; those that found their weight."""
        keys, taken = set(self.model.state_dict()), []
        for target, patch in patches.items():
            key, part, function = _parts(target)
            if key in keys:
                taken.append(target)
                entry = (strength_patch, patch, strength_model, part, function, online_mode)
                self.patches.setdefault(key, []).append(entry[: PROFILE.loras.patch_fields])
        self.patches_uuid = uuid.uuid4()
        return taken

    def _is_online(self, key: str) -> bool:
        return PROFILE.loras.patch_fields > 5 and any(entry[5] for entry in self.patches[key])

    def has_online_lora(self) -> bool:
        return any(map(self._is_online, self.patches))

    def clone_has_same_weights(self, clone: PatcherByWeight) -> bool:
        both_empty = not self.patches and not clone.patches
        return self.is_clone(clone) and (both_empty or self.patches_uuid == clone.patches_uuid)

    def merge(self) -> None:
        online = {key: entries for key, entries in self.patches.items() if self._is_online(key)}
        merged = {key: entries for key, entries in self.patches.items() if key not in online}
        self._merger.refresh(self.patches_uuid if self.patches else None, merged, online)
        self.model.current_weight_patches_uuid = self.patches_uuid


def new_patcher(model: KModel) -> ModelPatcher:
    """A patcher as this host has it, without patches."""
    by_file = PROFILE.loras.patches == "by_file"
    mixins = (_PreservesMemory,) if PROFILE.loras.preserves_memory else ()
    made = type("UnetPatcher", (*mixins, PatcherByFile if by_file else PatcherByWeight), {})
    return made(model, Merger(model, nothing=str([]) if by_file else None))
