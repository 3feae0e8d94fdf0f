"""The host's LoRAs: its registry, its folders, and downloads into them."""

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from modules import shared
from modules.paths_internal import data_path

from ..downloads.registry import registry
from ..downloads.state import Download
from ..models.catalog import Variant
from ..models.lora_cache import LoraCache
from ..models.lora_index import LoraIndex, RegisteredLora
from .options import known_steps

_EXTENSIONS = (".safetensors", ".pt", ".ckpt")


# The registry --------------------------------------------------------------------------------------------------


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
    metadata, alias = getattr(entry, "metadata", None), str(getattr(entry, "alias", None) or name)
    title = metadata.get("modelspec.title") if isinstance(metadata, Mapping) else None
    sha256 = getattr(entry, "hash", None)  # Forge's and Neo's is the whole file's; "" until the host has computed it
    return RegisteredLora(
        name,
        alias,
        str(path),
        title if isinstance(title, str) else "",
        sha256 if isinstance(sha256, str) else "",
    )


def names_file(tag_name: str, path: str) -> bool:
    """Whether the host would load the file at `path` for a tag of this name."""
    networks = _networks()
    if networks is None:
        return False
    entry = networks.available_network_aliases.get(tag_name) or networks.available_networks.get(tag_name)
    return entry is not None and str(entry.filename) == path


def refresh_loras() -> None:
    """Have the host list files that are new since its last scan; what it lists already stays.

    Its own rescan empties the list first: a generation that begins at that moment, in another thread, finds no LoRA.
    """
    networks = _networks()
    add = getattr(networks, "update_available_networks_by_names", None)
    if add is None:
        if networks:
            networks.list_available_networks()
        return
    new = _file_stems() - set(networks.available_networks)  # type: ignore[union-attr]
    if new:
        add(list(new))


def _file_stems() -> set[str]:
    """The stems of all LoRA files, which the host lists them by."""
    files = (name for root in lora_roots() for _, _, names in os.walk(root, followlinks=True) for name in names)
    return {stem for stem, extension in map(os.path.splitext, files) if extension.lower() in _EXTENSIONS}


def lora_roots() -> list[str]:
    """The host's LoRA folders, whether they exist or not."""
    options = shared.cmd_opts
    roots = [getattr(options, "lora_dir", None), *getattr(options, "lora_dirs", ())]  # the list is Forge Neo's
    return [str(root) for root in roots if root]


def lora_cache() -> LoraCache:
    """An empty cache over the host's registry."""
    return LoraCache(_entries, _describe_entry, refresh_loras, lora_roots, known_steps)


_loras = lora_cache()


def lora_index() -> LoraIndex:
    """The Hyper-SD files of this machine, as of now."""
    return _loras.index()


# Downloads -----------------------------------------------------------------------------------------------------


def start_download(variant: Variant) -> Download:
    """Begin to download a catalog file into the host's LoRA folder, or join the download that is under way.

    When its state is "done", the host lists the file. `downloads.registry` has the state.
    """
    return registry.start(variant, _folder_for(variant), done=refresh_loras)


def folder_title(variant: Variant) -> str:
    """The folder of a download, for the page: "models/Lora"; of one elsewhere its name alone, as anybody may see it."""
    folder = Path(_folder_for(variant))
    inside = folder.is_relative_to(data_path)
    return folder.relative_to(data_path).as_posix() if inside else folder.name or "the LoRA folder"


def _folder_for(variant: Variant) -> str:
    """The folder in which the host has the file already, damaged perhaps; else the first LoRA folder that exists.

    Empty where the host has none, which is where its Lora extension is off.
    """
    known = lora_index().hyper_file(variant.name)
    if known is not None and os.path.basename(known.path) == variant.file:
        return os.path.dirname(known.path)
    roots = lora_roots()
    return next(filter(os.path.isdir, roots), roots[0] if roots else "")
