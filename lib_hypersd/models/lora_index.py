"""Which Hyper-SD files this machine has, and which of them "auto", a name or an alias means.

The host's own LoRA registry says what is there; this module never walks a folder. Only files that are named like a
Hyper-SD LoRA, or that a person named as one, are opened, and of those only the header.
"""

import copy
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

from . import catalog
from .catalog import BY_NAME, Alias, Family, Kind, Variant
from .evidence import architecture_of_lora
from .families import Architecture, architecture_in_name, family_of, refined_by_name
from .file_header import DamagedFileError
from .headers import read_header
from .kin import KIN_TITLES
from .names import read_name

GONE = "is gone, and this WebUI still lists it"
UNREADABLE = "can't be read"
"""Damages of a file, to be put after its name, which no download mends."""


def remedy(damage: str) -> str:
    """What the person can do about a damage, to be put after "; "."""
    if damage == GONE:
        return "put it back, or press Refresh among the WebUI's LoRAs"
    return "see to it that the WebUI may read it" if damage.startswith(UNREADABLE) else "download it again"


STEP_ORDER = (8, 4, 2, 16, 12, 1)
"""The trained step counts, best first, where none is requested."""


@dataclass(frozen=True)
class RegisteredLora:
    """A LoRA as the host's registry has it: the name that tags use, the alias from its metadata, its path; the title in
    its metadata and the file's hash, as far as the host has them."""

    name: str
    alias: str
    path: str
    title: str = ""
    sha256: str = ""

    @property
    def wordings(self) -> tuple[str, ...]:
        """What it is called, by its file, and by its maker."""
        return tuple(dict.fromkeys(text for text in (self.name, self.alias, self.title) if text))

    @property
    def published(self) -> Variant | None:
        """The published file that it is, by name or by hash."""
        return BY_NAME.get(self.name) or BY_NAME.get(self.alias) or catalog.BY_SHA256.get(self.sha256)


@dataclass(frozen=True)
class SameStem:
    """Files of one stem, of which the host lists one: that one, and the others, below the LoRA folder."""

    used: str
    others: tuple[str, ...]


@dataclass(frozen=True)
class LoraFile:
    """A Hyper-SD LoRA on this machine, or another one that a person named as theirs.

    `name` is what a tag says. `steps` is None where neither name nor metadata have the trained step count.
    `distillation` is the one that its name says where it is another than Hyper-SD: "lightning", "lcm", …
    """

    name: str
    path: str
    architecture: Architecture
    steps: int | None
    kind: Kind = "plain"
    unified: bool = False
    half: bool = False
    distillation: str | None = None

    @property
    def family(self) -> Family | None:
        return family_of(self.architecture)


@dataclass(frozen=True)
class LoraQuery:
    """What an automatic choice looks for: a step count (None: the best by `STEP_ORDER`) and a kind."""

    steps: int | None = None
    kind: Kind = "plain"


_NOT_IN_TAGS = ">:#"
"""A tag that holds one of these means another file to the host, or none; "#" begins a comment."""


