"""The host's LoRA folder as the place where downloads go."""

from __future__ import annotations

import os
from pathlib import Path

from modules.paths_internal import data_path

from ..downloads.job import Download, registry
from ..models.catalog import Variant
from .loras import lora_index, lora_roots, refresh_loras
from .options import option

OPTION_DOWNLOAD_API = "hypersd_download_api"


def download_api_allowed() -> bool:
    """Whether the person lets API clients download."""
    return option(OPTION_DOWNLOAD_API, False) is True


def start_download(variant: Variant) -> Download:
    """Begin to download a catalog file into the host's LoRA folder, or join the download that is under way.

    The host lists the file when the download's state is "done". How it gets on: `downloads.registry`.
    """
    return registry.start(variant, _folder_for(variant), done=refresh_loras)


def folder_title(variant: Variant) -> str:
    """Where a download goes, for a person: "models/Lora". Of a folder elsewhere its name: strangers see the page."""
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
