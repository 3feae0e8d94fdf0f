"""A miniwebui for each profile, and one Chromium for all tests."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from webui_page import WebuiPage

ROOT = Path(__file__).resolve().parents[2]
START_S = 120
CHROMIUM_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1100",
)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Webuis:
    """The servers of this session. The same profile and arguments give the same one."""

    def __init__(self, logs: Path):
        self.logs = logs
        self.running: dict[tuple[str, ...], tuple[subprocess.Popen, int]] = {}

    def start(self, profile: str, *arguments: str) -> None:
        """Start one without waiting for it."""
        key = (profile, *arguments)
        if key in self.running:
            return
        port = free_port()
        command = [sys.executable, "run.py", "ui", "--port", str(port), "--profile", profile, *arguments]
        with (self.logs / f"{port}.txt").open("w") as log:
            process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        self.running[key] = process, port

    def address(self, profile: str, *arguments: str) -> str:
        """The address of one that answers; one that does not shows its log."""
        self.start(profile, *arguments)
        process, port = self.running[profile, *arguments]
        end = time.monotonic() + START_S
        while time.monotonic() < end and process.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/internal/ping", timeout=5).close()
            except OSError:
                time.sleep(0.1)
            else:
                return f"http://127.0.0.1:{port}"
        pytest.fail(f"miniwebui did not start:\n{(self.logs / f'{port}.txt').read_text()[-4000:]}")

    def stop(self) -> None:
        """Stop all."""
        for process, _ in self.running.values():
            process.terminate()
        for process, _ in self.running.values():
            process.wait(timeout=20)


@pytest.fixture(scope="session")
def webuis(tmp_path_factory) -> Iterator[Webuis]:
    """Where a test gets a WebUI from."""
    servers = Webuis(tmp_path_factory.mktemp("webui"))
    yield servers
    servers.stop()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory) -> Iterator[webdriver.Chrome]:
    """A Chromium without a window, with a fresh profile."""
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver_path = shutil.which("chromedriver")
    if binary is None or driver_path is None:
        pytest.skip("Chromium and chromedriver are not installed (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*CHROMIUM_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(driver_path))
    yield driver
    driver.quit()


@pytest.fixture
def open_page(webuis, chromium) -> Callable[..., WebuiPage]:
    """``open_page("a1111", "--without-extension")`` gives the freshly loaded page of a profile."""

    def open_(profile: str, *arguments: str) -> WebuiPage:
        page = WebuiPage(chromium, webuis.address(profile, *arguments))
        page.open()
        return page

    return open_
