"""The published Hyper-SD files, as data (model card of `ByteDance/Hyper-SD` on Hugging Face)."""

import re
from dataclasses import dataclass
from typing import Literal

Family = Literal["flux", "sdxl", "sd15", "sd3"]
Kind = Literal["plain", "cfg"]

FAMILY_TITLES: dict[Family, str] = {"flux": "FLUX.1-dev", "sdxl": "SDXL", "sd15": "SD 1.5", "sd3": "SD 3"}

REPO = "ByteDance/Hyper-SD"
REPO_FP16 = "nakodanei/Hyper-FLUX.1-dev-8steps-lora-fp16"

_FLUX = "Hyper-FLUX.1-dev"
_FLUX_LICENCE = "FLUX.1-dev non-commercial licence"
CARD_LICENCE = "ByteDance's own terms, on the model card"


@dataclass(frozen=True)
class Variant:
    """One published LoRA.

    `name` is the file's stem, `steps` the trained step count N, `kind` whether guidance was kept (`cfg`) or
    folded in (`plain`), `size` the download in bytes (rounded as the card rounds). A `unified` LoRA was trained
    for 1–8 steps at once; `half` is a half-size copy of another file. `sha256` is the whole file's, "" where it is not
    known here.
    """

    name: str
    family: Family
    steps: int
    kind: Kind = "plain"
    size: int = 0
    repo: str = REPO
    licence: str = CARD_LICENCE
    unified: bool = False
    half: bool = False
    sha256: str = ""

    @property
    def file(self) -> str:
        return f"{self.name}.safetensors"

    @property
    def source(self) -> str:
        """Where a person gets the file: a Hugging Face repository and the file in it."""
        return f"huggingface.co/{self.repo} ({self.file})"


def _sized(family: Family, stem: str, size: int, plain: tuple[int, ...], cfg: tuple[int, ...]) -> list[Variant]:
    def name(steps: int, suffix: str) -> str:
        return f"{stem}-{steps}step{'s' if steps > 1 else ''}{suffix}-lora"

    return [Variant(name(n, ""), family, n, "plain", size, unified=n == 1) for n in plain] + [
        Variant(name(n, "-CFG"), family, n, "cfg", size, sha256=_SHA256.get(name(n, "-CFG"), "")) for n in cfg
    ]


_SHA256: dict[str, str] = {
    "Hyper-SD15-8steps-CFG-lora": "f6123d5b950d5250ab6c33600e27f4dcf71b3099ebf888685e01e9e8117ce482",
    "Hyper-SDXL-8steps-CFG-lora": "55b51334c85061afff5eff7c550b61963c8b8607a5868bbe4f26db49374719b1",
}
"""Acly/krita-ai-diffusion, ai_diffusion/resources.py."""


VARIANTS: tuple[Variant, ...] = (
    Variant(f"{_FLUX}-8steps-lora", "flux", 8, size=1_390_000_000, licence=_FLUX_LICENCE),
    Variant(f"{_FLUX}-16steps-lora", "flux", 16, size=1_390_000_000, licence=_FLUX_LICENCE),
    Variant(f"{_FLUX}-8steps-lora-fp16", "flux", 8, size=700_000_000, repo=REPO_FP16, licence=_FLUX_LICENCE, half=True),
    *_sized("sdxl", "Hyper-SDXL", 787_000_000, plain=(1, 2, 4, 8), cfg=(8, 12)),
    *_sized("sd15", "Hyper-SD15", 269_000_000, plain=(1, 2, 4, 8), cfg=(8, 12)),
    *_sized("sd3", "Hyper-SD3", 472_000_000, plain=(), cfg=(4, 8, 16)),
)

BY_NAME: dict[str, Variant] = {v.name: v for v in VARIANTS}
BY_SHA256: dict[str, Variant] = {v.sha256: v for v in VARIANTS if v.sha256}

ONE_STEP_UNET = "Hyper-SDXL-1step-Unet"
"""The one whole checkpoint of the catalog: an SDXL UNet for one evaluation, used without a LoRA."""

ONE_STEP_UNETS: dict[str, int] = {ONE_STEP_UNET: 10_300_000_000, "Hyper-SDXL-1step-Unet-Comfyui.fp16": 6_900_000_000}
"""Its published files and their sizes in bytes."""

# ASCII: where case is ignored, "ſ" is an "s" too.
_ALIAS = re.compile(r"hyper-(sdxl|sd15|sd3|flux)(?:-(\d{1,3})steps?)?(-cfg)?(?:-lora)?", re.IGNORECASE | re.ASCII)
_ALIAS_FAMILIES: dict[str, Family] = {"sdxl": "sdxl", "sd15": "sd15", "sd3": "sd3", "flux": "flux"}


@dataclass(frozen=True)
class Alias:
    """A short name such as `Hyper-SDXL`, `hyper-flux-8step` or `Hyper-SD15-12steps-CFG-lora`."""

    family: Family
    steps: int | None
    cfg: bool


def parse_alias(name: str) -> Alias | None:
    """The alias that `name` spells, in any case, or None."""
    found = _ALIAS.fullmatch(name.strip())
    if not found:
        return None
    family, steps, cfg = found.groups()
    return Alias(_ALIAS_FAMILIES[family.lower()], int(steps) if steps else None, bool(cfg))
