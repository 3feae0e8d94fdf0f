"""Room on the device for a bypass, requested from the host's own memory manager before it is used."""

from contextlib import suppress
from typing import Any

import torch


def reserve(p: Any, bytes_needed: int) -> None:
    """Have the host keep this much of the device's memory free in the pass that is about to begin.

    A1111 has no memory manager: what does not fit there is an out-of-memory error of torch's.
    """
    objects = getattr(p.sd_model, "forge_objects", None)
    if objects is None:
        return
    if hasattr(objects.unet, "add_extra_preserved_memory_during_sampling"):
        objects.unet = objects.unet.clone()  # it belongs to all pictures; the clone to this pass
        objects.unet.add_extra_preserved_memory_during_sampling(bytes_needed)
        return
    with suppress(ImportError):
        from ldm_patched.modules import model_management

        model_management.free_memory(bytes_needed, objects.unet.load_device)


def computation_dtype(model: Any) -> torch.dtype:
    """What the net computes in, as far as the host says; half precision where it does not."""
    owner = getattr(getattr(getattr(model, "forge_objects", None), "unet", None), "model", None)
    dtype = getattr(owner, "computation_dtype", None)
    return dtype if isinstance(dtype, torch.dtype) else torch.float16
