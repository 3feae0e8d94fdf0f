"""Words to ids: a vocabulary of 30 words in place of CLIP's 49,408 pieces."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dev.miniature.scenes import COLOURS, PLACE_NAMES, SHAPES, SIZE_NAMES

PAD, START = 0, 1
WORDS = (
    *("<pad>", "<start>", "a", "on", "in", "at", "the", "shape", "background"),
    *(*SHAPES, *COLOURS, *PLACE_NAMES, *SIZE_NAMES),
)
LENGTH = 12
"""Tokens per prompt, the start token included; the longest caption has 11."""

_IDS = {word: i for i, word in enumerate(WORDS)}


def tokenize(prompts: Sequence[str]) -> list[list[int]]:
    """Ids [n][LENGTH]: the start token, the words that the vocabulary knows, padding; the rest is cut off."""
    rows = []
    for text in prompts:
        ids = [START, *(_IDS[word] for word in re.findall(r"\w+", text.lower()) if word in _IDS)]
        rows.append((ids + [PAD] * LENGTH)[:LENGTH])
    return rows
