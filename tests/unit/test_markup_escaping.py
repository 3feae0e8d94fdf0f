"""The panel's HTML with script in each text that it is made of: all of it stays text."""

from __future__ import annotations

import ast
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lib_hypersd.downloads.state import Download
from lib_hypersd.models.catalog import VARIANTS, Variant
from lib_hypersd.panel import markup
from lib_hypersd.panel.outlook import Outlook, Row, State
from lib_hypersd.plan.result import Change
from lib_hypersd.request.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = [
    "<img src=x onerror=window.pwned=1>",
    "<script>window.pwned=1</script>",
    "' onmouseover='window.pwned=1' x='",
    '" onmouseover="window.pwned=1" x="',
    "</span></p></code><svg onload=window.pwned=1>",
    "&lt;img src=x onerror=window.pwned=1&gt;",
    "--><iframe srcdoc='<script>window.pwned=1</script>'>",
]
STATES: tuple[State, ...] = ("off", "hint", "ready", "changes", "missing", "unfit", "bad")
TAGS = {"span", "b", "i", "p", "a", "code", "table", "thead", "tbody", "tr", "th", "td", "input", "label", "button"}


class _Read(HTMLParser):
    """The elements and attributes of a text, and what it shows."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.shown = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.shown += data


def _assert_text_only(html: str) -> _Read:
    read = _Read(html)
    assert read.tags <= {*TAGS, "progress"}, read.tags
    allowed = {"class", "title", "scope", "type", "checked", "disabled", "value", "max", "href", "target", "rel"}
    assert all(name in allowed or name.startswith(("data-", "aria-")) for name in read.attributes), read.attributes
    return read


def _variant(text: str) -> Variant:
    return replace(VARIANTS[0], name=text, licence=text, repo=text)


def _download(text: str, active: bool) -> Download:
    return Download(text, VARIANTS[0].name, "running" if active else "failed", 5, 10, 3.0, 2.0, text)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("table", [True, False])
def test_header_and_body_show_every_text_as_it_is(state: State, text: str, table: bool) -> None:
    rows = tuple(
        Row(Change(field, text, f"{text}!", text), "sampler" if kept is not None else None, kept=bool(kept))
        for field in ("sampler_name", "prompt")
        for kept in (None, False, True)
    )
    seen = Outlook(state, text, by_tag=True, rows=rows if table else (), notices=(text,))
    assert text in _assert_text_only(markup.badge(seen)).shown
    shown = _assert_text_only(markup.body(seen, replace(Settings(), sampler=text), None, text)).shown
    assert text in shown


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("download", [None, True, False])
def test_a_missing_file_and_its_download(download: bool | None, text: str) -> None:
    running = None if download is None else _download(text, download)
    seen = Outlook("missing", text, missing=_variant(text))
    shown = _assert_text_only(markup.body(seen, None, running, text)).shown
    assert text in shown


@pytest.mark.parametrize("text", HOSTILE)
def test_the_marks_of_an_answer(text: str) -> None:
    read = _assert_text_only(markup.answer({"checkpoint": text, "number": text}))
    assert read.attributes == {"data-hypersd-answer"}


def test_nothing_pops_up_in_the_page() -> None:
    """gradio 4 takes the text of its warnings, infos and errors for HTML: there are none of ours."""
    for path in (ROOT / "lib_hypersd").rglob("*.py"):
        names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        assert not names & {"Warning", "Info", "Error"}, path
