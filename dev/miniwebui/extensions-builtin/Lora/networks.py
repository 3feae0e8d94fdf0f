"""The LoRAs that there are, by name and alias, and those in the model's weights."""

from __future__ import annotations

import logging
import os

import lora_layers
import network
import torch
from safetensors.torch import load_file

from modules import errors, sd_models, shared
from modules.profiles import PROFILE
from modules.stats import STATS

extra_network_lora = None

available_networks: dict[str, network.NetworkOnDisk] = {}
available_network_aliases: dict[str, network.NetworkOnDisk] = {}
available_network_hash_lookup: dict[str, network.NetworkOnDisk] = {}
forbidden_network_aliases: dict[str, int] = {}
loaded_networks: list[network.Network] = []
loaded_bundle_embeddings: dict = {}
networks_in_memory: dict[str, network.Network] = {}


def process_network_files(names=None):
    for filename in list(shared.walk_files(shared.cmd_opts.lora_dir, {".pt", ".ckpt", ".safetensors"})):
        name = os.path.splitext(os.path.basename(filename))[0]
        if os.path.isdir(filename) or (names and name not in names):
            continue
        try:
            entry = network.NetworkOnDisk(name, filename)
        except OSError:
            errors.report(f"Failed to load network {name} from {filename}", exc_info=True)
            continue
        available_networks[name] = entry
        if entry.alias in available_network_aliases:
            forbidden_network_aliases[entry.alias.lower()] = 1
        available_network_aliases[name] = entry
        available_network_aliases[entry.alias] = entry


if PROFILE.adds_new_loras:

    def update_available_networks_by_names(names):
        process_network_files(names)


def list_available_networks():
    for known in (available_networks, available_network_aliases, forbidden_network_aliases):
        known.clear()
    available_network_hash_lookup.clear()
    forbidden_network_aliases.update({"none": 1, "Addams": 1})
    process_network_files()


def _on_disk(name):
    """A name is looked up among aliases too, unless several files claim it."""
    known = available_networks if name.lower() in forbidden_network_aliases else available_network_aliases
    return known.get(name)


def _find(names):
    missing = [name for name in names if _on_disk(name) is None]
    if missing and PROFILE.adds_new_loras:
        update_available_networks_by_names(missing)
    found = [_on_disk(name) for name in names]
    if any(x is None for x in found):
        list_available_networks()
        found = [_on_disk(name) for name in names]
    return found


def load_lora_state_dict(filename):
    return load_file(filename)


def load_network(name, network_on_disk):
    net = network.Network(name, network_on_disk)
    net.mtime = os.path.getmtime(network_on_disk.filename)
    return net


def load_networks(names, te_multipliers=None, unet_multipliers=None, dyn_dims=None):
    """Make exactly these LoRAs active, with their weights."""
    model = sd_models.model_data.get_sd_model()
    if model is None or not hasattr(model, "current_lora_hash"):
        return
    weights = list(unet_multipliers or [1.0] * len(names))
    te_weights = list(te_multipliers or [1.0] * len(names))
    if PROFILE.lora_patching == "summed":
        _load_summed(model, names, weights, te_weights)
    else:
        _load_keyed(model, names, weights, te_weights)


def _load_summed(model, names, weights, te_weights):
    """A1111's way: what is missing or broken is passed over with a comment, a twin counts twice (with the
    second's weight, for both mentions are one object)."""
    loaded_networks.clear()
    mentioned: dict[str, network.Network] = {}
    missing = []
    for name, disk, weight, te_weight in zip(names, _find(names), weights, te_weights, strict=True):
        if disk is None:
            missing.append(name)
            logging.info("Couldn't find network with name %s", name)
            continue
        net = mentioned.get(name)
        if net is None:
            try:
                net = mentioned[name] = load_network(name, disk)
                net.layers = lora_layers.layers_of(load_lora_state_dict(disk.filename))
            except Exception as e:
                mentioned.pop(name, None)
                errors.display(e, f"loading network {disk.filename}")
                continue
        net.mentioned_name = name
        disk.read_hash()
        net.unet_multiplier, net.te_multiplier = weight, te_weight
        loaded_networks.append(net)
    if missing:
        message = f"Lora not found: {', '.join(missing)}"
        model.comments.append(message)
        if shared.opts.lora_not_found_warning_console:
            print(f"\n{message}\n")
    wanted = str([(x.name, x.te_multiplier, x.unet_multiplier) for x in loaded_networks])
    if model.current_lora_hash != wanted:
        _patch(model, wanted, [(x.layers, x.unet_multiplier) for x in loaded_networks])


def _load_keyed(model, names, weights, te_weights):
    """Forge's way: the set is remembered by (file, weights, order); nothing happens while it stays the same."""
    loaded_networks.clear()
    found = _find(names)
    for name, disk in zip(names, found, strict=True):
        try:
            net = load_network(name, disk)
            net.mentioned_name = name
            disk.read_hash()
            loaded_networks.append(net)
        except Exception as e:
            if PROFILE.missing_lora == "drop_all":
                # For a LoRA that isn't there this line is the host's own AttributeError. It leaves the network
                # unactivated, and the host then activates it once more with nothing: all LoRAs are gone.
                errors.display(e, f"loading network {disk.filename}")
            else:
                logging.error('Failed to load LoRA: "%s"', name)
    targets = [
        [disk.filename, weight, te_weight, False]
        for disk, weight, te_weight in zip(found, weights, te_weights, strict=True)
        if disk is not None
    ]
    wanted = str(targets)
    if model.current_lora_hash == wanted:
        return
    model.current_lora_hash = wanted
    if not PROFILE.keyed_twins_add_up:
        targets = list(map(list, dict.fromkeys(map(tuple, targets))))
    patches = [(lora_layers.layers_of(load_lora_state_dict(filename)), weight) for filename, weight, _, _ in targets]
    _patch(model, wanted, patches)


@torch.no_grad()
def _patch(model, key, patches):
    """Original weights plus the changes of these LoRAs."""
    for name, module in model.network_layer_mapping.items():
        module.weight.copy_(model.original_weights[name])
    for layers, weight in patches:
        count = 0
        for name, change in lora_layers.changes(model, layers):
            model.network_layer_mapping[name].weight.add_(change, alpha=weight)
            count += 1
        if not count:
            print(f"[LORA] LoRA version mismatch for {type(model).__name__}")
    model.current_lora_hash = key
    STATS.repatches += 1
