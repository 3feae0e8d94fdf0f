"""What became of a picture: drawn with all of the plan, or with none of it and a word why; nothing else will do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .host import Drawn

_WORDS = ("Hyper-SD notice", "Hyper-SD error")
_SAID_TWICE = re.compile(r"((?:A|met a) fault .*?)see the console.*\1")
_OF_THE_PASS = ("Hyper-SD eta", "Hyper-SD applied")
"""Entries that are made while a pass is drawn."""
SAME = 1
"""Of 255: what A1111's uncond changes by being left out."""


@dataclass(frozen=True)
class References:
    """What a request gives without a fault, and what it gives with the extension off."""

    whole: Drawn
    stock: Drawn
    account: Any = None


def fault_in(drawn: Drawn, references: References, *, silent: bool = False, misled: bool = False) -> str | None:
    """What is wrong with a picture that was drawn under a fault; None where nothing is.

    `silent` is a fault that could be told on the console alone. Where a field has `misled` it, another plan may come
    of it, if its account is true: what it says was changed differs from stock, and nothing else does.
    """
    whole, stock = references.whole, references.stock
    if twice := next(filter(None, map(_SAID_TWICE.search, drawn.own.values())), None):
        return f"said twice: {twice[1]}"
    if drawn.rest == whole.rest and drawn.own == whole.own:
        return (
            None if silent or drawn.distance(whole) <= SAME else "another picture than the plan's, and nothing says so"
        )
    if drawn.rest == stock.rest and _account(drawn.own) == _account(stock.own):
        return _fault_in_stock(drawn, references)
    if drawn.rest == whole.rest and _account(drawn.own, *_OF_THE_PASS) == _account(whole.own, *_OF_THE_PASS):
        # Its settings are the plan's; what could not be done in the pass itself must be told.
        return None if _told(drawn.own) else "the plan is applied, its notice lost"
    if misled and _is_true(drawn, references.stock):
        return None
    return f"half of a plan: {_difference(drawn, references)}"


def _fault_in_stock(drawn: Drawn, references: References) -> str | None:
    if drawn.distance(references.stock):
        return "the settings are stock's, the picture is not"
    if references.whole.own == references.stock.own:  # off: there was nothing to lose
        return None if drawn.own == references.stock.own else f"off, and yet it says {dict(drawn.own)}"
    words = _told(drawn.own)
    if len(words) != 1:
        return f"stock, with {len(words)} words why: {words}"
    return None if len(words[0]) > len("Hyper-SD") else "stock, with an empty notice"


_TITLES = {
    "steps": "Steps",
    "CFG": "CFG scale",
    "distilled CFG": "Distilled CFG Scale",
    "sampler": "Sampler",
    "schedule": "Schedule type",
    "denoising": "Denoising strength",
    "hires steps": "Hires steps",
    "hires CFG": "Hires CFG Scale",
}
"""An account's words, and the infotext's for the same."""


def _is_true(drawn: Drawn, stock: Drawn) -> bool:
    """Whether a plan's account names just what the infotext shows as changed."""
    said = drawn.own.get("Hyper-SD changes", "")
    (prompt, negative, now), (prompt_before, negative_before, before) = json.loads(drawn.rest), json.loads(stock.rest)
    changed = {title for title in _TITLES.values() if now.get(title) != before.get(title) and title in now}
    told = {title for word, title in _TITLES.items() if re.search(rf"(?:^|, ){word} \S", said)}
    return negative == negative_before and changed <= told and (prompt != prompt_before) == ("prompt " in said)


def _account(own: Mapping[str, str], *besides: str) -> dict[str, str]:
    return {key: value for key, value in own.items() if key not in (*_WORDS, *besides)}


def _told(own: Mapping[str, str]) -> list[str]:
    return [own[key] for key in _WORDS if key in own]


def _difference(drawn: Drawn, references: References) -> str:
    own = dict(drawn.own)
    plan, stock = references.whole.rest, references.stock.rest
    which = "the plan's" if drawn.rest == plan else "stock's" if drawn.rest == stock else f"neither's ({drawn.rest})"
    return f"the account is {own}, the settings are {which}"


def fault_afterwards(again: Drawn, off: Drawn, references: References) -> str | None:
    """What the next pictures, with the fault gone, show of it."""
    if (again.rest, again.own) != (references.whole.rest, references.whole.own):
        return f"the next picture has {dict(again.own)}, {again.rest}"
    if again.distance(references.whole):
        return "the next picture is another one"
    if (off.rest, off.own) != (references.stock.rest, references.stock.own) or off.distance(references.stock):
        return f"the next picture with it off has {dict(off.own)}, {off.rest}"
    return None
