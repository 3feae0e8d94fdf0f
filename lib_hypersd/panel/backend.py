"""What the panel calls in the host: the functions behind its lines, its lists, its memory and its downloads."""

from __future__ import annotations

from functools import lru_cache

from ..host import checkpoints, lists, loras, options
from .listeners import PanelBackend
from .memory import PanelMemory
from .preview import preview


def host_backend() -> PanelBackend:
    """The backend of the WebUI that this process is."""
    return PanelBackend(
        preview=preview,
        choices=lists.panel_choices,
        checkpoint=lambda: checkpoints.selected_checkpoint().name,
        memory=lambda: _memory() if options.remembers_panel() else None,
        download=loras.start_download,
        folder=loras.folder_title,
    )


@lru_cache(maxsize=1)
def _memory() -> PanelMemory:
    return PanelMemory(options.panel_file(), options.report)
