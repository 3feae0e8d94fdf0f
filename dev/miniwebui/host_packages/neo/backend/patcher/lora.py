"""The host's map of LoRA names, and patches from a LoRA's tensors."""

from modules.lora_merge import merged_weight
from modules.lora_names import model_lora_keys_unet
from modules.lora_patches import load_lora


def merge_lora_to_weight(patches, weight, key="online_lora", computation_dtype=None):
    """The weight with these patches, in its own dtype."""
    return merged_weight(patches, weight, key).to(weight.dtype)


__all__ = ["load_lora", "merge_lora_to_weight", "model_lora_keys_unet"]
