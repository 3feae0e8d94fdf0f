"""The host's LoRA registry."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from modules import shared

from ..models.lora_cache import LoraCache
from ..models.lora_index import LoraIndex, RegisteredLora
from .options import known_steps


def _networks() -> ModuleType | None:
    """The built-in Lora extension's module, which all hosts import by this name."""
    module = sys.modules.get("networks")
    return module if hasattr(module, "available_networks") else None


def _entries() -> Iterable[object]:
    networks = _networks()
    return networks.available_networks.values() if networks else ()


def _describe_entry(entry: Any) -> RegisteredLora | None:
    """None for what another extension has put there that is no file."""
    name, path = getattr(entry, "name", None), getattr(entry, "filename", None)
    if not isinstance(name, str) or not isinstance(path, str | os.PathLike):
        return None
    return RegisteredLora(name, str(getattr(entry, "alias", None) or name), str(path))


_EXTENSIONS = (".safetensors", ".pt", ".ckpt")


def refresh_loras() -> None:
    """Have the host list the files that have come since; what it lists already stays.

    Its own rescan empties the list first: a generation that begins at that moment, in another thread, finds no LoRA.
    """
    networks = _networks()
    add = getattr(networks, "update_available_networks_by_names", None)
    if add is None:
        if networks:
            networks.list_available_networks()
        return
    new = _file_names() - set(networks.available_networks)  # type: ignore[union-attr]
    if new:
        add(list(new))


def _file_names() -> set[str]:
    """The stems of all LoRA files, which the host lists them by."""
    files = (name for root in lora_roots() for _, _, names in os.walk(root, followlinks=True) for name in names)
    return {stem for stem, extension in map(os.path.splitext, files) if extension.lower() in _EXTENSIONS}


def lora_roots() -> list[str]:
    options = shared.cmd_opts
    roots = [getattr(options, "lora_dir", None), *getattr(options, "lora_dirs", ())]  # the list is Forge Neo's
    return [str(root) for root in roots if root]


def lora_cache() -> LoraCache:
    """A cache over the host's registry that knows nothing yet."""
    return LoraCache(_entries, _describe_entry, refresh_loras, lora_roots, known_steps)


_loras = lora_cache()


def lora_index() -> LoraIndex:
    """The Hyper-SD files of this machine, as of now."""
    return _loras.index()
