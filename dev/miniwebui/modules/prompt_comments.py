"""Text that prompts hide from the model: # to the end of the line; on some hosts // and /* */ too."""

import re

from modules import shared
from modules.profiles import PROFILE

_WHOLE_LINE = re.compile(r"(^|\n)#[^\n]*(\n|$)")
_TO_LINE_END = re.compile(r"#[^\n]*(\n|$)")
_C_STYLE = re.compile(r"/\*.*?\*/", re.S)
_C_STYLE_LINE = re.compile(r"[^\S\n]*(#|//).*")


def comments_are_on() -> bool:
    return getattr(shared.opts, "enable_prompt_comments", True)


def strip_comments(text: str) -> str:
    if not comments_are_on():
        return text
    if PROFILE.c_style_comments:
        return _C_STYLE_LINE.sub("", _C_STYLE.sub("", text))
    return _TO_LINE_END.sub("\n", _WHOLE_LINE.sub("\n", text))
