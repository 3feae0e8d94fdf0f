"""Which Hyper-SD tag a request has, and how each of its prompts gets exactly that one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from ..models.catalog import BY_NAME, FAMILY_TITLES, Alias, Family, Variant, parse_alias
from ..models.lora_index import LoraFile, LoraIndex, Preference, preference, remedy, wanted_variant
from ..text import echo
from . import prompt_tags
from .prompt_tags import CommentSyntax, LoraTag


@dataclass(frozen=True)
class Typed:
    """The first Hyper-SD tag that the user typed and that means something.

    `file` is what it stands for, or None where `missing` names the published file that is not on this machine.
    `dropped` holds one sentence for each alias that has to be taken out; `wanted` is the published file that the first
    of them would have needed, None where it is of another family than the checkpoint.
    """

    tag: LoraTag | None = None
    file: LoraFile | None = None
    missing: Variant | None = None
    dropped: tuple[str, ...] = ()
    wanted: Variant | None = None


@dataclass(frozen=True)
class _Dropped:
    """An alias that has to go: why, and for want of which file."""

    why: str
    wanted: Variant | None = None


def alias_of(name: str, index: LoraIndex) -> Alias | None:
    """The alias that a tag's name is. A file whose own name matches, or a published file's full name, is none."""
    if name in index or name in BY_NAME:
        return None
    return parse_alias(name)


def what_tags_ask(
    prompts: Iterable[str], index: LoraIndex, reaction: str, *, comments: CommentSyntax
) -> Literal["plan", "hint", "nothing"]:
    """What typed tags ask for while the panel is off, by the option's `reaction` ("aliases", "all", "none").

    An alias means nothing to the host: whoever types one asks for a plan. A file's full name is the host's own
    business and worth a hint, unless the option takes it for a wish too.
    """
    asked: Literal["hint", "nothing"] = "nothing"
    for prompt in prompts:
        for tag in prompt_tags.find_tags(prompt, comments=comments):
            named = index.hyper_file(tag.name) is not None or tag.name in BY_NAME
            if (named and reaction == "all") or (reaction != "none" and alias_of(tag.name, index)):
                return "plan"
            if named:
                asked = "hint"
    return asked


def _may_hold_tag(prompt: str) -> bool:
    return "<l" in prompt


def typed_tag(
    prompts: Iterable[str],
    index: LoraIndex,
    family: Family | None,
    steps: int | None,
    *,
    asked: LoraFile | None = None,
    comments: CommentSyntax = "hash",
) -> Typed:
    """The user's first Hyper-SD tag in `prompts`, for a checkpoint of `family` (None: not of the catalog).

    `steps` is the explicit step count, which an alias without one of its own goes by; `asked` the file that the
    settings name, whose tag counts as Hyper-SD's whatever the file is called.
    """
    first: Typed | None = None
    dropped: dict[str, _Dropped] = {}
    for prompt in dict.fromkeys(prompts):
        for tag in prompt_tags.find_tags(prompt, comments=comments):
            found = _meaning(tag, index, family, steps, asked)
            if isinstance(found, _Dropped):
                dropped.setdefault(found.why, found)
            else:
                first = first or found
    wanted = next((d.wanted for d in dropped.values()), None)
    return replace(first or Typed(), dropped=tuple(dropped), wanted=wanted)


def _meaning(
    tag: LoraTag, index: LoraIndex, family: Family | None, steps: int | None, asked: LoraFile | None
) -> Typed | _Dropped | None:
    """What a tag means, or why it has to be taken out; None for a LoRA that is none of ours."""
    file = _named_file(tag.name, index, asked)
    if file is not None:
        return Typed(tag, file)
    if tag.name in index:
        return None
    if tag.name in BY_NAME:
        copy = index.asked_file(tag.name)
        return Typed(tag, copy, None if copy else BY_NAME[tag.name])
    alias = parse_alias(tag.name)
    if alias is None:
        return None
    wish = preference(alias, steps)
    file = index.choose(alias.family, wish) if alias.family == family else None
    return Typed(tag, file) if file else _dropped(tag, alias, family, wish, index)


def _named_file(name: str, index: LoraIndex, asked: LoraFile | None) -> LoraFile | None:
    if asked is not None and name == asked.name:
        return asked
    return index.hyper_file(name)


def _dropped(tag: LoraTag, alias: Alias, family: Family | None, wish: Preference, index: LoraIndex) -> _Dropped:
    name = echo(tag.name)
    if family != alias.family:
        return _Dropped(
            f"<lora:{name}> is for {FAMILY_TITLES[alias.family]}, not for this checkpoint: taken out of the prompt."
        )
    variant = wanted_variant(alias.family, wish)
    damaged = index.damaged(alias.family, wish)
    damage = index.damage(damaged) if damaged else None
    if damaged and damage:
        return _Dropped(
            f"<lora:{name}> was taken out of the prompt: the file of {damaged.name} {damage}; {remedy(damage)}.",
            BY_NAME.get(damaged.name),
        )
    return _Dropped(
        f"<lora:{name}> found no file and was taken out of the prompt: put {variant.file} from {variant.source} "
        "into models/Lora.",
        variant,
    )


@dataclass(frozen=True)
class Retagged:
    """A prompt after the rule: the tags that were replaced, taken out or added, as (before, after)."""

    prompt: str
    edits: tuple[tuple[str, str], ...] = ()
    second: tuple[str, ...] = ()
    """Names of other Hyper-SD LoRAs, and of doubles, that had to go."""


@dataclass(frozen=True)
class TagRule:
    """Every prompt holds `tag` once, or the tag of the same file as the user typed it.

    `steps` is the explicit step count that an alias goes by. `file` None: no tag is wanted and only aliases go (the
    host drops every LoRA of a prompt for an unknown name).
    """

    index: LoraIndex = field(repr=False, compare=False)
    file: LoraFile | None
    tag: str
    weight: float
    family: Family | None
    comments: CommentSyntax = "hash"
    steps: int | None = None

    def apply(self, prompt: str, *, doubles_stay: bool = False) -> Retagged:
        """The prompt with the tag, once; with `doubles_stay` as often as it is there, but at least once."""
        if self.file is None and not _may_hold_tag(prompt):
            return Retagged(prompt)
        edits: list[tuple[LoraTag, str]] = []
        second: list[str] = []
        kept = False
        for tag in prompt_tags.find_tags(prompt, comments=self.comments):
            verdict = self._judge(tag)
            if verdict == "other":
                continue
            text = ""
            if verdict == "mine" and (doubles_stay or not kept):
                kept, text = True, self.written(tag)
            elif verdict != "drop":
                second.append(tag.name)
            if text != tag.text:
                edits.append((tag, text))
        done = [(tag.text, text) for tag, text in edits]
        result = prompt_tags.edit(prompt, edits)
        if self.file is not None and not kept:
            result = prompt_tags.append(result, self.tag, comments=self.comments)
            done.append(("", self.tag))
        return Retagged(result, tuple(done), tuple(second))

    def written(self, tag: LoraTag) -> str:
        """A typed tag as it will stand: as typed where the host resolves its name and it has a weight."""
        known = tag.name in self.index
        # `lyco` is another spelling of `lora` on A1111 and reForge only.
        if self.file is None or (known and tag.weight is not None and tag.text.startswith("<lora:")):
            return tag.text
        return prompt_tags.renamed(tag, tag.name if known else self.file.name, self.weight)

    def _judge(self, tag: LoraTag) -> Literal["other", "mine", "second", "drop"]:
        """Whether a tag means the rule's file, another Hyper-SD file, an alias that has to go, or none of these."""
        alias = alias_of(tag.name, self.index)
        if alias is not None:
            return self._judge_alias(alias)
        if self.file is None:
            return "other"
        if tag.name == self.file.name:
            return "mine"
        named = self.index.hyper_file(tag.name)
        if tag.name in self.index and named is None:
            return "other"
        if named is None and tag.name in BY_NAME:
            named = self.index.asked_file(tag.name)
        elif named is None:
            return "other"
        return "mine" if named is not None and named.name == self.file.name else "second"

    def _judge_alias(self, alias: Alias) -> Literal["mine", "second", "drop"]:
        if self.file is None or alias.family != self.family:
            return "drop"
        chosen = self.index.choose(alias.family, preference(alias, self.steps))
        if chosen is None:
            return "drop"
        return "mine" if chosen.name == self.file.name else "second"
