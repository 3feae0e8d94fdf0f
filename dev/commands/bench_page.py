"""What the panel costs the page, in a Chromium without a window, on gradio 4 (forge) and gradio 3 (a1111).

Two miniwebuis of each profile, with and without the extension, over a LoRA folder of 1,000 files.

- Badge: from a change of the page's Steps, or the panel's Weight, to the badge that answers it, the pause before the
  question included; times are taken in the page.
- Page load: from the start of the navigation to the last of: load event, generate button, last answer that the page
  asked the server for. Loads with and without the extension take turns; the browser's cache is warm.
- Assets: the extension's JavaScript and CSS as served, not compressed.
- Configuration: gradio's /config, with the extension minus without.
"""

from __future__ import annotations

import re
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import unquote

from selenium.webdriver import Chrome

from .arms import write_json
from .bench_hook import FILES, fill_lora_folder
from .chromium import ChromiumMissingError, start_chromium
from .server import running_webui

PROFILES = ("forge", "a1111")
CHANGES, LOADS = 40, 15
QUIET_MS = 700
"""Nothing has come for this long: the page is loaded, or the panel has no answer under way."""
PATIENCE_S = 60.0
ANSWER_MS = 10_000

LIMITS = {
    "badge_ms_p50": 300,
    "page_load_added_ms": 150,
    "asset_bytes": 40 * 1024,
    "config_bytes_added": 150 * 1024,
}
TOLD = {
    "badge_ms_p50": "badge follows a change, median",
    "page_load_added_ms": "page load added, median",
    "asset_bytes": "JavaScript and CSS",
    "config_bytes_added": "gradio's configuration added",
}

_WATCH = """performance.setResourceTimingBufferSize(5000);
new MutationObserver((_, observer) => {
    if (!document.querySelector("#txt2img_generate")) return;
    window.benchMounted = performance.now();
    observer.disconnect();
}).observe(document, {childList: true, subtree: true});"""
"""Runs before the page's own scripts."""

_LOADED_MS = """const [page] = performance.getEntriesByType("navigation");
if (!window.benchMounted || !page.loadEventEnd) return null;
const came = performance.getEntriesByType("resource").map(entry => entry.responseEnd);
const ready = Math.max(page.loadEventEnd, benchMounted, ...came);
return performance.now() - ready > arguments[0] ? ready : null"""

_CHANGE = """const [elementId, value, patience, done] = arguments;
const panel = document.querySelector("#hypersd_txt2img"), field = document.querySelector(`#${elementId} input, ` +
    `#${elementId} textarea`);
const answered = () => JSON.parse(panel.querySelector("[data-hypersd-answer]").dataset.hypersdAnswer).number;
const says = () => new RegExp(`(^|[^0-9.])${value.replace(".", "[.]")}($|[^0-9.])`).test(panel.textContent);
const before = answered();
if (says()) { done("shown already"); return; }
const start = performance.now();
const giveUp = setTimeout(() => { observer.disconnect(); done(null); }, patience);
const observer = new MutationObserver(() => {
    if (answered() === before || !says()) return;
    observer.disconnect();
    clearTimeout(giveUp);
    done(performance.now() - start);
});
observer.observe(document, {childList: true, subtree: true, characterData: true, attributes: true});
field.value = value;
field.dispatchEvent(new Event("input", {bubbles: true}));"""
"""Done when a later question is answered and the panel tells the value: in the table, or in the badge."""

_ANSWERED = """const answer = document.querySelector("#hypersd_txt2img [data-hypersd-answer]");
return JSON.parse(answer.dataset.hypersdAnswer).number"""
"""The number of the last question that was answered."""


@dataclass(frozen=True)
class Figures:
    """One profile's measurements: milliseconds and bytes."""

    badge_ms: list[float]
    loads_with_ms: list[float]
    loads_without_ms: list[float]
    asset_bytes: int
    config_bytes_added: int

    def row(self) -> dict[str, float]:
        """By the keys of `--json`."""
        return {
            "badge_ms_p50": round(median(self.badge_ms), 1),
            "page_load_added_ms": round(median(self.loads_with_ms) - median(self.loads_without_ms), 1),
            "asset_bytes": self.asset_bytes,
            "config_bytes_added": self.config_bytes_added,
        }


