"""The loaded net's layers by the names in a LoRA file, as each host's own map has them."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from ..lora.bypass import Bypass
from ..lora.factors import Factors, Layer, Placed, UnfitError
from ..lora.sd3_names import sd3_names
from ..lora.tensors import State, UnheldError
from ..models.lora_modules import changes_text_encoder, halves_of, module_names

Place = tuple[str, int]
"""A layer, and the first of its outputs that a module of a file changes."""


@dataclass(frozen=True)
class Match:
    """A file's modules in the loaded net: where they belong, which of these places the host's own map knows, and how
    many modules the file has."""

    placed: tuple[Placed, ...]
    by_host: frozenset[Place]
    of: int

    @cached_property
    def whole(self) -> Bypass:
        """The whole file beside the layers. Raises UnfitError where it does not fit them."""
        return Bypass(self.placed)

    @property
    def unknown(self) -> int:
        """How many modules have no place in this net."""
        return max(0, self.of - len(self.placed))


def place_of(placed: Placed) -> Place:
    return placed.layer.name, placed.part[0] if placed.part else 0


def net_of(model: Any) -> nn.Module | None:
    """The net of a host's `sd_model`, UNet or transformer; None where there is none yet."""
    unet = getattr(getattr(model, "forge_objects", None), "unet", None)
    owner = getattr(unet, "model", None) or getattr(model, "model", None)
    net = getattr(owner, "diffusion_model", None)
    return net if isinstance(net, nn.Module) else None


_MOST_MATCHES = 2
_matches: WeakKeyDictionary[nn.Module, dict[int, tuple[State, Match]]] = WeakKeyDictionary()
"""By net, so that a net which the host unloads takes them with it; a state is kept with its match, for its id."""


def match(model: Any, path: str, state: State) -> Match:
    """Find the layers that the tensors of the LoRA file at `path` belong to; remembered while both are in use.

    Raises UnfitError where they don't fit the layers, UnheldError for what no bypass can hold.
    """
    net = net_of(model)
    if net is None:
        raise UnheldError("finds no net to stand beside")
    known = _matches.setdefault(net, {})
    if id(state) not in known:
        if changes_text_encoder(state):
            raise UnheldError("changes the text encoder, too")
        if any("Nunchaku" in kind.__name__ for kind in type(net).__mro__):
            raise UnheldError("finds no plain layers in a Nunchaku model")
        while len(known) >= _MOST_MATCHES:
            del known[next(iter(known))]
        found = _by_keys(model, state) if hasattr(model, "forge_objects") else _by_modules(model, path, state)
        known[id(state)] = (state, found)
    return known[id(state)][1]


def _factors(up: Tensor, down: Tensor, alpha: Any, mid: Tensor | None, dora: Any) -> Factors:
    if dora is not None:
        raise UnheldError("is a DoRA")
    return Factors.of(up, down, None if alpha is None else float(alpha), mid)


# Forge and its kin: a map of names to the keys of weights ------------------------------------------------------


def _host_maps() -> Any:
    """The module with `model_lora_keys_unet` and `load_lora`: Forge's and Neo's, or reForge's and Classic's."""
    try:
        from backend.patcher import lora as maps
    except ImportError:
        try:
            from ldm_patched.modules import lora as maps
        except ImportError:
            raise UnheldError("can't be placed: this WebUI has no map of LoRA names") from None
    return maps


def _by_keys(model: Any, state: State) -> Match:
    owner: nn.Module = model.forge_objects.unet.model
    maps, layers = _host_maps(), dict(_layers(owner))
    found = maps.model_lora_keys_unet(owner, {})
    own: dict[str, Any] = found[-1] if isinstance(found, tuple) else found
    patches = _patches(maps, state, own)
    return _match([_placed(target, patch, layers) for target, patch in patches.items()], layers, state)


def _match(by_host: list[Placed], layers: Mapping[str, Layer], state: State) -> Match:
    """What the host's own map places, and what it does not know and this extension does."""
    places, of = frozenset(map(place_of, by_host)), len(module_names(state))
    more = _by_own_names(layers, state) if len(by_host) < of else ()
    return Match((*by_host, *(one for one in more if place_of(one) not in places)), places, of)


def _by_own_names(layers: Mapping[str, Layer], state: State) -> Iterator[Placed]:
    names = sd3_names({key: layer.shape for key, layer in layers.items()})
    for module in module_names(state):
        target, halves = names.get(module), halves_of(module, state)
        if target is not None and halves is not None and halves[1] in state:
            alpha = state.get(f"{module}.alpha")
            patch = ("lora", (state[halves[0]], state[halves[1]], None if alpha is None else float(alpha)))
            yield _placed(target, patch, layers)


_MOST_FILES = 16
_known_places: WeakKeyDictionary[nn.Module, dict[tuple[str, int], tuple[object, frozenset[Place]]]] = (
    WeakKeyDictionary()
)
"""By net; the shapes are kept with the places, for their id."""


