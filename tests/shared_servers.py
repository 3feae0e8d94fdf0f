"""What the tests of one group share, such as a WebUI, for as long as the group's tests run."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


class SharedServers:
    """A pytest plugin that keeps context managers open until the last test of a group is done.

    pytest itself would keep a fixture of the session open to the end of the process, also where no later test of this
    process needs it: all the WebUIs of all groups together, of 0.5 GB each.
    """

    def __init__(self, group_of: Callable[[pytest.Item], str]) -> None:
        self._group_of = group_of
        self._open = ExitStack()
        self._entered: dict[Hashable, Any] = {}
        self._failed: dict[Hashable, Exception] = {}

    def get(self, key: Hashable, make: Callable[[], AbstractContextManager[T]]) -> T:
        """What `make()` gave on entering; of equal keys the first is shared. A failure to enter is shared too."""
        if key in self._failed:
            raise self._failed[key]
        if key not in self._entered:
            try:
                self._entered[key] = self._open.enter_context(make())
            except Exception as failure:
                self._failed[key] = failure
                raise
        return self._entered[key]

    def close(self) -> None:
        """Close everything, the last first."""
        self._entered.clear()
        self._failed.clear()
        self._open.close()

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # after the fixtures of the test
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> Any:
        try:
            return (yield)
        finally:
            if nextitem is None or self._group_of(nextitem) != self._group_of(item):
                self.close()
