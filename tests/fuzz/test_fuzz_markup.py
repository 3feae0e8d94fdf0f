"""The panel's HTML: any text in it stays a text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

from markup_check import check_markup
from mutation import ODD, Case
from runs import run_cases

from lib_hypersd.downloads.state import Download
from lib_hypersd.models.catalog import VARIANTS
from lib_hypersd.panel import markup
from lib_hypersd.panel.outlook import KEEPS, Outlook, Row, State
from lib_hypersd.plan.result import FIELD_TITLES, Change
from lib_hypersd.request.settings import KEYS, Settings

CORPUS = (
    "Hyper-SD15-8steps-lora × 1 · 8 steps",
    "<img src=x onerror=alert(1)>",
    "</span></b><script>alert(1)</script>",
    "'\"><svg/onload=alert(1)>",
    "' onmouseover='alert(1)",
    "&lt;b&gt; &amp;quot; &#39; <!-- --> <![CDATA[ ]]> <?x ?>",
)
WORDS = (
    "<",
    ">",
    "'",
    '"',
    "&",
    "&#x27;",
    "</p>",
    "<script>",
    "-->",
    "<!--",
    "=",
    "`",
    "\0",
    " onclick=",
    "javascript:",
)
PLAIN = "text"


def test_any_text_is_escaped() -> None:
    """The page is the same tags as with plain texts, and what a browser reads is what was written."""

    def check(case: Case) -> None:
        written: list[str] = []

        def text() -> str:
            written.append(case.text(CORPUS, (*WORDS, *ODD)) or PLAIN)
            return written[-1]

        state, fields = case.choice(get_args(State)), [case.choice(list(FIELD_TITLES)) for _ in range(3)]
        loading = case.choice(("waiting", "running", "failed", "cancelled"))
        kept, by_tag, has_file, loads = (case.random() < 0.5 for _ in range(4))
        seed = case.random()

        def page(text: Callable[[], str]) -> str:
            rows = tuple(
                Row(Change(field, text(), text(), text()), KEEPS.get(field), kept and field in KEEPS)
                for field in fields
            )
            file = replace(VARIANTS[0], repo=text(), licence=text()) if has_file else None
            outlook = Outlook(state, text(), by_tag, rows if seed < 0.8 else (), (text(), text()), file)
            values = {key: text() for key in KEYS[1:]}
            download = Download(text(), VARIANTS[0].name, loading, 5, 9, 0.0, None, text()) if loads else None
            marks = {"checkpoint": text(), "number": text()}
            return (
                markup.badge(outlook)
                + markup.body(outlook, Settings(**values), download, text())
                + markup.answer(marks)
            )

        shape, read = check_markup(page(text))
        assert shape == check_markup(page(lambda: PLAIN))[0]

    run_cases("markup", check)
