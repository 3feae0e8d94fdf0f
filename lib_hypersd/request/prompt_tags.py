"""Read, add and replace `<lora:NAME:…>` tags in a prompt, with the hosts' own grammar.

The hosts find tags by `<word:anything but '>'>` anywhere: between attention brackets, in prompt editing,
before `AND` or `BREAK`. Everything here keeps to that, so that what is found here is what the host will apply.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from .weight_schedule import Weight, WeightSchedule, number_of, parse_weight

_TAG = re.compile(r"<(\w+):([^>]+)>")
"""A tag of any kind, as the hosts read it: `<foo:x <lora:y:1>` is one tag, of the kind "foo"."""
_LORA_KINDS = ("lora", "lyco")

CommentSyntax = Literal["none", "hash", "c"]
"""What the host takes out of prompts: nothing; `#…`; or `#…`, `//…` and `/*…*/` (reForge, Forge Neo)."""
_COMMENT: dict[CommentSyntax, re.Pattern[str]] = {
    "none": re.compile(r"(?!)"),
    "hash": re.compile(r"#[^\n]*"),
    "c": re.compile(r"/\*.*?\*/|(?:#|//)[^\n]*", re.DOTALL),
}
_OPEN_COMMENT: dict[CommentSyntax, re.Pattern[str]] = {
    "none": re.compile(r"(?!)"),
    "hash": re.compile(r"#"),
    "c": re.compile(r"#|//|/\*|\*/"),
}
_UNCLOSED = re.compile(r"<\w+:")
"""How a tag of any kind begins; the host's own grammar."""
_BEGUN = (*(opener[:n] for opener in ("<lora:", "<lyco:") for n in range(1, len(opener))), "/", "*")
"""What makes a tag or a comment together with the right text behind it."""


@dataclass(frozen=True)
class LoraTag:
    """A tag and where it is: `text == prompt[start:end]`; `args` is what follows the name, split at ':'."""

    start: int
    end: int
    text: str
    name: str
    args: tuple[str, ...]

    @property
    def weight(self) -> float | None:
        """The UNet's weight as the hosts read it, the first of a schedule; None where the tag gives none that can be
        read."""
        return None if self.unet is None else number_of(self.unet, 1.0)

    @cached_property
    def unet(self) -> Weight | None:
        """The UNet's weight of the first pass: `NAME:TE`, `NAME:TE:UNET[:DYN]`, `te=`, `unet=`; a lone TE weight holds
        for the UNet too. In loractl's words each may be a schedule. None where the tag gives none, or a bad one.

        What follows the first number in Lora Block Weight's words (`NAME:0.5:IN03`) is not this extension's to read.
        """
        if not self.readable:
            return None
        named, positional = self._named, self._positional
        given = (named.get("unet"), *([] if self.has_block_weights else positional[1:2]), named.get("te"))
        return next((parse_weight(value) for value in (*given, *positional[:1]) if value is not None), None)

    @cached_property
    def hires(self) -> Weight | None:
        """The UNet's weight of the second pass in loractl's words (`hr=`, `hrunet=`); None where it is the first's."""
        named = self._named
        return parse_weight(named.get("hrunet", named.get("hr", "")))

    @property
    def varies(self) -> bool:
        """Whether the weight differs from step to step or from pass to pass, which the hosts themselves can't do."""
        return isinstance(self.unet, WeightSchedule) or self.hires is not None

    @cached_property
    def has_block_weights(self) -> bool:
        """Whether the tag is in Lora Block Weight's words: `NAME:0.5:IN03`, `NAME:1:1,0,0,…`, `lbw=…`."""
        second = self._positional[1:2]
        return any(key in self._named for key in _BLOCK_WORDS) or any(map(_are_block_weights, second))

    @cached_property
    def readable(self) -> bool:
        """Whether each number is one; for a single bad one (`::0.5`, `:abc`) the hosts drop the whole LoRA.

        Named arguments that the hosts don't know belong to other extensions (`lbw=OUTALL`) and are no numbers.
        """
        named = self._named
        numbers = [*self._positional[: 1 if self.has_block_weights else 3]]
        numbers += [named[key] for key in ("te", "unet", "dyn") if key in named]
        return all(parse_weight(number) is not None for number in numbers)

    @cached_property
    def _named(self) -> dict[str, str]:
        return dict(a.split("=", 1) for a in self.args if "=" in a)

    @cached_property
    def _positional(self) -> list[str]:
        return [a for a in self.args if "=" not in a]


