"""The host's map of LoRA names, and patches from a LoRA's tensors."""

from modules.lora_names import model_lora_keys_unet
from modules.lora_patches import load_lora

__all__ = ["load_lora", "model_lora_keys_unet"]
