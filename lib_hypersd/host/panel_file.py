"""Where the panel's values are remembered for each checkpoint."""

from __future__ import annotations

import os
from functools import lru_cache

from modules.paths_internal import data_path

from ..panel.memory import PanelMemory
from .options import report


@lru_cache(maxsize=1)
def panel_memory() -> PanelMemory:
    """The memory in `hypersd-panels.json`, beside the host's own config."""
    return PanelMemory(os.path.join(data_path, "hypersd-panels.json"), report)
