"""From a LoRA file's tensors to patches of a net's weights, as the hosts' `load_lora` makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from modules.lora_merge import LoRAAdapter
from modules.lora_names import KeyMap, Target
from modules.profiles import PROFILE

SPELLINGS = {
    "kohya": (".lora_up.weight", ".lora_down.weight"),
    "diffusers": ("_lora.up.weight", "_lora.down.weight"),
    "peft": (".lora_B.weight", ".lora_A.weight"),
    "dotted": (".lora.up.weight", ".lora.down.weight"),
    "bare": (".lora_B", ".lora_A"),
    "linear_layer": (".lora_linear_layer.up.weight", ".lora_linear_layer.down.weight"),
    "peft_default": (".lora_B.default.weight", ".lora_A.default.weight"),
}
"""{spelling: (ending of the tensor [out, rank], of the tensor [rank, in])}, in the order in which hosts look."""


def _pair(name: str, state: Mapping[str, Tensor]) -> tuple[str, str] | None:
    for spelling, (up, down) in SPELLINGS.items():
        if (spelling == "kohya" or spelling in PROFILE.loras.spellings) and name + up in state:
            return name + up, name + down
    return None


def _optional(key: str, state: Mapping[str, Tensor], used: set[str]) -> Tensor | None:
    if key in state:
        used.add(key)
    return state.get(key)


def _patch(name: str, state: Mapping[str, Tensor], used: set[str]) -> Any:
    """The patch of one of the file's layers, or None; a pair without its second half is a KeyError."""
    alpha = _optional(f"{name}.alpha", state, used)
    scale = _optional(f"{name}.dora_scale", state, used) if PROFILE.loras.dora else None
    pair = _pair(name, state)
    if pair is None:
        return None
    mid = _optional(f"{name}.lora_mid.weight", state, used) if pair[0].endswith(".lora_up.weight") else None
    weights = (state[pair[0]], state[pair[1]], None if alpha is None else alpha.item(), mid)
    used.update(pair)
    if PROFILE.loras.adapters:
        return LoRAAdapter(used, (*weights, scale, None))
    return ("lora", (*weights, scale) if PROFILE.loras.dora else weights)


def load_lora(state: Mapping[str, Tensor], names: KeyMap) -> tuple[dict[Target, Any], dict[str, Tensor]]:
    """({target: patch} of all layers that have a name in the map, the tensors that are left)."""
    patches: dict[Target, Any] = {}
    used: set[str] = set()
    for name, target in names.items():
        patch = _patch(name, state, used)
        if patch is not None:
            patches[target] = patch
    return patches, {key: value for key, value in state.items() if key not in used}
