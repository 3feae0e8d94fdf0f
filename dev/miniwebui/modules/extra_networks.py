"""<name:args> tags in prompts, and the networks that they activate."""

from __future__ import annotations

import json
import logging
import os
import re
from collections import defaultdict

from modules import errors

extra_network_registry: dict[str, ExtraNetwork] = {}
extra_network_aliases: dict[str, ExtraNetwork] = {}


def initialize():
    extra_network_registry.clear()
    extra_network_aliases.clear()


def register_extra_network(extra_network):
    extra_network_registry[extra_network.name] = extra_network


def register_extra_network_alias(extra_network, alias):
    extra_network_aliases[alias] = extra_network


class ExtraNetworkParams:
    """What stands after the name: <lora:x:0.5:unet=1> -> positional ["x", "0.5"], named {"unet": "1"}."""

    def __init__(self, items=None):
        self.items = items or []
        self.positional = []
        self.named = {}
        for item in self.items:
            parts = item.split("=", 2) if isinstance(item, str) else [item]
            if len(parts) == 2:
                self.named[parts[0]] = parts[1]
            else:
                self.positional.append(item)

    def __eq__(self, other):
        return self.items == other.items


class ExtraNetwork:
    def __init__(self, name):
        self.name = name

    def activate(self, p, params_list):
        """Called in every run, with no params where the prompt has no such tag; replaces what was active."""
        raise NotImplementedError

    def deactivate(self, p):
        """Called at the end of a run."""
        raise NotImplementedError


def lookup_extra_networks(extra_network_data):
    """{network: its params}"""
    found: dict[ExtraNetwork, list] = {}
    for name, args in list(extra_network_data.items()):
        network = extra_network_registry.get(name) or extra_network_aliases.get(name)
        if network is None:
            logging.info("Skipping unknown extra network: %s", name)
            continue
        found.setdefault(network, []).extend(args)
    return found


def activate(p, extra_network_data):
    """Activate the networks of the tags, then all others with no params: so one that failed ends up empty."""
    activated = []
    for network, args in lookup_extra_networks(extra_network_data).items():
        try:
            network.activate(p, args)
            activated.append(network)
        except Exception as e:
            errors.display(e, f"activating extra network {network.name} with arguments {args}")
    for name, network in extra_network_registry.items():
        if network in activated:
            continue
        try:
            network.activate(p, [])
        except Exception as e:
            errors.display(e, f"activating extra network {name}")
    if p.scripts is not None:
        p.scripts.after_extra_networks_activate(
            p,
            batch_number=p.iteration,
            prompts=p.prompts,
            seeds=p.seeds,
            subseeds=p.subseeds,
            extra_network_data=extra_network_data,
        )


def deactivate(p, extra_network_data):
    mentioned = lookup_extra_networks(extra_network_data)
    for network in [*mentioned, *(x for x in extra_network_registry.values() if x not in mentioned)]:
        try:
            network.deactivate(p)
        except Exception as e:
            errors.display(e, f"deactivating extra network {network.name}")


re_extra_net = re.compile(r"<(\w+):([^>]+)>")


def parse_prompt(prompt):
    """(the prompt without tags, {name: [params]})"""
    found = defaultdict(list)

    def take(match):
        found[match.group(1)].append(ExtraNetworkParams(items=match.group(2).split(":")))
        return ""

    return re_extra_net.sub(take, prompt), found


def parse_prompts(prompts):
    """The prompts without tags, and the tags of the first: they hold for the whole batch."""
    parsed = [parse_prompt(prompt) for prompt in prompts]
    return [prompt for prompt, _ in parsed], parsed[0][1] if parsed else None


def get_user_metadata(filename, lister=None):
    """The card's JSON beside a model file."""
    path = os.path.splitext(filename)[0] + ".json" if filename else ""
    try:
        if os.path.exists(path):
            with open(path, encoding="utf8") as file:
                return json.load(file)
    except Exception as e:
        errors.display(e, f"reading extra network user metadata from {path}")
    return {}
