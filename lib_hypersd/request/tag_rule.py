"""What a prompt's LoRA tags mean, and how each prompt gets exactly one Hyper-SD tag."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from ..models.catalog import BY_NAME, FAMILY_TITLES, Alias, Family, Variant, parse_alias
from ..models.lora_index import LoraFile, LoraIndex, query_of, remedy, stem_of, wanted_variant
from ..text import echo
from . import prompt_tags
from .prompt_tags import CommentSyntax, LoraTag


@dataclass(frozen=True)
class Meaning:
    """What a tag's name means: a Hyper-SD `file` here, the name of a `published` file (`file` is a renamed copy of it,
    if there is one), an `alias`; nothing of these for any other LoRA."""

    file: LoraFile | None = None
    published: Variant | None = None
    alias: Alias | None = None

    @property
    def is_full_name(self) -> bool:
        return self.file is not None or self.published is not None


def meaning_of(name: str, index: LoraIndex, requested: LoraFile | None = None) -> Meaning:
    """Classify a tag's name. `requested` is a file that counts as Hyper-SD's whatever it is called.

    A name that the host resolves is never an alias.
    """
    file = requested if requested is not None and name == requested.name else index.hyper_file(name)
    if file is not None:
        return Meaning(file)
    if name in index:
        return Meaning()
    file, stem = index.file_by_path(name), stem_of(name)
    if file is not None:
        return Meaning(file)
    if stem in BY_NAME:
        return Meaning(index.requested_file(stem), BY_NAME[stem])
    return Meaning(alias=parse_alias(name))


@dataclass(frozen=True)
class Lookups:
    """The tags of prompts, the meanings of their names and the files of aliases, each looked up once for all of a
    plan."""

    index: LoraIndex = field(default_factory=LoraIndex)
    _tags: dict[tuple[str, CommentSyntax], tuple[LoraTag, ...]] = field(default_factory=dict)
    _meanings: dict[str, Meaning] = field(default_factory=dict)
    _files: dict[tuple[Alias, int | None], LoraFile | None] = field(default_factory=dict)

    def tags(self, prompt: str, comments: CommentSyntax) -> tuple[LoraTag, ...]:
        """The LoRA tags of a prompt in their order."""
        key = (prompt, comments)
        if key not in self._tags:
            self._tags[key] = tuple(prompt_tags.find_tags(prompt, comments=comments))
        return self._tags[key]

    def meaning(self, name: str, requested: LoraFile | None = None) -> Meaning:
        """`meaning_of` a tag's name."""
        if requested is not None and name == requested.name:
            return meaning_of(name, self.index, requested)
        if name not in self._meanings:
            self._meanings[name] = meaning_of(name, self.index)
        return self._meanings[name]

    def file(self, alias: Alias, steps: int | None) -> LoraFile | None:
        """The best intact file for an alias, and `steps` where that says none."""
        key = (alias, steps)
        if key not in self._files:
            self._files[key] = self.index.choose(alias.family, query_of(alias, steps))
        return self._files[key]


def requested_by_tags(
    prompts: Iterable[str], lookups: Lookups, reaction: str, *, comments: CommentSyntax
) -> Literal["plan", "hint", "nothing"]:
    """What typed tags request while the panel is off, by the option's `reaction` ("aliases", "all", "none").

    An alias means nothing to the host: whoever types one requests a plan. A file's full name is the host's own
    business and worth a hint, unless the option says that it requests a plan, too.
    """
    request: Literal["hint", "nothing"] = "nothing"
    for prompt in prompts:
        for tag in lookups.tags(prompt, comments):
            meaning = lookups.meaning(tag.name)
            if (meaning.is_full_name and reaction == "all") or (meaning.alias and reaction != "none"):
                return "plan"
            if meaning.is_full_name:
                request = "hint"
    return request


@dataclass(frozen=True)
class Typed:
    """The first Hyper-SD tag that the user typed and that means something.

    `file` is what it stands for, or None where `missing` names the published file that is not on this machine.
    `dropped` has one sentence for each alias that has to be removed; `wanted` is the published file that the first
    of them would have needed, None where it is of another family than the checkpoint.
    """

    tag: LoraTag | None = None
    file: LoraFile | None = None
    missing: Variant | None = None
    dropped: tuple[str, ...] = ()
    wanted: Variant | None = None


