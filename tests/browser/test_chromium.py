"""The Chromium that the browser tests share."""

from __future__ import annotations

import pytest
from selenium.webdriver import Chrome

pytestmark = pytest.mark.browser


def test_a_page_that_nobody_clicked_has_the_focus(chromium: Chrome) -> None:
    """Also where this Chromium gives the focus to something else: here a tab in front of the page."""
    chromium.get("data:text/html,<input>")
    front = chromium.execute_cdp_cmd("Target.createTarget", {"url": "about:blank"})
    try:
        assert chromium.execute_script("return document.hasFocus()")
    finally:
        chromium.execute_cdp_cmd("Target.closeTarget", front)
