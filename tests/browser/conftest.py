"""A miniwebui for each profile, and one Chromium for all tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from live.server import Process, free_port, start, stop, wait_until_ready
from selenium import webdriver
from shared_servers import SharedServers
from webui_page import WATCH_CALLS, WebuiPage

from dev.commands.chromium import ChromiumMissingError, start_chromium


class Webuis:
    """The servers of the tests in a page. The same profile and arguments give the same one."""

    def __init__(self, logs: Path):
        self.logs = logs
        self.running: dict[tuple[str, ...], tuple[Process, int]] = {}

    def start(self, profile: str, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        """Start one without waiting for it. `environment` is laid over this process's."""
        key = (profile, *arguments)
        if key in self.running:
            return
        port = free_port()
        more = ["--port", str(port), *arguments]
        process = start(profile, more, self.logs / f"{port}.txt", environment=environment or {})
        self.running[key] = process, port

    def address(self, profile: str, *arguments: str) -> str:
        """The address of one that is ready; one that does not get there shows its log."""
        self.start(profile, *arguments)
        process, port = self.running[profile, *arguments]
        wait_until_ready(process, self.logs / f"{port}.txt")
        return f"http://127.0.0.1:{port}"

    def stop(self, *, plain: bool = True) -> None:
        """Stop all, or those alone that were started with arguments."""
        ending = {key: each for key, each in self.running.items() if plain or key[1:]}
        for key in ending:
            del self.running[key]
        stop(*(process for process, _ in ending.values()))


@pytest.fixture(scope="session")
def all_webuis(tmp_path_factory: pytest.TempPathFactory) -> Webuis:
    return Webuis(tmp_path_factory.mktemp("webui"))


@pytest.fixture
def webuis(all_webuis: Webuis, shared: SharedServers) -> Webuis:
    """Where a test gets a WebUI from."""
    return shared.get("webuis", lambda: _stopped_at_the_end(all_webuis))


@contextmanager
def _stopped_at_the_end(webuis: Webuis) -> Iterator[Webuis]:
    try:
        yield webuis
    finally:
        webuis.stop()


@pytest.fixture(scope="module", autouse=True)
def _no_more_of_a_modules_own(all_webuis: Webuis) -> Iterator[None]:
    """Each takes 0.5 GB; those with arguments are of use to one module alone."""
    yield
    all_webuis.stop(plain=False)


@pytest.fixture
def chromium(shared: SharedServers, tmp_path_factory: pytest.TempPathFactory) -> webdriver.Chrome:
    """A Chromium without a window, with a fresh profile; the same one for all tests."""
    try:
        return shared.get("chromium", lambda: _chromium(tmp_path_factory.mktemp("chromium")))
    except ChromiumMissingError as reason:
        pytest.skip(str(reason))


@contextmanager
def _chromium(profile: Path) -> Iterator[webdriver.Chrome]:
    driver = start_chromium(profile)
    try:
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH_CALLS})
        yield driver
    finally:
        driver.quit()


@pytest.fixture
def open_page(webuis, chromium) -> Callable[..., WebuiPage]:
    """``open_page("a1111", "--without-extension")`` gives the freshly loaded page of a profile."""

    def open_(profile: str, *arguments: str) -> WebuiPage:
        page = WebuiPage(chromium, webuis.address(profile, *arguments))
        page.open()
        return page

    return open_