@dataclass(frozen=True)
class TagReader:
    """Reads tags for a checkpoint of `family` (None: not of the catalog, or not known until it is loaded).

    `steps` is the explicit step count, by which an alias without one of its own is resolved; `requested` is the file
    that the settings name, whose tag counts as Hyper-SD's whatever the file is called.
    """

    lookups: Lookups = field(repr=False, compare=False)
    family: Family | None
    comments: CommentSyntax = "hash"
    steps: int | None = None
    requested: LoraFile | None = None
    is_known: bool = True

    @property
    def index(self) -> LoraIndex:
        return self.lookups.index

    def first_typed(self, prompts: Iterable[str]) -> Typed:
        """The first Hyper-SD tag of `prompts`, and the aliases that have to be removed from them."""
        first: Typed | None = None
        unresolved: dict[str, Alias] = {}
        for tag in self._tags(prompts):
            meaning = self.lookups.meaning(tag.name, self.requested)
            file = self.file_of(meaning.alias) if meaning.alias else meaning.file
            if meaning.alias and file is None:
                unresolved.setdefault(tag.name, meaning.alias)
            elif meaning.alias or meaning.is_full_name:
                first = first or Typed(tag, file, None if file else meaning.published)
        dropped: dict[str, Variant | None] = {}
        for name, alias in unresolved.items():
            dropped.setdefault(*self._unresolved(name, alias))
        wanted = next(iter(dropped.values()), None)
        return replace(first or Typed(), dropped=tuple(dropped), wanted=wanted)

    def unlisted(self, prompts: Iterable[str]) -> tuple[str, ...]:
        """Names in tags of other LoRAs, which the host lists none of."""
        names = dict.fromkeys(tag.name for tag in self._tags(prompts) if self.index.lacks(tag.name))
        return tuple(name for name in names if self.lookups.meaning(name, self.requested) == Meaning())

    def _tags(self, prompts: Iterable[str]) -> Iterator[LoraTag]:
        return (tag for prompt in dict.fromkeys(prompts) for tag in self.lookups.tags(prompt, self.comments))

    def file_of(self, alias: Alias) -> LoraFile | None:
        """The intact file that an alias stands for; None where it is of another family or there is none."""
        return self.lookups.file(alias, self.steps) if alias.family == self.family else None

    def _unresolved(self, typed: str, alias: Alias) -> tuple[str, Variant | None]:
        """Why an alias is removed, and the published file that it would have needed."""
        name = echo(typed)
        if not self.is_known:
            why = "this checkpoint is not known until it is loaded"
            return f"<lora:{name}> was taken out of the prompt: {why}.", None
        if self.family != alias.family:
            title = FAMILY_TITLES[alias.family]
            return f"<lora:{name}> is for {title}, not for this checkpoint: taken out of the prompt.", None
        query = query_of(alias, self.steps)
        damaged = self.index.damaged(alias.family, query)
        damage = self.index.damage(damaged) if damaged else None
        if damaged and damage:
            why = f"<lora:{name}> was taken out of the prompt: the file of {damaged.name} {damage}; {remedy(damage)}."
            return why, BY_NAME.get(damaged.name)
        variant = wanted_variant(alias.family, query)
        why = f"<lora:{name}> found no file and was taken out of the prompt: put {variant.file} from {variant.source} "
        return why + "into models/Lora.", variant


@dataclass(frozen=True)
class Retagged:
    """A prompt after the rule: the tags that were replaced, removed or added, as (before, after)."""

    prompt: str
    edits: tuple[tuple[str, str], ...] = ()
    second: tuple[str, ...] = ()
    """Names of other Hyper-SD LoRAs, and of doubles, that were removed."""


@dataclass(frozen=True)
class TagRule:
    """Every prompt has `tag` once, or the tag of the same file as the user typed it.

    `file` None: no tag is wanted and only aliases are removed (Forge drops every LoRA of a prompt for an unknown name).
    `weight` is the recipe's, for typed tags without one.
    """

    reader: TagReader
    file: LoraFile | None = None
    tag: str = ""
    weight: float = 0.0

    def apply(self, prompt: str, *, doubles_stay: bool = False, adds: bool = True) -> Retagged:
        """The prompt with the tag, once; with `doubles_stay` as often as it is there, but at least once; unless it
        `adds`, only where it is there."""
        edits: list[tuple[LoraTag, str]] = []
        second: list[str] = []
        kept, comments = False, self.reader.comments
        for tag in self.reader.lookups.tags(prompt, comments):
            verdict = self._judge(tag)
            if verdict == "other":
                continue
            text = ""
            if verdict == "same" and (doubles_stay or not kept):
                kept, text = True, self.written(tag)
            elif verdict != "drop":
                second.append(tag.name)
            if text != tag.text:
                edits.append((tag, text))
        done = [(tag.text, text) for tag, text in edits]
        result = prompt_tags.edit(prompt, edits) if edits else prompt
        if self.file is not None and not kept and adds:
            result = prompt_tags.append(result, self.tag, comments=comments)
            done.append(("", self.tag))
        return Retagged(result, tuple(done), tuple(second))

    def written(self, tag: LoraTag) -> str:
        """A typed tag as it will be: as typed where the host resolves its name and it has a weight."""
        known = tag.name in self.reader.index
        # `lyco` is another spelling of `lora` on A1111 and reForge only.
        if self.file is None or (known and tag.weight is not None and tag.text.startswith("<lora:")):
            return tag.text
        return prompt_tags.renamed(tag, tag.name if known else self.file.name, self.weight)

    def _judge(self, tag: LoraTag) -> Literal["other", "same", "second", "drop"]:
        """Whether a tag means the rule's file, another Hyper-SD file, an alias to be removed, or none of these."""
        meaning = self.reader.lookups.meaning(tag.name, self.file)
        file = meaning.file
        if meaning.alias:
            file = self.reader.file_of(meaning.alias) if self.file else None
            if file is None:
                return "drop"
        elif self.file is None or not meaning.is_full_name:
            return "other"
        return "same" if file is not None and self.file is not None and file.name == self.file.name else "second"
