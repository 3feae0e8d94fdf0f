"""The panel's changing lines as HTML: the header's badge, the table, what is missing. Every text is escaped.

Plain text is in nodes of its own, where the hosts' localization finds it. `data-hypersd-…` attributes are what
javascript/hypersd.js listens to.
"""

import json
from collections.abc import Mapping
from html import escape

from ..downloads.state import Download
from ..models.catalog import Variant
from ..plan.result import FIELD_TITLES, PROMPT_FIELDS
from ..request.settings import Settings
from ..text import amount, counted, readable
from .outlook import Outlook, Row, State

_STATE_TEXT: dict[State, str] = {
    "off": "off",
    "hint": "off",
    "ready": "ready",
    "missing": "LoRA missing",
    "unfit": "not for this checkpoint",
    "pending": "not known until it is loaded",
    "bad": "not possible",
}


def badge(outlook: Outlook) -> str:
    """The header's one line: the state, then its reason."""
    state, count = outlook.state, outlook.settings_changed
    text = escape(outlook.missing.file if outlook.missing else outlook.text)
    head = f"will change {counted(count, 'setting')}" if state == "changes" else _STATE_TEXT[state]
    colon = "<i class='hypersd-spoken'>: </i>" if text else ""
    by_tag = "<span>by tag</span>, " if outlook.by_tag else ""
    return (
        f"<span class='hypersd-badge' data-state='{state}' title='{escape(outlook.text)}'>"
        f"<b>{by_tag}<span>{head}</span>{colon}</b><span>{text}</span></span>"
    )


def body(outlook: Outlook, settings: Settings | None, download: Download | None = None, folder: str = "") -> str:
    """The lines under the controls: the table, how the LoRA is applied, the notices, what to do about a missing file.

    `download` is that of the missing file, if there was one, and `folder` its folder.
    """
    parts = []
    if outlook.missing:
        parts = [_notice(outlook.text), _missing(outlook.missing, download, folder)]
    elif outlook.rows:
        parts = [_table(outlook, settings)]
    elif outlook.state == "ready":
        parts = [_RIGHT]
    elif outlook.text and outlook.state != "off":
        parts = [_notice(outlook.text)]
    if outlook.remark:
        parts.append(f"<p class='hypersd-line'>{escape(outlook.remark)}</p>")
    return "".join([*parts, *(_notice(f"! {notice}") for notice in outlook.notices)])


_RIGHT = "<p class='hypersd-line'>the page's settings are right as they are</p>"


def _notice(text: str) -> str:
    return f"<p class='hypersd-line hypersd-notice'>{escape(text)}</p>"


def _table(outlook: Outlook, settings: Settings | None) -> str:
    heads = ("set", "setting", "now → then", "why")
    head = "".join(f"<th scope='col'>{text}</th>" for text in heads)
    rows = "".join(_row(row, settings) for row in outlook.rows)
    table = f"<table class='hypersd-table'><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return table if outlook.settings_changed else table + _RIGHT


def _row(row: Row, settings: Settings | None) -> str:
    change = row.change
    title = escape(FIELD_TITLES[change.field])
    before, after = escape(readable(change.before)), escape(readable(change.after))
    reason = escape(change.reason)
    if row.kept:
        then, reason = before, f"kept; else {after}, {reason}"
    elif change.field in PROMPT_FIELDS:
        then = f"{'+' if change.before in ('', None) else f'{before} →'} <b>{after or '–'}</b>"
    else:
        then = f"{before} → <b>{after}</b>"
    kept = " class='hypersd-kept'" if row.kept else ""
    return (
        f"<tr{kept}><td>{_tick(row, settings)}</td><th scope='row'>{title}</th> <td>{then}</td> <td>{reason}</td></tr>"
    )


def _tick(row: Row, settings: Settings | None) -> str:
    """The checkbox that keeps the page's value. It holds the setting's present value, to return to."""
    if row.key is None or settings is None:
        return ""
    label = f"{FIELD_TITLES[row.change.field]}: set to {readable(row.change.after)}"
    value = "" if row.kept else getattr(settings, row.key)
    held = value if isinstance(value, str) else format(value, "g")  # as the panel's control holds it
    return (
        f"<input type='checkbox' data-hypersd-keep='{row.key}' data-hypersd-field='{row.change.field}' "
        f"data-value='{escape(held)}' "
        f"aria-label='{escape(label)}'{'' if row.kept else ' checked'}>"
    )


def _missing(variant: Variant, download: Download | None, folder: str) -> str:
    """The file, its source and folder, its licence, and the download button or the download's progress."""
    parts = [
        f"<p class='hypersd-line'><b>{escape(variant.file)}</b> ({amount(variant.size)}), from "
        f"<a href='https://huggingface.co/{escape(variant.repo)}' target='_blank' rel='noopener noreferrer'>"
        f"huggingface.co/{escape(variant.repo)}</a>, goes into <code>{escape(folder)}</code></p>"
    ]
    if download is not None and download.active:
        parts.append(_progress(download))
    else:
        if download is not None:
            parts.append(_notice(download.message))
        parts.append(
            "<p class='hypersd-line'><label><input type='checkbox' data-hypersd-do='accept'> "
            f"<span>I accept its licence:</span> {escape(variant.licence)}</label> "
            f"<button type='button' class='hypersd-button' data-hypersd-do='download' "
            f"data-value='{escape(variant.name)}' disabled>Download</button></p>"
        )
    return "".join(parts)


def _progress(download: Download) -> str:
    """A running download. `data-hypersd-running` has the page query again."""
    figures = [f"{amount(download.done_bytes)} of {amount(download.total_bytes)}"]
    if download.bytes_per_second >= 1:
        figures.append(f"{amount(round(download.bytes_per_second))}/s")
    if download.seconds_left is not None:
        figures.append(f"{_duration(download.seconds_left)} left")
    share = f"value='{download.done_bytes}' max='{max(download.total_bytes, 1)}'" if download.done_bytes else ""
    return (
        "<p class='hypersd-line hypersd-running' data-hypersd-running>"
        f"<progress {share} aria-label='{escape(download.message)}'></progress> "
        f"<span>{escape(' · '.join(figures))}</span> "
        f"<button type='button' class='hypersd-button' data-hypersd-do='cancel' data-value='{escape(download.id)}'>"
        f"Cancel</button></p><p class='hypersd-line'>{escape(download.message)}</p>"
    )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def answer(marks: Mapping[str, object]) -> str:
    """What the page's JavaScript sends back with the next query, unread."""
    return f"<i data-hypersd-answer='{escape(json.dumps(dict(marks)))}'></i>"
