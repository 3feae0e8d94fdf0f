"""What was published about Hyper-SD, written down apart from the extension so that the two can be compared.

Sources: the model card of ByteDance/Hyper-SD and the project's contract (recipes, order of choice).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

ORDER = (8, 4, 2, 16, 12, 1)
WEIGHT = {"flux": 0.125, "sdxl": 0.75, "sd15": 1.0, "sd3": 0.125}
SAMPLER, SCHEDULER = "Euler", "SGM Uniform"
HIRES_NUDGE = 0.05


@dataclass(frozen=True)
class Variant:
    """A published LoRA file; `cfg` is its value and the range that is kept."""

    name: str
    family: str
    steps: int
    kind: str
    cfg: tuple[float, float, float]
    half: bool = False

    @property
    def weight(self) -> float:
        return WEIGHT[self.family]

    @property
    def tag(self) -> str:
        return tag(self.name, self.weight)


def tag(name: str, weight: float) -> str:
    """The tag as the contract prints it."""
    return f"<lora:{name}:{weight:g}>"


def _variants() -> tuple[Variant, ...]:
    found = [
        Variant("Hyper-FLUX.1-dev-8steps-lora", "flux", 8, "plain", (1, 1, 1)),
        Variant("Hyper-FLUX.1-dev-16steps-lora", "flux", 16, "plain", (1, 1, 1)),
        Variant("Hyper-FLUX.1-dev-8steps-lora-fp16", "flux", 8, "plain", (1, 1, 1), half=True),
    ]
    for family, preserved in (("SDXL", (3, 3, 7)), ("SD15", (6, 3, 7))):
        for steps in (1, 2, 4, 8):
            name = f"Hyper-{family}-{steps}step{'s' if steps > 1 else ''}-lora"
            found.append(Variant(name, family.lower(), steps, "plain", (1, 1, 1.5)))
        for steps in (8, 12):
            found.append(Variant(f"Hyper-{family}-{steps}steps-CFG-lora", family.lower(), steps, "cfg", preserved))
    for steps, cfg in ((4, (3, 2, 4)), (8, (5, 3, 6)), (16, (7, 5, 8))):
        found.append(Variant(f"Hyper-SD3-{steps}steps-CFG-lora", "sd3", steps, "cfg", cfg))
    return tuple(found)


VARIANTS = _variants()
BY_NAME = {variant.name: variant for variant in VARIANTS}
UNETS = ("Hyper-SDXL-1step-Unet", "Hyper-SDXL-1step-Unet-Comfyui.fp16")


def best(family: str, present: Collection[str], steps: int | None = None, kind: str | None = None) -> Variant | None:
    """The contract's choice among the files that are there; `steps` is the person's own number."""

    def rank(variant: Variant) -> tuple[float, ...]:
        plain_first = (variant.kind != "plain", variant.half)
        if steps is None:
            return (ORDER.index(variant.steps), *plain_first)
        return (abs(variant.steps - steps), -variant.steps, variant.half, *plain_first)

    candidates = [v for v in VARIANTS if v.family == family and v.name in present and (kind is None or v.kind == kind)]
    return min(candidates, key=rank, default=None)


def clamped(value: float, recipe: tuple[float, float, float]) -> float:
    """ "clamp": inside the recipe's range kept, outside its value."""
    wanted, low, high = recipe
    return value if low <= value <= high else wanted


def second_pass(steps: int, denoise: float) -> tuple[int, ...]:
    """Every k for which a denoise within the nudge makes the hosts' int(k / denoise) equal the trained steps."""
    near = [max(0.01, denoise - HIRES_NUDGE) + i / 1000 for i in range(int(HIRES_NUDGE * 2000) + 1)]
    return tuple(k for k in range(1, steps + 1) if any(int(k / min(d, 0.999)) == steps for d in near))


TAG = re.compile(r"<lora:([^:>]+)(?::([^>]*))?>")


def tags(prompt: str) -> list[tuple[str, str]]:
    """(name, the rest) of every LoRA tag of a prompt."""
    return [(name, rest or "") for name, rest in TAG.findall(prompt)]