class LoraIndex:
    """The Hyper-SD files among the host's LoRAs. Built again when the registry changes; else its answers stay the same,
    but for `damage`, which looks at the file."""

    def __init__(
        self,
        loras: Iterable[RegisteredLora] = (),
        known_steps: Mapping[str, int] | None = None,
        same_stems: Mapping[str, SameStem] | None = None,
    ) -> None:
        self._known_steps = dict(known_steps or {})
        self.same_stems: Mapping[str, SameStem] = same_stems or {}
        """Name → all files of that stem, where there are several."""
        self._damage_of: Callable[[str], str | None] = damage_of
        self.unread: dict[str, str | None] = {}
        """Path → damage of files that could not be read: what is known of them is guessed by their names."""
        self._registered: dict[str, RegisteredLora] = {}
        aliases: dict[str, RegisteredLora] = {}
        shared: set[str] = set()
        for lora in loras:
            if any(mark in lora.name for mark in _NOT_IN_TAGS):
                continue
            self._registered[lora.name] = lora
            if lora.alias != lora.name and aliases.setdefault(lora.alias, lora) is not lora:
                shared.add(lora.alias)
        # As in the hosts: a file's stem wins over a metadata alias, and an alias of two files means neither.
        for alias in shared:
            del aliases[alias]
        self._by_tag_name = {**aliases, **self._registered}
        candidates = (self._recognise(lora) for lora in self._registered.values() if self._looks_hyper(lora))
        self.files: tuple[LoraFile, ...] = tuple(f for f in candidates if f is not None)
        self._hyper = {f.name: f for f in self.files}
        self._requested: dict[str, LoraFile] = {}  # filled as names are looked up; what they mean never changes
        self._ranked: dict[tuple[Family, LoraQuery], list[LoraFile]] = {}

    def as_of_now(self) -> "LoraIndex":
        """This index for the length of one plan: each file is looked at once, however many tags mean it."""
        if self._damage_of is not damage_of:
            return self
        _ = self.kin  # read once for all plans
        view = copy.copy(self)
        view._damage_of = cache(damage_of)
        return view

    def __contains__(self, tag_name: str) -> bool:
        """Whether the host would resolve `<lora:tag_name>` to some file."""
        return tag_name in self._by_tag_name

    def is_file(self, name: str) -> bool:
        """Whether a LoRA file of the host's has this name, metadata aliases apart."""
        return name in self._registered

    def hyper_file(self, tag_name: str) -> LoraFile | None:
        """The Hyper-SD file that a tag's name means to the host, by stem or alias; None for any other LoRA."""
        lora = self._by_tag_name.get(tag_name)
        return self._hyper.get(lora.name) if lora else None

    def file_by_path(self, tag_name: str) -> LoraFile | None:
        """The Hyper-SD file that a tag names by folder or with its extension, which the hosts don't take."""
        stem = stem_of(tag_name)
        return None if stem == tag_name else self.hyper_file(stem)

    @cached_property
    def kin(self) -> Mapping[str, str]:
        """Name → distillation of the LoRAs that are named like another few-step distillation's; none is opened."""
        others = (lora for lora in self._registered.values() if lora.name not in self._hyper)
        said = ((lora.name, _other_distillation(lora)) for lora in others)
        return {name: distillation for name, distillation in said if distillation}

    def kin_name(self, tag_name: str) -> str | None:
        """The name in `kin` of the LoRA that a tag's name means to the host, or None."""
        lora = self._by_tag_name.get(tag_name)
        return lora.name if lora and lora.name in self.kin else None

    def lacks(self, tag_name: str) -> bool:
        """Whether the host lists LoRAs, and none by this name."""
        return bool(self._registered) and tag_name not in self._by_tag_name

    def requested_file(self, name: str) -> LoraFile | None:
        """The file that a person named as their Hyper-SD LoRA, whatever it is called; None if there is none.

        A catalog name is also answered by a renamed copy of that very file.
        """
        lora = self._by_tag_name.get(name)
        if lora is not None:
            return self._hyper.get(lora.name) or self._unrecognised(lora)
        variant = BY_NAME.get(name)
        return self._copy_of(variant) if variant else None

    def choose(self, family: Family, query: LoraQuery) -> LoraFile | None:
        """The best intact file of a family: nearest step count, then kind, then full size before half.

        Ties between step counts go to the larger one.
        """
        return next((f for f in self._ranking(family, query) if self.damage(f) is None), None)

    def damaged(self, family: Family, query: LoraQuery) -> LoraFile | None:
        """The best file of a family that is there but can't be used."""
        return next((f for f in self._ranking(family, query) if self.damage(f)), None)

    def damage(self, file: LoraFile) -> str | None:
        """What is wrong with a file as of now, to be put after its name ("is empty"), or None.

        Opens the file the first time and after a change; else one stat call, or none in an index `as_of_now`.
        """
        return self._damage_of(file.path)

    def has(self, variant: Variant) -> bool:
        found = self._hyper.get(variant.name) or self._copy_of(variant)
        return found is not None and self.damage(found) is None

    def _ranking(self, family: Family, query: LoraQuery) -> list[LoraFile]:
        key = (family, query)
        if key not in self._ranked:
            usable = (f for f in self.files if f.family == family and f.steps is not None)
            self._ranked[key] = sorted(usable, key=lambda f: _rank(f, query))
        return self._ranked[key]

    def _copy_of(self, variant: Variant) -> LoraFile | None:
        wanted = (variant.family, variant.steps, variant.kind, variant.half)
        return next((f for f in self.files if (f.family, f.steps, f.kind, f.half) == wanted), None)

    def _looks_hyper(self, lora: RegisteredLora) -> bool:
        """Whether a file is Hyper-SD's by its names, its hash, or because the person has set its steps."""
        if lora.published is not None:
            return True
        said = {read_name(text).lora for text in lora.wordings if lora.name in self._known_steps or _has_hyp(text)}
        return "hyper" in said or (lora.name in self._known_steps and said == {None})

    def _unrecognised(self, lora: RegisteredLora) -> LoraFile:
        if lora.name not in self._requested:
            self._requested[lora.name] = self._read(lora)
        return self._requested[lora.name]

    def _recognise(self, lora: RegisteredLora) -> LoraFile | None:
        variant = lora.published
        if variant is None:
            file = self._read(lora)
            return None if file.family is None else file
        architecture, v = _ARCHITECTURE[variant.family], variant
        return LoraFile(lora.name, lora.path, architecture, v.steps, v.kind, v.unified, v.half)

    def _read(self, lora: RegisteredLora) -> LoraFile:
        """A file whose name is not a catalog name: family from its tensors, steps and kind from its names."""
        readings = [read_name(text) for text in lora.wordings]
        steps = self._known_steps.get(lora.name) or next((r.steps for r in readings if r.steps), None)
        kind: Kind = "cfg" if any(reading.cfg for reading in readings) else "plain"
        try:
            header = read_header(lora.path)
        except (DamagedFileError, OSError):
            self.unread[lora.path] = damage_of(lora.path)
            guessed = architecture_in_name(lora.name)
            return LoraFile(lora.name, lora.path, guessed, steps, kind, distillation=_other_distillation(lora))
        texts = (header.metadata.get(key, "") for key in ("modelspec.title", "ss_output_name", "ss_training_comment"))
        steps = steps or next((r.steps for r in map(read_name, texts) if r.steps), None)
        # Chroma's LoRAs have FLUX's keys.
        architecture = refined_by_name(architecture_of_lora(header.shapes), lora.name)
        other = _other_distillation(lora)
        unified = steps == 1 and other is None
        return LoraFile(lora.name, lora.path, architecture, steps, kind, unified, distillation=other)


