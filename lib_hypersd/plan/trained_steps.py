"""Steps and denoising strength of a second pass or img2img, so that it lands on the LoRA's trained timesteps.

Where the hosts are given k steps explicitly (hires always; img2img with `img2img_fix_steps`), they build a schedule of
int(k / min(d, 0.999)) steps, d the denoising strength, and evaluate its last k. With int(k / d) = N those are the last
k of the N timesteps that an N-step LoRA was trained on.
"""

from dataclasses import dataclass
from math import ceil

from ..text import counted

MAX_NUDGE = 0.05
"""The largest change of a person's denoising strength."""
NOTHING = 0.001
"""Below this denoising strength there is no second pass to speak of."""


@dataclass(frozen=True)
class TrainedLanding:
    """k evaluated steps at denoising strength `denoise`."""

    steps: int
    denoise: float


def schedule_length(steps: int, denoise: float) -> int:
    """How long a schedule the hosts build for `steps` explicit steps at `denoise` in (0, 1]."""
    return int(steps / min(denoise, 0.999))


def on_trained_timesteps(
    trained: int, denoise: float, *, steps: int | None = None, nudge: bool = True
) -> TrainedLanding | None:
    """The second pass nearest to `denoise` whose schedule has exactly `trained` steps.

    `steps` holds k fixed; `nudge=False` holds the denoising strength fixed. None where no k exists within
    MAX_NUDGE of `denoise`, or where `denoise` is next to nothing.
    """
    if denoise < NOTHING:
        return None
    ks = range(1, trained + 1) if steps is None else (steps,)
    nearest = ((k, _nearest(trained, k, denoise)) for k in ks)
    found = [TrainedLanding(k, d) for k, d in nearest if d is not None]
    best = min(found, key=lambda s: (abs(s.denoise - denoise), -s.steps), default=None)
    if best is None or (best.denoise != denoise and (not nudge or abs(best.denoise - denoise) > MAX_NUDGE + 1e-9)):
        return None
    return best


def _nearest(trained: int, k: int, denoise: float) -> float | None:
    """The d nearest to `denoise` with int(k / min(d, 0.999)) = trained; written with as few decimals as do."""
    if schedule_length(k, denoise) == trained:
        return denoise
    low, high = k / (trained + 1), k / trained  # the open and the closed end of the d that will do
    for grid in (100, 1000, 10_000):
        candidates = {ceil(low * grid) / grid, (ceil(low * grid) + 1) / grid, int(high * grid) / grid}
        fitting = [d for d in candidates if 0 < d <= 1 and schedule_length(k, d) == trained]
        if fitting:
            return min(fitting, key=lambda d: abs(d - denoise))
    return None


def nearest_strengths(trained: int, denoise: float, *, steps: int | None = None) -> tuple[float, ...]:
    """The nearest strengths below and above `denoise` (in hundredths) at which a second pass, be it of `steps` steps,
    lands right."""
    ks, here = range(1, trained + 1) if steps is None else (steps,), round(denoise * 100)
    right = [h for h in range(1, max(100, here) + 1) if any(schedule_length(k, h / 100) == trained for k in ks)]
    below, above = [h for h in right if h <= here], [h for h in right if here < h <= 100]
    return tuple(h / 100 for h in (*below[-1:], *above[:1]))


@dataclass(frozen=True)
class Grid:
    """The schedule that a pass is to land on: its length, and whether a LoRA was trained for that one."""

    length: int
    is_trained: bool = True

    def __str__(self) -> str:
        return counted(self.length, "trained step" if self.is_trained else "step")

    def lands(self) -> str:
        """The reason of a change of the denoising strength."""
        return f"lands on the {self}"

    def last(self, steps: int) -> str:
        """The reason of a change to the number of steps."""
        return f"the last {steps} of {self}"

    def missed(self, denoise: float, *, steps: int | None = None) -> str:
        """The notice where a pass, with `steps` the number that was requested, does not land on it."""
        better = " or ".join(f"{d:g}" for d in nearest_strengths(self.length, denoise, steps=steps)) or "other steps"
        at = "" if steps is None else f" at {counted(steps, 'step')}"
        why = f"Denoising strength {denoise:g}{at} does not fit {self}, and the picture may come out soft"
        return f"{why}: it was left as it is; try {better}."
