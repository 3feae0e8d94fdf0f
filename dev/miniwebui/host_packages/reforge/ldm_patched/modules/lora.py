"""The host's map of LoRA names, and patches from a LoRA's tensors."""

from modules import lora_patches
from modules.lora_names import model_lora_keys_unet


def load_lora(lora, to_load, log_missing=True):
    """{target: patch}"""
    patches, left = lora_patches.load_lora(lora, to_load)
    for key in left if log_missing else ():
        print(f"lora key not loaded: {key}")
    return patches


__all__ = ["load_lora", "model_lora_keys_unet"]
