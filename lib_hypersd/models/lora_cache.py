"""The index of the host's LoRA registry, up to date at the cost of a few stat calls."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from threading import Lock

from .lora_index import LoraIndex, RegisteredLora, SameStem, damage_of


class LoraCache:
    """The index of the host's registry, rebuilt only when something changed.

    `entries` is the registry's entries (compared by identity, so keep the objects); `refresh` has the host list new
    files, once after each change of a folder: a file that is copied in while the UI runs changes its folder's mtime.
    """

    def __init__(
        self,
        entries: Callable[[], Iterable[object]],
        describe_entry: Callable[[object], RegisteredLora | None],
        refresh: Callable[[], None],
        roots: Callable[[], Iterable[str]],
        known_steps: Callable[[], Mapping[str, int]],
    ) -> None:
        self._entries, self._describe, self._refresh = entries, describe_entry, refresh
        self._roots, self._known_steps = roots, known_steps
        self._seen: tuple[object, ...] | None = None
        self._folders: dict[str, int] = {}
        self._steps: Mapping[str, int] = {}
        self._loras: list[RegisteredLora] = []
        self._index = LoraIndex()
        self._lock = Lock()

    def index(self) -> LoraIndex:
        """The index as of now. Costs a few stat calls and one comparison where nothing changed. Threads may ask."""
        with self._lock:
            return self._up_to_date()

    def _up_to_date(self) -> LoraIndex:
        # Times come before what they are times of: a file that lands in between makes for another change.
        times, roots = _mtimes(self._folders), list(self._roots())
        # A change that brings no LoRA, such as a preview picture, must not have the folders walked again each time.
        changed = self._seen is not None and times != self._folders
        walk = _walk(roots) if changed or self._seen is None else None
        if changed:
            self._refresh()
        seen, steps = tuple(self._entries()), self._known_steps()
        if walk or seen != self._seen or steps != self._steps or self._unread_has_changed():
            folders, files = walk or _walk(roots)
            loras = self._with_unlisted([lora for lora in map(self._describe, seen) if lora is not None])
            index = LoraIndex(loras, steps, _same_stems(loras, files))
            # All or nothing: what a fault has kept from being made is made at the next call.
            self._loras, self._index = loras, index
            self._folders = {folder: times.get(folder, time) for folder, time in folders.items()}
            self._seen, self._steps = seen, dict(steps)
        return self._index

    def _unread_has_changed(self) -> bool:
        """Whether a file that could not be read has another damage by now, or none: a copy has gone on, a right to read
        was given. One stat call each."""
        return any(damage_of(path) != before for path, before in self._index.unread.items())

    def _with_unlisted(self, loras: list[RegisteredLora]) -> list[RegisteredLora]:
        """These, and what was known before as long as its file is there: while a host lists its files anew, for a
        picture with an unknown tag or at a press of refresh, another thread finds its list empty or half full."""
        listed = {lora.name for lora in loras}
        missing = [known for known in self._loras if known.name not in listed and _has_this_name(known.path)]
        return _without_former_names(loras + missing)


def _without_former_names(loras: list[RegisteredLora]) -> list[RegisteredLora]:
    """These without those whose file was renamed in nothing but the case of letters, while the host still lists both:
    when it lists its files anew it no longer knows the former name, and for an unknown tag Forge drops every LoRA."""
    alike = Counter(lora.path.casefold() for lora in loras)
    return [lora for lora in loras if alike[lora.path.casefold()] == 1 or _has_this_name(lora.path)]


def _has_this_name(path: str) -> bool:
    """Whether there is a file whose name is written exactly so. Windows and macOS ignore case: there the name that it
    had before a rename still leads to it."""
    folder, name = os.path.split(path)
    try:
        return name in os.listdir(folder or os.curdir)
    except OSError:
        return False


_EXTENSIONS = (".safetensors", ".pt", ".ckpt")
"""Of the files that the hosts list as LoRAs."""


def _walk(roots: Iterable[str]) -> tuple[dict[str, int], dict[str, list[tuple[str, str]]]]:
    """Each root and every folder in it with its time, empty ones too: the next file may come there. And the LoRA files
    by stem, each as its path and as a person knows it ("Lora/speed/my-lora.safetensors")."""
    folders: dict[str, int] = {}
    files: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for root in roots:
        folders |= _mtimes([root])
        base = os.path.dirname(os.path.abspath(root))
        for folder, below, names in os.walk(root, followlinks=True):
            folders |= _mtimes(os.path.join(folder, name) for name in below)  # before they are read
            shown = os.path.relpath(folder, base).replace(os.sep, "/")
            for name in names:
                stem, extension = os.path.splitext(name)
                if extension.lower() in _EXTENSIONS:
                    files[stem].append((os.path.join(folder, name), f"{shown}/{name}"))
    return folders, files


def _same_stems(loras: Iterable[RegisteredLora], files: Mapping[str, list[tuple[str, str]]]) -> dict[str, SameStem]:
    """Where several files have one stem, which of them the host lists. A link to a file is no other file."""
    several = {}
    for lora in loras:
        here = files.get(lora.name, ())
        if len(here) > 1:
            used = os.path.realpath(lora.path)
            mine = [shown for path, shown in here if os.path.realpath(path) == used]
            others = [shown for path, shown in here if os.path.realpath(path) != used]
            if mine and others:
                several[lora.name] = SameStem(mine[0], tuple(sorted(others)))
    return several


def _mtimes(folders: Iterable[str]) -> dict[str, int]:
    found = {}
    for folder in folders:
        try:
            found[folder] = os.stat(folder).st_mtime_ns
        except OSError:
            found[folder] = 0
    return found
