from __future__ import annotations

import pytest
from files import whole_catalog

from lib_hypersd.models.lora_index import LoraIndex


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> LoraIndex:
    """A machine that has every published file."""
    return whole_catalog(tmp_path_factory.mktemp("Lora"))