def run(json_file: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        loras = Path(folder) / "Lora"
        fill_lora_folder(loras)
        measured = {profile: _measure(profile, loras, Path(folder)) for profile in PROFILES}
    rows = {profile: figures.row() for profile, figures in measured.items()}
    worst = {key: max(row[key] for row in rows.values()) for key in LIMITS}
    print(f"{f'{FILES:,} LoRA files':34}" + "".join(f"{profile:>12}" for profile in rows) + f"{'limit':>12}")
    for key, text in TOLD.items():
        unit = " ms" if "_ms" in key else " B"
        cells = "".join(f"{row[key]:>12,.0f}" for row in rows.values())
        print(f"{text:34}{cells}{LIMITS[key]:>12,}{unit}{'' if worst[key] <= LIMITS[key] else '   over the limit'}")
    for profile, figures in measured.items():
        slow, loads = quantiles(figures.badge_ms, n=10)[-1], (figures.loads_with_ms, figures.loads_without_ms)
        print(f"{profile}: {len(figures.badge_ms)} changes, 90th percentile {slow:.0f} ms; ", end="")
        print("{} loads each, {:.0f} ms with, {:.0f} ms without".format(LOADS, *map(median, loads)))
    write_json(json_file, worst)


def _measure(profile: str, loras: Path, folder: Path) -> Figures:
    shared = ("--profile", profile, "--lora-dir", str(loras))
    with (
        running_webui(*shared) as with_it,
        running_webui(*shared, "--without-extension") as without,
        _chromium(folder / f"chromium-{profile}") as driver,
    ):
        loads_with, loads_without = _loads(driver, with_it, without)
        return Figures(
            badge_ms=_badge(driver, with_it),
            loads_with_ms=loads_with,
            loads_without_ms=loads_without,
            asset_bytes=_asset_bytes(with_it) - _asset_bytes(without),
            config_bytes_added=len(_body(f"{with_it}/config")) - len(_body(f"{without}/config")),
        )


@contextmanager
def _chromium(profile: Path) -> Iterator[Chrome]:
    try:
        driver = start_chromium(profile)
    except ChromiumMissingError as reason:
        raise SystemExit(f"error: {reason}") from None
    try:
        driver.set_script_timeout(PATIENCE_S)
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH})
        yield driver
    finally:
        driver.quit()


def _loads(driver: Chrome, with_it: str, without: str) -> tuple[list[float], list[float]]:
    """Milliseconds of each load; the first of each, which fills the browser's cache, does not count."""
    taken: dict[str, list[float]] = {with_it: [], without: []}
    for turn in range(LOADS + 1):
        for url in (with_it, without) if turn % 2 == 0 else (without, with_it):
            taken[url].append(_load(driver, url))
    return taken[with_it][1:], taken[without][1:]


def _load(driver: Chrome, url: str) -> float:
    driver.get(url)
    return float(_wait(lambda: driver.execute_script(_LOADED_MS, QUIET_MS)))


def _badge(driver: Chrome, url: str) -> list[float]:
    """Milliseconds of each change of the page's Steps and the panel's Weight, in turns."""
    _load(driver, url)
    driver.execute_script("document.querySelector('#hypersd_txt2img-visible-checkbox').click()")
    taken = []
    for number in range(CHANGES + 2):
        _wait_until_answered(driver)
        field, value = ("txt2img_steps", str(50 + number)) if number % 2 == 0 else _weight(number)
        took = driver.execute_async_script(_CHANGE, field, value, ANSWER_MS)
        if not isinstance(took, float | int):
            raise SystemExit(f"error: the badge did not follow {field} = {value} ({took or 'no answer'})")
        taken.append(float(took))
    return taken[2:]


def _weight(number: int) -> tuple[str, str]:
    return "hypersd_txt2img_weight", f"0.{500 + 2 * number + 1}"


def _wait_until_answered(driver: Chrome) -> None:
    """Until no answer has come for a while."""
    state: dict[str, Any] = {"answered": None, "since": time.monotonic()}

    def quiet() -> bool:
        answered = driver.execute_script(_ANSWERED)
        if answered != state["answered"]:
            state.update(answered=answered, since=time.monotonic())
        return bool(answered) and time.monotonic() - state["since"] > QUIET_MS / 1000

    _wait(quiet)


def _wait(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise SystemExit("error: the page was not ready in time")


def _asset_bytes(url: str) -> int:
    """All scripts and style sheets that the hosts put into the page's head and foot, as files of this machine."""
    addresses = re.findall(r'(?:src|href)="(file=[^"]+\.(?:m?js|css)\?[^"]*)"', _body(url).decode())
    return sum(len(_body(f"{url}/{address}")) for address in sorted({unquote(address) for address in addresses}))


def _body(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:
        content: bytes = answer.read()
        return content
