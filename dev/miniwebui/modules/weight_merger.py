"""Merging patches into a net's weights: the original plus all changes in float32, rounded once to its storage."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from modules import host_layers, weight_storage
from modules.lora_merge import merged_weight
from modules.stats import STATS

Patches = dict[str, list[Any]]
"""{weight's key: entries as `merged_weight` takes them}"""


class Merger:
    """Holds which patches are merged into a net, and the stored weights that they replaced."""

    def __init__(self, model: nn.Module, nothing: Any):
        self.model = model
        self.backup: dict[str, nn.Parameter] = {}
        self.online: list[nn.Module] = []
        self.mark = nothing

    @torch.no_grad()
    def refresh(self, mark: Any, patches: Patches, online: Patches) -> None:
        """Merge `patches` and no others, and have layers apply `online`; `mark` tells one such set from another."""
        if mark == self.mark:
            return
        STATS.repatches += 1
        self._restore()
        self.mark = object()  # no set's, should a patch fail
        for key, entries in patches.items():
            layer, name = self._owner(key)
            stored = self.backup[key] = getattr(layer, name)
            weight = merged_weight(entries, weight_storage.dense(stored), key)
            setattr(layer, name, weight_storage.stored_like(stored, weight, key))
        for key, entries in online.items():
            layer, name = self._owner(key)
            host_layers.add_online(layer, name, key, entries)
            self.online.append(layer)
        self.mark = mark

    def _owner(self, key: str) -> tuple[nn.Module, str]:
        path, _, name = key.rpartition(".")
        return self.model.get_submodule(path), name

    def _restore(self) -> None:
        for key, stored in self.backup.items():
            layer, name = self._owner(key)
            setattr(layer, name, stored)
        self.backup.clear()
        for layer in self.online:
            host_layers.remove_online(layer)
        self.online.clear()
