"""Family × kind → the values a Hyper-SD LoRA was trained for, and the ranges in which it still looks right.

Sources: the model card of `ByteDance/Hyper-SD` and, for the hires values and the CFG-preserved ranges, the source
article. SD 3's ranges are this project's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from . import own_sampling
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


@dataclass(frozen=True)
class Recipe:
    """What a generation is set to: LoRA weight, CFG, distilled CFG (FLUX only), sampler, schedule type.

    `hires_denoise` is the denoising strength where hires fix is turned on by us; a request's own is kept.
    """

    weight: float
    cfg: Dial
    distilled_cfg: Dial | None = None
    sampler: str = EULER
    scheduler: str = SGM_UNIFORM
    hires_denoise: float = 0.55
    hires_scale: float = 1.5
    hires_upscaler: str = "None"


_PLAIN_CFG = Dial(1.0, 1.0, 1.5)

_RECIPES: dict[tuple[Family, Kind], Recipe] = {
    ("flux", "plain"): Recipe(0.125, Dial(1.0, 1.0, 1.0), Dial(3.5, 2.5, 3.5)),
    ("sdxl", "plain"): Recipe(0.75, _PLAIN_CFG),
    ("sdxl", "cfg"): Recipe(0.75, Dial(3.0, 3.0, 7.0), hires_denoise=0.6),
    ("sd15", "plain"): Recipe(1.0, _PLAIN_CFG),
    ("sd15", "cfg"): Recipe(1.0, Dial(6.0, 3.0, 7.0)),
    # SD 3 was published CFG-preserved only; "plain" is what `lora: none` falls back to.
    ("sd3", "plain"): Recipe(0.125, _PLAIN_CFG),
}
_SD3_CFG: dict[int, Dial] = {4: Dial(3.0, 2.0, 4.0), 8: Dial(5.0, 3.0, 6.0), 16: Dial(7.0, 5.0, 8.0)}

FLUX_NF4 = Recipe(0.125, Dial(1.0, 1.0, 1.0), Dial(2.5, 2.5, 3.5))
"""FLUX on an nf4 checkpoint (the source article's setting)."""

ONE_STEP_UNET = Recipe(0.0, _PLAIN_CFG, sampler=EULER_A, scheduler=own_sampling.ONE_STEP_UNET)
"""The 1-step SDXL UNet as published: one evaluation at timestep 800, no LoRA. More steps take the source article's
sampler, which at one step is Euler."""
ONE_STEP_UNET_STOCK = replace(ONE_STEP_UNET, scheduler=SGM_UNIFORM)
"""The same as the source article drives it, at `ONE_STEP_UNET_STOCK_STEPS`, where our schedule type can't be had."""
ONE_STEP_UNET_STOCK_STEPS = 2

DEFAULT_STEPS = 8


def recipe_for(family: Family, kind: Kind, steps: int, *, nf4: bool = False, unified: bool = False) -> Recipe:
    """The recipe of a LoRA of `family` and `kind` trained for `steps` steps; defined for every combination.

    `unified` LoRAs, trained for 1–8 steps at once, are published for TCD (model card).
    """
    if family == "flux":
        return FLUX_NF4 if nf4 else _RECIPES["flux", "plain"]
    if family == "sd3" and kind == "cfg":
        nearest = min(_SD3_CFG, key=lambda n: (abs(n - steps), -n))
        return Recipe(0.125, _SD3_CFG[nearest])
    recipe = _RECIPES[family, kind]
    return replace(recipe, sampler=own_sampling.TCD, scheduler=own_sampling.TCD) if unified else recipe
