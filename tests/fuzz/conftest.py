from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fuzz.account import PROPERTY
from runs import ran
from unit.files import whole_catalog

from lib_hypersd.models.lora_index import LoraIndex


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> LoraIndex:
    """A machine that has every published file."""
    return whole_catalog(tmp_path_factory.mktemp("Lora"))


@pytest.fixture(autouse=True)
def _told_to_the_account(record_property: Callable[[str, object], None]) -> Iterator[None]:
    """A test's report tells its cases."""
    ran.clear()
    yield
    record_property(PROPERTY, dict(ran))
