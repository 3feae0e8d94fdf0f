"""The panel joined to the host: the functions behind its lines, lists, memory and downloads, and behind "paste"."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from ..host import checkpoints, lists, loras, options, sampling
from ..request.settings import KEYS
from . import paste
from .listeners import PanelBackend
from .memory import PanelMemory
from .preview import preview


def host_backend() -> PanelBackend:
    """The backend of the WebUI that this process is."""
    return PanelBackend(
        preview=preview,
        choices=lists.panel_choices,
        checkpoint=lambda: checkpoints.selected_checkpoint().name,
        memory=lambda: _memory() if options.is_ticked(options.OPTION_REMEMBER) else None,
        download=loras.start_download,
        folder=loras.folder_title,
    )


@cache
def _memory() -> PanelMemory:
    return PanelMemory(options.panel_file(), options.report)


def infotext_fields(ordered: Sequence[Any]) -> list[tuple[Any, Callable[[Mapping[str, Any]], Any]]]:
    """(component, value from a pasted infotext) pairs, for the host's paste button. `ordered` are in `KEYS`' order."""
    return [(component, _pasted(key)) for key, component in zip(KEYS, ordered, strict=True)]


@cache  # the same function for both tabs: by it the hosts know which control goes where
def _pasted(key: str) -> Callable[[Mapping[str, Any]], Any]:
    if key == "eta":
        return lambda params: paste.panel_eta(params, sampling.option_eta())
    return lambda params: paste.panel_value(key, params, options.preferences())
