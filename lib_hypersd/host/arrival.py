"""What of a LoRA file the host has in the model of a pass, by the host's own structures."""

import ast
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from ..lora.arrival import Arrival
from ..models.file_header import DamagedFileError, Header
from ..models.headers import read_header
from .layers import Place, places_by_name


def arrival(model: Any, path: str) -> Arrival:
    """What the host has activated of the file at `path`; for after its activation and before the first evaluation."""
    places, weight = _places_and_weight(model, path)
    header = _header(path)
    return Arrival(len(places), len(header.lora_modules) if header else 0, weight)


def places_taken(model: Any, path: str) -> frozenset[Place]:
    """The places in the net at which the host has activated the file."""
    return _places_and_weight(model, path)[0]


def _places_and_weight(model: Any, path: str) -> tuple[frozenset[Place], float | None]:
    return _by_patches(model, path) if hasattr(model, "forge_objects") else _by_networks(path)


def _header(path: str) -> Header | None:
    """The file's header, or None where it can't be read."""
    try:
        return read_header(path)
    except (DamagedFileError, OSError):
        return None


def _by_patches(model: Any, path: str) -> tuple[frozenset[Place], float | None]:
    """Forge and its kin: patches of the net that is about to run. Forge has them by file, the others by weight."""
    unet = model.forge_objects.unet
    weight = next((each[1] for each in _targets(str(model.current_lora_hash)) if each[0] == path), None)
    by_file: dict[Any, Any] | None = getattr(unet, "lora_patches", None)
    if by_file is not None:
        own = [(name, patches) for name, patches in by_file.items() if name[0] == path]
        places = (_places(key, each) for _, patches in own for key, each in patches.items())
        return frozenset().union(*places), own[0][0][1] if own else None
    if weight is None:
        return frozenset(), None
    header = _header(path)
    # Another LoRA of this weight may change the same layers: only what the host's map knows of this file counts.
    known = places_by_name(model, path, header.shapes) if header else frozenset()
    return frozenset(place for place in known if _is_patched(unet.patches, place, weight)), weight


def _is_patched(patches: Mapping[str, list[Any]], place: Place, weight: float) -> bool:
    """Whether a weight has a patch of this strength for this slice. A patch has its slice at the fourth place."""
    layer, first = place
    for patch in patches.get(f"{layer}.weight", ()):
        part = patch[3] if len(patch) > 3 else None
        if patch[0] == weight and (part[1] if part else 0) == first:
            return True
    return False


def _places(key: str, patches: list[Any]) -> set[Place]:
    """Where the patches of a weight act: (layer, first output). A patch has its slice at the fourth place."""
    layer = key.removesuffix(".weight")
    parts = (patch[3] if len(patch) > 3 else None for patch in patches)
    return {(layer, part[1] if part else 0) for part in parts}


def _targets(text: str) -> tuple[tuple[str, float], ...]:
    """(path, the net's weight) of each LoRA in `current_lora_hash`: a list as text."""
    try:
        return _read_targets(text)
    except (ValueError, SyntaxError, TypeError, IndexError):  # not remembered
        return ()


@lru_cache(maxsize=8)
def _read_targets(text: str) -> tuple[tuple[str, float], ...]:
    return tuple((str(entry[0]), float(entry[1])) for entry in ast.literal_eval(text))


def _by_networks(path: str) -> tuple[frozenset[Place], float | None]:
    """A1111: what `networks` holds for the layers to merge when they run."""
    networks = sys.modules.get("networks")
    loaded = networks.loaded_networks if networks else ()
    own = [net for net in loaded if str(net.network_on_disk.filename) == path]
    places = frozenset(_module_place(key, module) for net in own for key, module in net.modules.items())
    return places, own[0].unet_multiplier if own else None


def _module_place(key: str, module: Any) -> Place:
    """A third of a fused layer has a key of its own; the layers' module has the rest of what a place is."""
    name = getattr(module.sd_module, "network_layer_name", key)
    ends = ("_q_proj", "_k_proj", "_v_proj")
    third = next((number for number, end in enumerate(ends) if key == name + end), 0)
    return name, third * int(module.sd_module.weight.shape[0]) // 3 if third else 0
