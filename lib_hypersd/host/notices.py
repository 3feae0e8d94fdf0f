"""How a notice is shown: in the infotext, and under the picture in the page. Most are worded in plan/warnings.py."""

from typing import Any

from .. import TITLE
from .options import OPTION_NOTICES, is_ticked, report


def say(p: Any, key: str, text: str) -> None:
    """Add a sentence to an entry of the infotext, and show it; once, however often a run repeats it."""
    params = p.extra_generation_params
    before = params.get(key)
    if before and text in before:
        return
    show(p, text if text.startswith(TITLE) else f"{TITLE}: {text}")
    params[key] = f"{before} {text}" if before else text


def show(p: Any, text: str) -> None:
    """Show a notice under the picture in the page, unless the option is off; the infotext has it in any case."""
    try:
        if is_ticked(OPTION_NOTICES, default=True):
            p.comment(text)
    except Exception:
        report(f"{TITLE}: could not show a notice under the picture", exc_info=True)
