"""Scenes (one flat shape on a flat background), their captions, and how to read a caption back.

Needs numpy alone, so that prompts can be had without the seconds that importing torch takes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

SIZE = 128
"""Width and height of a scene's canvas in pixels."""


@dataclass(frozen=True)
class Place:
    """A place on the canvas: how a caption says it, and its centre in pixels."""

    phrase: str
    x: float
    y: float


SHAPES = ("circle", "square", "triangle", "cross", "ring", "star")
PALETTE = {
    "red": (220, 40, 40),
    "green": (45, 160, 70),
    "blue": (45, 85, 220),
    "yellow": (245, 215, 50),
    "purple": (150, 60, 190),
    "orange": (245, 130, 35),
    "white": (245, 245, 245),
    "black": (25, 25, 30),
}
PLACES = {
    "left": Place("on the left", 36, 64),
    "centre": Place("in the centre", 64, 64),
    "right": Place("on the right", 92, 64),
    "top": Place("at the top", 64, 36),
    "bottom": Place("at the bottom", 64, 92),
}
RADII = {"small": (15.0, 19.0), "big": (25.0, 30.0)}
"""Range of the radius by size word, in pixels."""

COLOURS, PLACE_NAMES, SIZE_NAMES = tuple(PALETTE), tuple(PLACES), tuple(RADII)
JITTER = 4.0
"""How far a shape's centre may stand from its place's, in pixels, on each axis."""


@dataclass(frozen=True)
class Scenes:
    """n scenes, one array [n] per attribute: five indices into the tables above, then pixels."""

    shape: NDArray[np.int64]
    colour: NDArray[np.int64]
    size: NDArray[np.int64]
    place: NDArray[np.int64]
    back: NDArray[np.int64]
    radius: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.shape)

    def take(self, index: NDArray[np.int64]) -> Scenes:
        """The scenes at these indices, in their order."""
        return Scenes(**{f.name: getattr(self, f.name)[index] for f in fields(self)})


def draw_scenes(n: int, rng: np.random.Generator) -> Scenes:
    """n scenes at random; the background's colour always differs from the shape's."""
    shape, size, place, colour = (
        rng.integers(len(table), size=n) for table in (SHAPES, SIZE_NAMES, PLACE_NAMES, COLOURS)
    )
    back = (colour + 1 + rng.integers(len(COLOURS) - 1, size=n)) % len(COLOURS)
    low, high = np.array(list(RADII.values()))[size].T
    centres = np.array([(p.x, p.y) for p in PLACES.values()])[place]
    x, y = (centres + rng.uniform(-JITTER, JITTER, (n, 2))).T
    return Scenes(shape, colour, size, place, back, rng.uniform(low, high), x, y)


@dataclass(frozen=True)
class Unsaid:
    """The chance that a caption leaves each attribute unsaid."""

    shape: float = 0.0
    colour: float = 0.0
    size: float = 0.0
    place: float = 0.0
    back: float = 0.0


TRAINING = Unsaid(shape=0.05, colour=0.1, size=0.5, place=0.25, back=0.35)
PROMPT_KINDS = {
    "explicit": Unsaid(size=0.5, back=0.5),
    "vague": Unsaid(size=1.0, place=1.0, back=1.0),
}
"""What is measured: prompts that say shape, colour and place, and ones that say shape and colour alone."""


@dataclass(frozen=True)
class Said:
    """What a caption says, as indices into the tables; None where it says nothing."""

    shape: int | None = None
    colour: int | None = None
    size: int | None = None
    place: int | None = None
    back: int | None = None


def caption(said: Said) -> str:
    """The words for it: "a big red star at the top, blue background"."""
    words = ["a"]
    if said.size is not None:
        words.append(SIZE_NAMES[said.size])
    if said.colour is not None:
        words.append(COLOURS[said.colour])
    words.append("shape" if said.shape is None else SHAPES[said.shape])
    if said.place is not None:
        words.append(PLACES[PLACE_NAMES[said.place]].phrase)
    return " ".join(words) + ("" if said.back is None else f", {COLOURS[said.back]} background")


def read_caption(text: str) -> Said:
    """The inverse of `caption`; words that it does not know say nothing, of two rivals the first counts."""
    text = text.lower()
    back = re.search(rf"\b({'|'.join(COLOURS)})\s+background\b", text)
    if back:
        text = text[: back.start()] + text[back.end() :]

    def first(table: Sequence[str]) -> int | None:
        found = re.search(rf"\b({'|'.join(table)})\b", text)
        return table.index(found[1]) if found else None

    behind = COLOURS.index(back[1]) if back else None
    return Said(first(SHAPES), first(COLOURS), first(SIZE_NAMES), first(PLACE_NAMES), behind)


def captions(scenes: Scenes, rng: np.random.Generator, unsaid: Unsaid = TRAINING) -> list[str]:
    """One caption per scene, each attribute left out by its chance."""
    names = [f.name for f in fields(Said)]
    kept = rng.random((len(scenes), len(names))) >= np.array([getattr(unsaid, name) for name in names])
    return [
        caption(Said(**{k: int(getattr(scenes, k)[i]) for k, keep in zip(names, row, strict=True) if keep}))
        for i, row in enumerate(kept)
    ]


def prompts(kind: str, n: int, seed: int) -> list[str]:
    """n prompts of a kind of `PROMPT_KINDS`, the same ones for the same seed."""
    rng = np.random.default_rng(seed)
    return captions(draw_scenes(n, rng), rng, PROMPT_KINDS[kind])
