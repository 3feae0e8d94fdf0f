"""A pass's LoRA tags between the prompt and the host: what is not the host's to load is taken out of what it activates.

The tag stays in the prompt, the infotext and `Lora hashes`. The hosts parse tags from the prompts of each batch into
`p.extra_network_data` and `p.hr_extra_network_data`, and activate those: one list of LoRAs for each pass.
"""

import sys
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from modules import extra_networks, shared

from ..request.prompt_tags import LoraTag
from .options import report
from .views import with_options

_PARSE = "parse_extra_network_prompts"
_KINDS = ("lora", "lyco")
_DATA = ("extra_network_data", "hr_extra_network_data")
_TAKEN = "_hypersd_taken_tags"
"""An attribute of `p`: field of `_DATA` → the tags that were taken out of it, and the names of all in their order."""

Taken = tuple[tuple[LoraTag, ...], tuple[str, ...]]


def take_tags(p: Any, is_own: Callable[[Any, bool, str], bool]) -> None:
    """From now on, take the tags for which `is_own` (p, whether of the hires pass, name) out of what `p` activates."""
    parse = getattr(type(p), _PARSE)
    run = weakref.ref(p)  # else `p` would hold itself, and its pictures with it

    def parse_extra_network_prompts() -> Any:
        active: Any = run()
        typed = None
        try:
            typed = active.prompts
            result = parse(active)
            _take_from(active, is_own)
        except Exception:
            report("The tags of a bypass were left to the host", exc_info=True)
            if typed is not None:
                active.prompts = typed
            setattr(active, _TAKEN, {})
            return parse(active)
        return result

    setattr(p, _PARSE, parse_extra_network_prompts)


def _take_from(p: Any, is_own: Callable[[Any, bool, str], bool]) -> None:
    """Take the tags out of the data that the host has parsed for this batch: all or none of them."""
    found: dict[str, tuple[Any, Taken]] = {}
    for field in _DATA:
        data = getattr(p, field, None)
        if data:
            found[field] = _taken(data, partial(is_own, p, field == _DATA[1]))
    setattr(p, _TAKEN, {field: taken for field, (_, taken) in found.items()})
    for field, (rest, _) in found.items():
        setattr(p, field, rest)


def leave_tags(p: Any) -> None:
    """Undo `take_tags`, for the batches to come."""
    vars(p).pop(_PARSE, None)
    vars(p).pop(_TAKEN, None)


def activate_all(p: Any, *, hires: bool) -> None:
    """Have the host activate all tags of the pass at hand after all; what other extensions did to the net stays."""
    taken: dict[str, Taken] = getattr(p, _TAKEN, {})
    field = _DATA[1] if hires and _DATA[1] in taken else _DATA[0]
    data, objects = getattr(p, field), getattr(p.sd_model, "forge_objects", None)
    for tag in taken.get(field, ((), ()))[0]:
        params = extra_networks.ExtraNetworkParams(items=[tag.name, *tag.args])
        data.setdefault(_KINDS[0], []).append(params)
    unet = objects.unet.clone() if objects is not None else None  # what is there may belong to all pictures
    extra_networks.activate(p, data)
    if unet is not None:
        new = p.sd_model.forge_objects.unet
        for name in ("lora_patches", "patches", "patches_uuid"):
            if hasattr(new, name):
                setattr(unet, name, getattr(new, name))
        p.sd_model.forge_objects.unet = unet


def _taken(data: Mapping[str, Any], is_own: Callable[[str], bool]) -> tuple[dict[str, Any], Taken]:
    """The data without the tags, and the tags."""
    rest, taken, names = dict(data), [], []
    for kind in _KINDS:
        for params in data.get(kind, ()):
            names.append(str(params.items[0]))
            if is_own(names[-1]):
                taken.append(_tag(params))
                rest[kind] = [other for other in rest[kind] if other is not params]
    return rest, (tuple(taken), tuple(names))


def _tag(params: Any) -> LoraTag:
    name, *args = map(str, params.items)
    return LoraTag(0, 0, "", name, tuple(args))


