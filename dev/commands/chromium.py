"""A Chromium without a window, for the browser tests and for what is measured in a page."""

from __future__ import annotations

import shutil
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

FLAGS = (
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


class ChromiumMissingError(RuntimeError):
    """There is no Chromium or no chromedriver on this machine."""


def start_chromium(profile: Path) -> webdriver.Chrome:
    """A Chromium that keeps its files under `profile`, whose first tab always has the focus; the caller quits it.

    Raises ChromiumMissingError.
    """
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        raise ChromiumMissingError("Chromium and chromedriver are not installed (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    chromium = webdriver.Chrome(options=options, service=Service(driver))
    # In headless Chromium 150 a page that nobody clicked has no focus: then element.focus() fires no event, and
    # that event opens the lists of gradio's dropdowns.
    chromium.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
    return chromium