def places_by_name(model: Any, path: str, shapes: Mapping[str, tuple[int, ...]]) -> frozenset[Place]:
    """Where the host's map puts the modules of a file, by its tensors' names and shapes alone; once for each net."""
    owner: nn.Module = model.forge_objects.unet.model
    known = _known_places.setdefault(owner, {})
    key = (path, id(shapes))
    if key not in known:
        while len(known) >= _MOST_FILES:
            del known[next(iter(known))]
        found = _host_maps().model_lora_keys_unet(owner, {})
        state = {n: torch.empty(s, device="meta") if s else torch.tensor(1.0) for n, s in shapes.items()}
        targets = _patches(_host_maps(), state, found[-1] if isinstance(found, tuple) else found)
        known[key] = (shapes, frozenset(map(_place_of_target, targets)))
    return known[key][1]


def _place_of_target(target: Any) -> Place:
    key, part = (*target, None)[:2] if isinstance(target, tuple) else (target, None)
    return key.removesuffix(".weight"), part[1] if part else 0


def _patches(maps: Any, state: State, names: Mapping[str, Any]) -> dict[Any, Any]:
    """{weight's key, or (key, slice, function): patch}"""
    try:
        found = maps.load_lora(dict(state), dict(names))
    except (KeyError, AttributeError, ValueError, RuntimeError) as error:
        raise UnfitError(f"can't be read as a LoRA ({type(error).__name__})") from error
    patches: dict[Any, Any] = found[0] if isinstance(found, tuple) else found
    return patches


def _layers(owner: nn.Module) -> Iterator[tuple[str, Layer]]:
    """Each layer that has a weight, by the weight's key."""
    for path, module in owner.named_modules():
        weight = getattr(module, "weight", None)
        if isinstance(weight, Tensor):
            name = getattr(module, "network_layer_name", path)  # A1111's, by which its own map places a file
            yield f"{path}.weight", Layer(name, module, shape_of(weight))


def shape_of(weight: Tensor) -> tuple[int, ...]:
    """A weight's shape as the checkpoint means it: bitsandbytes and GGUF store it packed."""
    shape = getattr(getattr(weight, "quant_state", None), "shape", None)
    return tuple(shape if shape is not None else getattr(weight, "real_shape", weight.shape))


def _placed(target: Any, patch: Any, layers: Mapping[str, Layer]) -> Placed:
    key, part, function = (*target, None, None)[:3] if isinstance(target, tuple) else (target, None, None)
    layer = layers.get(key)
    if layer is None:
        raise UnheldError(f"changes {key}, which is no plain layer of this model")
    name, values = (patch[0], patch[1]) if isinstance(patch, tuple) else (getattr(patch, "name", ""), patch.weights)
    if name != "lora":
        raise UnheldError(f"holds layers of another kind than LoRA ({name or 'unknown'})")
    up, down, alpha, mid, dora = (*values, None, None)[:5]
    if part is not None and part[0] != 0:
        raise UnheldError("changes a part of a layer's inputs")
    if function is not None:
        up = _reordered(up, function)
    return Placed(layer, _factors(up, down, alpha, mid, dora), (part[1], part[2]) if part else None)


def _reordered(up: Tensor, function: Any) -> Tensor:
    """`up` with its rows as the host's function orders those of ΔW: ordering rows and multiplying may change places."""
    numbers = torch.arange(up.shape[0], dtype=torch.float32)[:, None]
    order = function(numbers.clone()).flatten().long()
    if sorted(order.tolist()) != list(range(up.shape[0])):
        raise UnheldError("changes a layer in a way that is no order of its outputs")
    return up[order]


# A1111: modules made for the net -------------------------------------------------------------------------------

_PARTS = {"_q_proj": 0, "_k_proj": 1, "_v_proj": 2}
"""How the keys of a fused layer's thirds end."""


def _by_modules(model: Any, path: str, state: State) -> Match:
    networks = sys.modules.get("networks")
    entries = networks.available_networks.values() if networks else ()
    entry = next((each for each in entries if str(each.filename) == path), None)
    if networks is None or entry is None:
        raise UnheldError("is none of this WebUI's LoRAs any more")
    try:
        modules = networks.load_network(entry.name, entry).modules
    except (KeyError, AssertionError, ValueError, RuntimeError) as error:
        raise UnfitError(f"can't be read as a LoRA ({type(error).__name__})") from error
    by_host = [_placed_module(key, module) for key, module in modules.items()]
    return _match(by_host, dict(_layers(model.model)), state)


def _placed_module(key: str, module: Any) -> Placed:
    if not hasattr(module, "up_model"):
        raise UnheldError(f"holds layers of another kind than LoRA ({type(module).__name__})")
    name = getattr(module.sd_module, "network_layer_name", key)
    weight = getattr(module.sd_module, "weight", None)
    if weight is None:
        raise UnheldError(f"changes a layer that a branch can't stand beside ({name})")
    layer, part = Layer(name, module.sd_module, shape_of(weight)), None
    third = next((number for end, number in _PARTS.items() if key == name + end), None)
    if third is not None:
        part = (third * layer.shape[0] // 3, layer.shape[0] // 3)
    mid = getattr(module, "mid_model", None)
    pair = (module.up_model.weight, module.down_model.weight)
    factors = _factors(*pair, module.alpha, mid.weight if mid else None, module.dora_scale)
    return Placed(layer, factors, part)
