"""The WebUI's page as a person uses it, through Chromium."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

PATIENCE_S = 30.0
QUIET_MS = 400
WATCH_CALLS = """const asked = window.fetch;
window.callsUnderWay = 0;
window.fetch = async (...request) => {
    const counts = String(request[0]?.url ?? request[0]).includes("/run/");
    window.callsUnderWay += counts;
    try {
        const answer = await asked.apply(window, request);
        await window.keepBack?.(String(request[1]?.body));
        return answer;
    } finally { window.callsUnderWay -= counts; }
};"""
"""What a driver runs before a page's own scripts. Gradio's calls without a queue go to run/predict; what lasts, such as
its heartbeat, does not count. A test may set keepBack, which gets a call's body and gives what its answer waits for."""
_READY = """const ends = performance.getEntriesByType("resource").map(entry => entry.responseEnd);
return Boolean(document.querySelector("#txt2img_generate")) && Object.keys(window.opts || {}).length > 0
    && window.callsUnderWay === 0 && performance.now() - Math.max(...ends) > arguments[0]"""
"""The elements and the settings are there, each call is answered, and nothing has arrived for a while: what a host
sets when its page is loaded, such as Forge's presets and the settings' values, must not come after what a test sets."""
_FIELD = "return document.querySelector(`#${arguments[0]} :is(textarea, input)`)"
_PICTURES = """return [...document.querySelectorAll(`#${arguments[0]}_gallery .thumbnails img`)]
    .map(image => [image.src, image.naturalWidth, image.naturalHeight]).filter(picture => picture[1] > 0)"""


class WebuiPage:
    """One open page. Fields are named by the elem_id of their component."""

    def __init__(self, driver: Chrome, url: str):
        self.driver = driver
        self.url = url

    def open(self, query: str = "") -> None:
        """Load the page anew and wait until its scripts have run."""
        self.driver.get(self.url + query)
        self.wait(lambda: self.driver.execute_script(_READY, QUIET_MS), "the page")

    def wait(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait until a condition holds; returns what it gave."""
        waiting = WebDriverWait(self.driver, PATIENCE_S, poll_frequency=0.05)
        return waiting.until(lambda _: condition(), f"waited in vain for {what}")

    def find(self, selector: str) -> WebElement:
        """The first element of a CSS selector."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def click(self, elem_id: str) -> None:
        """Click an element, in sight or not."""
        self.driver.execute_script("document.getElementById(arguments[0]).click()", elem_id)

    def text(self, elem_id: str) -> str:
        """The text that an element shows."""
        return self.find(f"#{elem_id}").get_attribute("textContent").strip()

    def value(self, elem_id: str) -> str:
        """What stands in a field."""
        return self.driver.execute_script(f"{_FIELD}.value", elem_id)

    def unfold(self, elem_id: str) -> None:
        """Open an accordion, by its label."""
        label = self.find(f"#{elem_id} > .label-wrap")
        if "open" not in label.get_attribute("class").split():
            self.driver.execute_script("arguments[0].click()", label)

    def show_tab(self, tab: str) -> None:
        """Bring "txt2img" or "img2img" to the front; the hosts write them with small or large letters."""
        buttons = self.driver.find_elements(By.CSS_SELECTOR, "#tabs button")
        button = next(b for b in buttons if b.get_attribute("textContent").strip().lower() == tab)
        self.driver.execute_script("arguments[0].click()", button)

    def checked(self, elem_id: str) -> bool:
        """Whether a checkbox is on; an accordion's by the accordion's elem_id and ``-checkbox``."""
        return self.driver.execute_script(f"{_FIELD}.checked", elem_id)

    def enabled(self, elem_id: str) -> bool:
        """Whether a button can be pressed."""
        return self.driver.execute_script("return !document.getElementById(arguments[0]).disabled", elem_id)

    def faults(self) -> list[str]:
        """What the browser's console has said since it was last asked: exceptions, and whatever names the panel.

        A host without a network has others: gradio asks for fonts.
        """
        said = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        return [text for text in said if "Uncaught" in text or "hypersd" in text.lower()]

    def set(self, elem_id: str, value: str) -> None:
        """Write into a text box or number as a person does."""
        script = f"const field = ({_FIELD.removeprefix('return ')}); field.value = arguments[1]; updateInput(field)"
        self.driver.execute_script(script, elem_id, value)

    def choose(self, elem_id: str, value: str) -> None:
        """Take an entry of a dropdown's list."""
        field = self.driver.execute_script(_FIELD, elem_id)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'}); arguments[0].focus()", field)
        entry = f"//*[@id='{elem_id}']//li[@aria-label='{value}' or @data-value='{value}']"
        self.wait(lambda: self.driver.find_elements(By.XPATH, entry), f"{value} in the list")
        press = "arguments[0].dispatchEvent(new MouseEvent('mousedown', {bubbles: true}))"
        self.driver.execute_script(press, self.driver.find_element(By.XPATH, entry))
        self.driver.execute_script("arguments[0].blur()", field)
        self.wait(lambda: self.value(elem_id) == value, f"{value} to be taken")

    def type_into(self, elem_id: str, value: str) -> None:
        """Type a value into a dropdown that takes any, as a person does."""
        field = self.find(f"#{elem_id} input")
        self.driver.execute_script("arguments[0].focus()", field)
        field.send_keys(Keys.CONTROL + "a" + Keys.NULL, value, Keys.ENTER, Keys.TAB)

    def pictures(self, tab: str = "txt2img") -> list[tuple[str, int, int]]:
        """Address, width and height of each picture in a tab's gallery."""
        return [tuple(picture) for picture in self.driver.execute_script(_PICTURES, tab)]

    def generate(self, tab: str = "txt2img", button: str = "generate") -> list[tuple[str, int, int]]:
        """Press a button that draws, and wait for the pictures; the infotext is there then too."""
        before = self.pictures(tab)
        self.click(f"{tab}_{button}")
        busy = f"return document.querySelector('#{tab}_interrupt').style.display === 'block'"
        self.wait(lambda: self.pictures(tab) not in ([], before) and not self.driver.execute_script(busy), "a picture")
        return self.pictures(tab)

    def paste(self, infotext: str, done: Callable[[], bool]) -> None:
        """Put an infotext into the prompt and press the paste button, until ``done``."""
        self.set("txt2img_prompt", infotext)
        self.click("paste")
        self.wait(done, "the fields to be filled")
