"""How close pictures are where rounding differs: a net with random weights amplifies it."""

from __future__ import annotations

from .client import Picture
from .scenario import check

FAR_LESS = 0.25
"""Rounding moves a picture by less than this share of what the LoRA does."""


def mean_distance(one: Picture, other: Picture) -> float:
    """The mean difference of the colour values, 0 to 255; 255 where the sizes differ."""
    if one.size != other.size:
        return 255.0
    return sum(abs(a - b) for a, b in zip(one.pixels, other.pixels, strict=True)) / len(one.pixels)


def far_less(got: Picture, wanted: Picture, without: Picture, what: str) -> None:
    """`got` is `wanted` but for rounding: the LoRA's effect, the way from `without` to `wanted`, is much longer."""
    rounding, effect = mean_distance(got, wanted), mean_distance(without, wanted)
    check(effect > 0, f"{what}: the LoRA has no effect")
    message = f"{what}: pictures differ by {rounding:.3f} in the mean, where the LoRA's effect is {effect:.3f}"
    check(rounding <= FAR_LESS * effect, message)
