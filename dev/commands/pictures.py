"""`.venv/bin/python -m dev.commands.pictures [URL]`: the docs' pictures of the panel, from a real page.

Without an address a miniwebui of one's own is started, with one LoRA file alone. The picture of a missing file needs no
network: nothing is downloaded.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from selenium.webdriver.support.ui import WebDriverWait

from .chromium import start_chromium
from .server import PROJECT, running_webui

PANEL = "#hypersd_txt2img"
HERE = PROJECT / "dev" / "miniature" / "weights" / "Lora" / "Hyper-SD15-8steps-lora.safetensors"
PATIENCE_S = 60
WINDOW = {"width": 1250, "height": 1400, "deviceScaleFactor": 1.6, "mobile": False}
_SET = """const field = document.querySelector(arguments[0] + " :is(textarea, input)");
field.value = arguments[1]; updateInput(field)"""


def main() -> None:
    url = sys.argv[1] if len(sys.argv) > 1 else ""
    with tempfile.TemporaryDirectory() as loras, tempfile.TemporaryDirectory() as profile, ExitStack() as stack:
        folder = Path(loras) / "Lora"  # the panel shows its name
        folder.mkdir()
        shutil.copy(HERE, folder)
        address = url or stack.enter_context(running_webui("--lora-dir", str(folder)))
        driver = start_chromium(Path(profile))
        try:
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", WINDOW)
            _picture(driver, f"{address}/?__theme=light", "a lighthouse at dusk", "changes", "panel.png")
            tag = "a lighthouse at dusk <lora:Hyper-SD15-12steps-CFG-lora:1>"
            _picture(driver, f"{address}/?__theme=dark", tag, "missing", "panel-missing.png")
        finally:
            driver.quit()


def _picture(driver: Any, url: str, prompt: str, state: str, name: str) -> None:
    """The panel, ticked and open, once its badge has the state that the prompt leads to."""
    driver.get(url)
    wait = WebDriverWait(driver, PATIENCE_S)
    ready = f"return window.opts && Object.keys(opts).length && document.querySelector('{PANEL}-visible-checkbox')"
    wait.until(lambda _: driver.execute_script(ready))
    driver.execute_script(f"document.querySelector('{PANEL} > .label-wrap').click()")
    driver.execute_script(_SET, "#txt2img_prompt", prompt)
    driver.execute_script(_SET, "#txt2img_neg_prompt", "fog")
    badge = f"return document.querySelector('{PANEL}_badge [data-state={state}]')"
    wait.until(lambda _: driver.execute_script(badge))
    panel = driver.find_element("css selector", PANEL)
    driver.execute_script("document.activeElement.blur(); arguments[0].scrollIntoView({block: 'center'})", panel)
    panel.screenshot(str(PROJECT / "docs" / name))
    print(f"docs/{name}")


if __name__ == "__main__":
    main()