def taken_tags(p: Any, *, hires: bool) -> tuple[LoraTag, ...]:
    """The tags that were taken out of what the pass at hand activates. A hires pass without prompts of its own has
    the first pass's."""
    taken: dict[str, Taken] = getattr(p, _TAKEN, {})
    return taken.get(_DATA[1] if hires else _DATA[0], taken.get(_DATA[0], ((), ())))[0]


def has_taken(p: Any) -> bool:
    """Whether tags were taken out of what this batch activates."""
    taken: dict[str, Taken] = vars(p).get(_TAKEN, {})
    return any(own for own, _ in taken.values())


def tags_of(p: Any, *, hires: bool) -> tuple[LoraTag, ...]:
    """All LoRA tags that the host has parsed for the pass at hand."""
    data = (getattr(p, _DATA[1], None) if hires else None) or getattr(p, _DATA[0], None) or {}
    return tuple(_tag(params) for kind in _KINDS for params in data.get(kind, ()))


# Add network to prompt -----------------------------------------------------------------------------------------

_ACTIVATE, _OWN_RUN = "activate", "_hypersd_p"


def leave_out_standing_lora(p: Any) -> None:
    """Have the host not add the LoRA of its option `sd_lora` to what `p` activates: it does so after all hooks.

    For other runs its activation is as ever, and `end` takes this away again.
    """
    network = extra_networks.extra_network_registry.get(_KINDS[0])
    made_by = next((kind for kind in type(network).__mro__ if kind.__name__ == "ExtraNetworkLora"), None)
    if network is None or made_by is None:
        return
    end(p)
    activate, run = network.activate, weakref.ref(p)

    def activate_without(active: Any, params: Any) -> Any:
        if active is not run():
            return activate(active, params)
        module: Any = sys.modules[made_by.__module__]
        real = module.shared
        module.shared = with_options(module, sd_lora="None")
        try:
            return activate(active, params)
        finally:
            module.shared = real

    setattr(activate_without, _OWN_RUN, run)
    setattr(network, _ACTIVATE, activate_without)


def end(p: Any) -> None:
    """Undo `leave_out_standing_lora` for `p`, and for a run that is over and gone."""
    network = extra_networks.extra_network_registry.get(_KINDS[0])
    run = getattr(getattr(network, "__dict__", {}).get(_ACTIVATE), _OWN_RUN, None)
    if run is not None and run() in (None, p):
        delattr(network, _ACTIVATE)


# Lora hashes ---------------------------------------------------------------------------------------------------

_HASHES, _NOT_IN_NAMES = "Lora hashes", str.maketrans("", "", ":,")


def write_hashes(p: Any) -> None:
    """Write `Lora hashes` as the host would have, had it activated all tags: in their order, those of both passes."""
    taken: dict[str, Taken] = getattr(p, _TAKEN, {})
    networks = sys.modules.get("networks")
    if (
        networks is None
        or not any(own for own, _ in taken.values())
        or not getattr(shared.opts, "lora_add_hashes_to_infotext", True)
    ):
        return
    hires = bool(getattr(p, "is_hr_pass", False)) and _DATA[1] in taken
    own, names = taken.get(_DATA[1] if hires else _DATA[0], ((), ()))
    written: dict[str, str] = getattr(p, "lora_hashes", None) or {}
    added = {tag.name: _short_hash(networks, tag.name) for tag in own}
    here = {}
    for name in names:
        short = added.get(name) or written.get(name.translate(_NOT_IN_NAMES))
        if short:
            here[name.translate(_NOT_IN_NAMES)] = short
    p.lora_hashes = {**written, **here} if hires else {**here, **written}
    if p.lora_hashes:
        p.extra_generation_params[_HASHES] = ", ".join(f"{name}: {short}" for name, short in p.lora_hashes.items())


def _short_hash(networks: Any, name: str) -> str | None:
    entry = networks.available_network_aliases.get(name) or networks.available_networks.get(name)
    if entry is None:
        return None
    entry.read_hash()
    return entry.shorthash or None
