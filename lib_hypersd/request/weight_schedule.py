"""A LoRA weight that changes over a pass: "1@0,0.5@1" is 1 at the first step, 0.5 at the last, straight in between.

The words are those of sd-webui-loractl, which people type into tags: value@share of the steps, points parted by
commas or semicolons.
"""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

MOST_POINTS = 16
LOWEST, HIGHEST = -2.0, 2.0
"""The range of a weight."""
_LONGEST = 400
"""Characters of a schedule: what is longer is none, and would take long to read."""
_POINT = re.compile(r"\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+))\s*[@~]\s*(\d+(?:\.\d*)?|\.\d+)\s*", re.ASCII)


class ScheduleError(ValueError):
    """No schedule of weights; the message says why, to be put after the text."""


@dataclass(frozen=True)
class WeightSchedule:
    """Weights by share of the steps, or by step where `absolute`: (share or step, weight), ascending."""

    points: tuple[tuple[float, float], ...]
    absolute: bool = False

    def at_step(self, step: int, steps: int) -> float:
        """The weight of step 0 to `steps` - 1; the last one is at share 1."""
        return self.at(step if self.absolute else step / max(steps - 1, 1))

    def at(self, share: float) -> float:
        """The weight at a share of the steps; before the first and after the last point the weight of that point."""
        before, value = self.points[0]
        if share <= before:
            return value
        for (left, low), (right, high) in pairwise(self.points):
            if share <= right:
                return low + (high - low) * (share - left) / (right - left) if right > left else high
        return self.points[-1][1]

    @property
    def first(self) -> float:
        """The weight of the first step."""
        return self.at(0.0)

    @property
    def weights(self) -> tuple[float, ...]:
        return tuple(weight for _, weight in self.points)

    def __str__(self) -> str:
        return ",".join(f"{weight:g}@{share:g}" for share, weight in self.points)


Weight = float | WeightSchedule


def number_of(weight: Weight | None, default: float) -> float:
    """The one number that stands in a tag for a weight: a schedule's first."""
    if weight is None:
        return default
    return weight.first if isinstance(weight, WeightSchedule) else weight


def parse_schedule(text: str) -> WeightSchedule:
    """The schedule that a text says. Raises ScheduleError."""
    if len(text) > _LONGEST or len(re.findall("[,;]", text)) >= MOST_POINTS:
        raise ScheduleError(f"has more than {MOST_POINTS} points")
    points = []
    for piece in re.split("[,;]", text):
        found = _POINT.fullmatch(piece)
        if found is None:
            raise ScheduleError('is no schedule such as "1@0,0.5@1" (weight@share of the steps)')
        points.append((float(found[2]), float(found[1])))
    if any(share > 1 for share, _ in points):
        raise ScheduleError("has a share of the steps outside 0 to 1")
    if any(left > right for (left, _), (right, _) in pairwise(points)):
        raise ScheduleError("has descending shares of the steps")
    if any(not LOWEST <= weight <= HIGHEST for _, weight in points):
        raise ScheduleError(f"has a weight outside {LOWEST:g} to {HIGHEST:g}")
    return WeightSchedule(tuple(points))


def parse_weight(text: str) -> Weight | None:
    """A weight as somebody typed it into a tag: a number, or a schedule as loractl reads it; None for neither.

    There a point without a place is at the end, points need no order, and places above 1 are steps, not shares.
    """
    if len(text) > _LONGEST:
        return None
    try:
        number = float(text)
    except ValueError:
        return _typed_schedule(text)
    return number if math.isfinite(number) else None


@lru_cache(maxsize=64)
def _typed_schedule(text: str) -> WeightSchedule | None:
    try:
        pairs = [[float(part) for part in re.split("[@~]", piece)] for piece in re.split("[,;]", text)]
    except ValueError:
        return None
    if not all(len(pair) <= 2 and all(map(math.isfinite, pair)) for pair in pairs) or len(pairs) > MOST_POINTS:
        return None
    if all(len(pair) == 1 for pair in pairs):
        return None
    points = sorted(((pair[1] if len(pair) == 2 else 1.0), pair[0]) for pair in pairs)
    return WeightSchedule(tuple(points), absolute=points[-1][0] > 1)
