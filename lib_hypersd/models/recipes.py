"""Family × kind → the values a Hyper-SD LoRA was trained for, and the ranges in which it still looks right.

Sources: the model card of `ByteDance/Hyper-SD` and, for the hires values and the CFG-preserved ranges, the source
article. SD 3's ranges are this project's own.
"""

from dataclasses import dataclass, replace

from ..sampling import names
from .catalog import Family, Kind

EULER = "Euler"
EULER_A = "Euler a"
SGM_UNIFORM = "SGM Uniform"


@dataclass(frozen=True)
class Dial:
    """A setting's recommended value and the closed range that is left alone."""

    value: float
    low: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high

    def under(self, policy: str | float, value: float) -> float:
        """What `policy` makes of `value`: "keep" keeps it, "clamp" keeps it within the range, "recipe" and "clamp"
        outside the range give the recommended value, a number gives itself."""
        if policy == "keep" or (policy == "clamp" and self.holds(value)):
            return value
        return self.value if isinstance(policy, str) else policy

    @property
    def span(self) -> str:
        """The range for people: "1–1.5", or the only value in it."""
        return f"{self.low:g}–{self.high:g}" if self.low < self.high else f"{self.value:g}"


@dataclass(frozen=True)
class Recipe:
    """What a generation is set to: LoRA weight, CFG, distilled CFG (FLUX only), sampler, schedule type.

    `hires_denoise` is the denoising strength where Hyper-SD turns hires fix on; a request's own is kept.
    `eta` is TCD's, None where that is left to the step count and the option.
    """

    weight: float
    cfg: Dial
    distilled_cfg: Dial | None = None
    sampler: str = EULER
    scheduler: str = SGM_UNIFORM
    hires_denoise: float = 0.55
    hires_scale: float = 1.5
    hires_upscaler: str = "None"
    eta: float | None = None


_PLAIN_CFG = Dial(1.0, 1.0, 1.5)

RECIPES: dict[str, Recipe] = {
    "sd15": Recipe(1.0, _PLAIN_CFG),
    "sd15 cfg": Recipe(1.0, Dial(6.0, 3.0, 7.0)),
    "sdxl": Recipe(0.75, _PLAIN_CFG),
    "sdxl cfg": Recipe(0.75, Dial(3.0, 3.0, 7.0), hires_denoise=0.6),
    "sd3 4": Recipe(0.125, Dial(3.0, 2.0, 4.0)),
    "sd3 8": Recipe(0.125, Dial(5.0, 3.0, 6.0)),
    "sd3 16": Recipe(0.125, Dial(7.0, 5.0, 8.0)),
    "flux": Recipe(0.125, Dial(1.0, 1.0, 1.0), Dial(3.5, 2.5, 3.5)),
    "flux nf4": Recipe(0.125, Dial(1.0, 1.0, 1.0), Dial(2.5, 2.5, 3.5)),
}
"""The recipes by the names that people give them: family, then what it differs in from the family's others.

The article has a distilled CFG of its own for nf4 checkpoints.
"""
_SD3_STEPS = (4, 8, 16)
_SD3_PLAIN = Recipe(0.125, _PLAIN_CFG)
"""SD 3 was published CFG-preserved only; this is what `lora: none` falls back to."""

ONE_STEP_UNET = Recipe(0.0, _PLAIN_CFG, sampler=EULER_A, scheduler=names.ONE_STEP_UNET)
"""The 1-step SDXL UNet as published: one evaluation at timestep 800, no LoRA. More steps take the source article's
sampler, which at one step is Euler."""
ONE_STEP_UNET_STOCK = replace(ONE_STEP_UNET, scheduler=SGM_UNIFORM)
"""The same as the source article runs it, at `ONE_STEP_UNET_STOCK_STEPS`, where that schedule type is not available."""
ONE_STEP_UNET_STOCK_STEPS = 2

DEFAULT_STEPS = 8


def recipe_name(family: Family, kind: Kind, steps: int, *, nf4: bool = False) -> str | None:
    """The name in `RECIPES` for a LoRA of `family` and `kind` trained for `steps` steps; None for plain SD 3."""
    if family == "flux":
        return "flux nf4" if nf4 else "flux"
    if family == "sd3":
        return f"sd3 {min(_SD3_STEPS, key=lambda n: (abs(n - steps), -n))}" if kind == "cfg" else None
    return f"{family} cfg" if kind == "cfg" else family


def recipe_for(family: Family, kind: Kind, steps: int, *, nf4: bool = False, unified: bool = False) -> Recipe:
    """The published recipe; defined for every combination (see `recipe_name`).

    `unified` LoRAs, trained for 1–8 steps at once, are published for TCD (model card).
    """
    name = recipe_name(family, kind, steps, nf4=nf4)
    recipe = RECIPES[name] if name else _SD3_PLAIN
    tcd = unified and family in ("sd15", "sdxl")
    return replace(recipe, sampler=names.TCD, scheduler=names.TCD) if tcd else recipe