_BLOCK_WORDS = ("lbw", "w", "lbwe", "start", "stop", "step", "x")
"""Lora Block Weight's named arguments."""


def _are_block_weights(text: str) -> bool:
    """A preset's name ("IN03", "OUTALL") or a list of weights."""
    return bool(re.fullmatch(r"[A-Za-z][\w-]*", text)) or ("," in text and "@" not in text)


def find_tags(prompt: str, *, comments: CommentSyntax = "hash") -> list[LoraTag]:
    """The LoRA tags of `prompt` in their order; those inside comments don't count."""
    if "<l" not in prompt:
        return []
    hidden = _comments(prompt, comments)
    starts, ends = (0, *(end for _, end in hidden)), (*(start for start, _ in hidden), len(prompt))
    found = []
    for start, end in zip(starts, ends, strict=True):
        # Not beyond the last ">": each "<lora:" there would be followed to the end of the prompt.
        for m in _TAG.finditer(prompt, start, prompt.rfind(">", start, end) + 1):
            if m.group(1) not in _LORA_KINDS:
                continue
            name, *args = m.group(2).split(":")
            found.append(LoraTag(m.start(), m.end(), m.group(0), name, tuple(args)))
    return found


def _comments(prompt: str, syntax: CommentSyntax) -> list[tuple[int, int]]:
    """Start and end of each comment."""
    if syntax == "c":
        # What opens after the last end is no comment, and each would be followed to the end of the prompt.
        closed = prompt.rfind("*/") + 2
        prompt = prompt[:closed] + prompt[closed:].replace("/*", "/ ")
    return [m.span() for m in _COMMENT[syntax].finditer(prompt)]


def format_tag(name: str, weight: float) -> str:
    return f"<lora:{name}:{weight:g}>"


def renamed(tag: LoraTag, name: str, weight: float) -> str:
    """`tag` for another file, its own arguments kept, a lone weight as `format_tag` prints it; `weight` where it gave
    none that can be read."""
    if isinstance(tag.unet, float) and len(tag.args) == 1 and "=" not in tag.args[0]:
        return format_tag(name, tag.unet)
    if tag.weight is not None:
        return f"<lora:{':'.join((name, *tag.args))}>"
    keep = [a for a in tag.args if "=" in a and (tag.readable or a.split("=", 1)[0] not in ("te", "unet", "dyn"))]
    return f"<lora:{':'.join((name, format(weight, 'g'), *keep))}>"


def append(prompt: str, tag: str, *, comments: CommentSyntax = "hash") -> str:
    """`prompt` with `tag` at its end after one space; on a line of its own where a comment would swallow it.

    A tag that was begun and not closed (`<lora:x:1`) would swallow it too: then it is put before that one.
    """
    body = prompt.rstrip()
    if not body:
        return tag
    unclosed = _unclosed(body, comments)
    if unclosed is not None:
        return f"{body[:unclosed]}{tag} {body[unclosed:]}"
    in_comment = _OPEN_COMMENT[comments].search(body.rsplit("\n", 1)[-1])
    return body + ("\n" if in_comment else " ") + tag


def _unclosed(prompt: str, comments: CommentSyntax) -> int | None:
    """Where a tag begins that nothing closes, to the host, which takes comments out first; None where there is none."""
    if "<" not in prompt:
        return None
    pieces, at = [], 0
    for start, end in _comments(prompt, comments):
        pieces += [prompt[at:start], " " * (end - start)]
        at = end
    seen = "".join([*pieces, prompt[at:]])
    found = _UNCLOSED.search(seen, seen.rfind(">") + 1)
    return found.start() if found else None


def edit(prompt: str, edits: Iterable[tuple[LoraTag, str]]) -> str:
    """`prompt` with each tag replaced by a text; an empty text takes the tag out, and one space with it."""
    pieces: list[str] = []  # none of them empty
    at = 0
    for tag, text in sorted(edits, key=lambda e: e[0].start):
        pieces += filter(None, (prompt[at : tag.start], text))
        at = tag.end
        left, right = pieces[-1] if pieces else "", prompt[at : at + 1]
        if text:
            continue
        if left.endswith(" ") and right in ("", " ", "\n"):
            pieces[-1:] = filter(None, [left[:-1]])
        elif not left and right == " ":
            at += 1
        elif left.endswith(_BEGUN):
            pieces.append(" ")
    return "".join([*pieces, prompt[at:]])
