"""A LoRA's patches into a clone of the patcher, or not, as Forge and its kin decide."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from modules import lora_names, lora_patches
from modules.profiles import PROFILE

_LOSSLESS = (torch.float32, torch.float16, torch.bfloat16)


def online_mode(model: Any) -> list[bool]:
    """[whether LoRAs are applied in each run], as the last field of a target; [] on hosts that have no such field."""
    if not PROFILE.loras.online_targets:
        return []
    from backend.args import dynamic_args

    wanted = dynamic_args["online_lora"] if isinstance(dynamic_args, dict) else dynamic_args.online_lora
    storage = model.forge_objects.unet.model.storage_dtype
    if storage == "gguf" and PROFILE.loras.gguf_always_online:
        wanted = True
    return [bool(wanted) and (PROFILE.loras.online_in_any_storage or storage not in _LOSSLESS)]


def _drops(unmatched: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> bool:
    rule = PROFILE.loras.unmatched
    return (rule == "dozen" and len(unmatched) > 12) or (rule == "half" and len(unmatched) > len(state) / 2)


def load_lora_for_unet(unet: Any, state: Mapping[str, Tensor], strength: float, filename: str, online: bool) -> Any:
    """A clone of the patcher with the file's patches; the patcher itself where the host drops the file."""
    own = () if PROFILE.loras.names_accumulate else ({},)
    names = lora_names.model_lora_keys_unet(unet.model, *own)
    patches, unmatched = lora_patches.load_lora(state, names)
    model = type(unet.model).__name__
    if _drops(unmatched, state):
        word = "LoRA version mismatch" if PROFILE.loras.unmatched == "dozen" else "LoRA mismatch"
        print(f"[LORA] {word} for {model}: {filename}")
        return unet
    if not PROFILE.loras.returns_unmatched:
        for key in unmatched:
            print(f"lora key not loaded: {key}")
    elif unmatched:
        print(f"[LORA] Loading {os.path.basename(filename)} for {model} with {len(unmatched)} unmatched keys")
    if not patches:
        return unet
    return _patched(unet, patches, strength, filename, online)


def _patched(unet: Any, patches: Mapping[Any, Any], strength: float, filename: str, online: bool) -> Any:
    clone, model = unet.clone(), type(unet.model).__name__
    extra = {"filename": filename, "online_mode": online} if PROFILE.loras.online_targets else {}
    loaded = clone.add_patches(patches=patches, strength_patch=strength, **extra)
    skipped = len(patches) - len(loaded)
    too_many = {"dozen": skipped > 12, "half": skipped > len(patches) / 4, "any": False}[PROFILE.loras.unmatched]
    if too_many:
        print(f"[LORA] Mismatch {filename} for {model}-UNet with {skipped} keys mismatched in {len(loaded)} keys")
        return unet
    print(
        f"[LORA] Loaded {filename} for {model}-UNet with {len(loaded)} keys at weight {strength} "
        f"(skipped {skipped} keys)" + (f" with on_the_fly = {online}" if PROFILE.loras.online_targets else "")
    )
    return clone
