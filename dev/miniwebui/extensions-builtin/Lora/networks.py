"""The LoRAs that there are, by name and alias, and those in the model's weights."""

from __future__ import annotations

import functools
import logging
import os

import lora_loading
import network
import network_modules
from safetensors.torch import load_file

from modules import errors, sd_models, shared
from modules.profiles import PROFILE

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


def load_network(name, network_on_disk):
    """A LoRA; on A1111 with a module for each of the model's layers that it names."""
    net = network.Network(name, network_on_disk)
    net.mtime = os.path.getmtime(network_on_disk.filename)
    if PROFILE.loras.patches == "modules":
        network_modules.fill(net, sd_models.read_state_dict(network_on_disk.filename), shared.sd_model)
    return net


def load_networks(names, te_multipliers=None, unet_multipliers=None, dyn_dims=None):
    """Make exactly these LoRAs active, with their weights."""
    model = sd_models.model_data.get_sd_model()
    if model is None or isinstance(model, sd_models.FakeInitialModel):
        return
    weights = list(unet_multipliers or [1.0] * len(names))
    te_weights = list(te_multipliers or [1.0] * len(names))
    dims = list(dyn_dims or [None] * len(names))
    if PROFILE.loras.patches == "modules":
        _load_modules(model, list(zip(names, _find(names), weights, te_weights, dims, strict=True)))
    else:
        _load_patches(model, names, weights, te_weights)


def purge_networks_from_memory():
    while len(networks_in_memory) > max(0, int(shared.opts.lora_in_memory_limit)):
        networks_in_memory.pop(next(iter(networks_in_memory)))


def _known(name, disk, loaded_before):
    """A network that is loaded already, or is read now."""
    net = loaded_before.get(name) or networks_in_memory.get(name)
    if net is None or os.path.getmtime(disk.filename) > net.mtime:
        net = load_network(name, disk)
        networks_in_memory.pop(name, None)
        networks_in_memory[name] = net
    return net


def _load_modules(model, mentions):
    """A1111's way: what is missing or broken is passed over with a comment; a name that is mentioned twice counts
    twice, with the second's weight, for both mentions are one object."""
    loaded_before = {net.name: net for net in loaded_networks}
    loaded_networks.clear()
    missing = []
    for name, disk, weight, te_weight, dim in mentions:
        if disk is None:
            missing.append(name)
            logging.info("Couldn't find network with name %s", name)
            continue
        try:
            net = _known(name, disk, loaded_before)
        except Exception as e:
            errors.display(e, f"loading network {disk.filename}")
            continue
        net.mentioned_name = name
        disk.read_hash()
        net.te_multiplier, net.unet_multiplier, net.dyn_dim = te_weight, weight, dim
        loaded_networks.append(net)
    if missing:
        message = f"Lora not found: {', '.join(missing)}"
        model.comments.append(message)
        if shared.opts.lora_not_found_warning_console:
            print(f"\n{message}\n")
    purge_networks_from_memory()


def _load_patches(model, names, weights, te_weights):
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
    online = lora_loading.online_mode(model)
    targets = [
        [disk.filename, weight, te_weight, *online]
        for disk, weight, te_weight in zip(found, weights, te_weights, strict=True)
        if disk is not None
    ]
    if model.current_lora_hash == str(targets):
        return
    model.current_lora_hash = str(targets)
    objects, original = model.forge_objects, model.forge_objects_original
    objects.unet, objects.clip = original.unet, original.clip
    for filename, weight, _te_weight, *_ in targets:
        state = load_lora_state_dict(filename)
        objects.unet = lora_loading.load_lora_for_unet(objects.unet, state, weight, filename, any(online))
    model.forge_objects_after_applying_lora = objects.shallow_copy()


@functools.lru_cache(maxsize=5)
def load_lora_state_dict(filename):
    return load_file(filename)
