"""LoRAs of other few-step distillations (kin), and the values that each was published for, as data.

They are never chosen automatically. One that a person names as their LoRA is driven by its own recipe.
"""

from dataclasses import replace
from typing import NamedTuple

from ..sampling import names
from .catalog import Family, Kind
from .recipes import EULER, SGM_UNIFORM, Dial, Recipe

LCM = "LCM"
"""The hosts' own sampler (modules/sd_samplers_lcm.py; on Forge Neo modules/sd_samplers_kdiffusion.py)."""

KIN_TITLES: dict[str, str] = {
    "lightning": "SDXL-Lightning",
    "lcm": "LCM",
    "dmd2": "DMD2",
    "tcd": "TCD",
    "pcm": "PCM",
    "turbo": "Turbo",
    "flash": "Flash",
    "nitro": "NitroFusion",
    "schnell": "FLUX.1-schnell",
    "tdd": "TDD",
}
"""The distillations besides Hyper-SD that names of LoRAs say, for people."""


class Kin(NamedTuple):
    """What LoRAs of one distillation were published for.

    `steps` is the trained step count where the file's name has none (None: such files have it in their names), `span`
    the step counts that serve as well. `kind` "cfg" is for files whose names say that guidance was kept.
    """

    distillation: str
    families: tuple[Family, ...]
    recipe: Recipe
    source: str
    steps: int | None = None
    span: tuple[int, int] | None = None
    kind: Kind = "plain"

    @property
    def title(self) -> str:
        return KIN_TITLES[self.distillation]


_ONE = Dial(1.0, 1.0, 1.0)
_UP_TO_TWO = Dial(1.0, 1.0, 2.0)
_UNETS: tuple[Family, ...] = ("sd15", "sdxl")

KIN: tuple[Kin, ...] = (
    # Trailing timesteps are SGM Uniform; diffusers' guidance scale 0 is CFG 1, 2, 4 and 8 steps by the name.
    Kin("lightning", ("sdxl",), Recipe(1.0, _ONE), "huggingface.co/ByteDance/SDXL-Lightning"),
    # The card's examples run 4 steps; 4 to 8 and CFG 1 to 2 are its recommendation.
    Kin("lcm", _UNETS, Recipe(1.0, _UP_TO_TWO, sampler=LCM), "huggingface.co/latent-consistency", 4, (4, 8)),
    # Timesteps 999, 749, 499, 249, which are SGM Uniform's.
    Kin("dmd2", ("sdxl",), Recipe(1.0, _ONE, sampler=LCM), "huggingface.co/tianweiy/DMD2", 4),
    # The card's eta 0.3 is the sampler's own default.
    Kin(
        "tcd",
        _UNETS,
        Recipe(1.0, _UP_TO_TWO, sampler=names.TCD, scheduler=names.TCD),
        "huggingface.co/h1t/TCD-SDXL-LoRA",
        4,
        (4, 8),
    ),
    # Published for DDIM with trailing timesteps, which is Euler on SGM Uniform; 2 to 16 steps by the name.
    Kin("pcm", _UNETS, Recipe(1.0, _ONE), "huggingface.co/wangfuyun/PCM_Weights"),
    # "Normal CFG"; its demo (spaces/radames/Phased-Consistency-Model-PCM) runs at 7.5.
    Kin("pcm", _UNETS, Recipe(1.0, Dial(7.0, 3.0, 7.0)), "huggingface.co/wangfuyun/PCM_Weights", kind="cfg"),
    Kin(
        "turbo",
        ("flux",),
        Recipe(1.0, _ONE, Dial(3.5, 3.5, 3.5)),
        "huggingface.co/alimama-creative/FLUX.1-Turbo-Alpha",
        8,
    ),
)
"""A distillation's rows; a file's kind chooses among them, the first one where there is none of its kind."""


def kin_of(distillation: str | None, family: Family | None, kind: Kind) -> Kin | None:
    """The recipe's row for a LoRA of `distillation` on a checkpoint of `family`; None where there is none."""
    rows = [row for row in KIN if row.distillation == distillation and family in row.families]
    return next((row for row in rows if row.kind == kind), rows[0] if rows else None)


def by_tcd(recipe: Recipe) -> Recipe:
    """`recipe` where the host has no LCM: TCD at eta 1 is the same, multistep consistency sampling on LCM's timesteps
    (arXiv 2402.19159, section 4.2)."""
    return replace(recipe, sampler=names.TCD, scheduler=names.TCD, eta=1.0)


def by_euler(recipe: Recipe) -> Recipe:
    """`recipe` where neither LCM nor TCD are available."""
    return replace(recipe, sampler=EULER, scheduler=SGM_UNIFORM, eta=None)