def stem_of(tag_name: str) -> str:
    """A name without folders and without the extension of a LoRA file."""
    return _EXTENSION.sub("", _FOLDERS.split(tag_name)[-1])


_FOLDERS, _EXTENSION = re.compile(r"[/\\]"), re.compile(r"\.(safetensors|ckpt|pt)$")


def damage_of(path: str) -> str | None:
    """What is wrong with the file at `path` as of now, or None; see `LoraIndex.damage`."""
    try:
        return read_header(path).lora_flaw
    except DamagedFileError as error:
        return str(error)
    except FileNotFoundError:
        return GONE
    except OSError as error:
        return f"{UNREADABLE} ({error.strerror})"


_ARCHITECTURE: dict[Family, Architecture] = {"flux": "flux-dev", "sdxl": "sdxl", "sd15": "sd15", "sd3": "sd3"}


def query_of(alias: Alias, steps: int | None) -> LoraQuery:
    """What an alias (its own step count first) and an explicit step count look for."""
    return LoraQuery(alias.steps or steps, "cfg" if alias.cfg else "plain")


@lru_cache(maxsize=256)
def wanted_variant(family: Family, query: LoraQuery) -> Variant:
    """The published file to name where none is present: the one that an auto choice would have liked best."""
    variants = [v for v in catalog.VARIANTS if v.family == family]
    return min(variants, key=lambda v: _rank(v, query))


def _rank(file: LoraFile | Variant, query: LoraQuery) -> tuple[float, int, bool, bool, str]:
    steps = file.steps or 0
    if query.steps is None:
        distance: float = STEP_ORDER.index(steps) if steps in STEP_ORDER else len(STEP_ORDER) + abs(steps - 8)
    else:
        distance = abs(steps - query.steps)
    return distance, -steps, file.kind != query.kind, file.half, file.name


def _has_hyp(text: str) -> bool:
    """The cheap test, for it runs for every LoRA of the machine: "hyper", "hyp8", "hyfu8"."""
    lower = text.lower()
    return "hyp" in lower or "hyfu" in lower


_KIN_WORDS = re.compile("lightning|turbo|lcm|dmd|tcd|pcm|flash|nitro|schnell|tdd", re.IGNORECASE)
"""The cheap test again; what `KIN_TITLES` has."""


def _other_distillation(lora: RegisteredLora) -> str | None:
    """The distillation that a LoRA's names say, None where that is Hyper-SD or none."""
    if lora.published is not None or not any(map(_KIN_WORDS.search, lora.wordings)):
        return None
    said = [read_name(text).lora for text in lora.wordings]
    if "hyper" in said:
        return None
    return next((word for word in said if word in KIN_TITLES), None)
