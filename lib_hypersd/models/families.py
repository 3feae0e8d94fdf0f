"""The architectures that people have, what each is called, and which of them Hyper-SD has LoRAs for.

Pure: no torch, no host.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from .catalog import Family
from .names import read_name

Architecture = Literal[
    "sd15",
    "sd2",
    "sdxl",
    "sdxl-refiner",
    "ssd",
    "playground",
    "kolors",
    "mugen",
    "sd3",
    "sd35",
    "flux-dev",
    "flux-schnell",
    "flux2",
    "chroma",
    "krea2",
    "qwen",
    "lumina",
    "wan",
    "anima",
    "ernie",
    "hunyuan",
    "hidream",
    "aura",
    "ltxv",
    "cosmos",
    "pixart",
    "other",
    "unknown",
]
"""What a model is. "other" is a loaded model of a class that is not listed here; "unknown" what nobody knows yet."""


class _Traits(NamedTuple):
    """The catalog's family (None: Hyper-SD has no LoRA for it), the title for people, whether it is a flow model."""

    family: Family | None
    title: str
    flow: bool = False


_TRAITS: dict[Architecture, _Traits] = {
    "sd15": _Traits("sd15", "SD 1.5"),
    "sd2": _Traits(None, "SD 2"),
    "sdxl": _Traits("sdxl", "SDXL"),
    "sdxl-refiner": _Traits(None, "an SDXL refiner"),
    "ssd": _Traits(None, "SSD-1B or Vega, a smaller SDXL"),
    "playground": _Traits(None, "Playground"),
    "kolors": _Traits(None, "Kolors"),
    "mugen": _Traits(None, "Mugen", flow=True),
    "sd3": _Traits("sd3", "SD 3", flow=True),
    "sd35": _Traits(None, "SD 3.5", flow=True),
    "flux-dev": _Traits("flux", "FLUX.1-dev", flow=True),
    "flux-schnell": _Traits("flux", "FLUX.1-schnell", flow=True),
    "flux2": _Traits(None, "FLUX.2", flow=True),
    "chroma": _Traits(None, "Chroma", flow=True),
    "krea2": _Traits(None, "Krea 2", flow=True),
    "qwen": _Traits(None, "Qwen-Image", flow=True),
    "lumina": _Traits(None, "Lumina 2 or Z-Image", flow=True),
    "wan": _Traits(None, "Wan", flow=True),
    "anima": _Traits(None, "Anima", flow=True),
    "ernie": _Traits(None, "ERNIE-Image", flow=True),
    "hunyuan": _Traits(None, "Hunyuan", flow=True),
    "hidream": _Traits(None, "HiDream", flow=True),
    "aura": _Traits(None, "AuraFlow", flow=True),
    "ltxv": _Traits(None, "LTX-Video", flow=True),
    "cosmos": _Traits(None, "Cosmos"),
    "pixart": _Traits(None, "PixArt"),
    "other": _Traits(None, "of another architecture"),
    "unknown": _Traits(None, "not known until it is loaded"),
}

RELATIVES: dict[Architecture, tuple[Architecture, ...]] = {
    "sdxl": ("sdxl-refiner", "ssd", "playground", "kolors", "mugen"),
    "sd3": ("sd35",),
    "flux-dev": ("chroma", "flux2", "hunyuan"),
    "flux-schnell": ("chroma", "flux2", "hunyuan"),
}
"""Architectures that hosts have the same class and flags for, or whose LoRAs have the same keys."""


def family_of(architecture: Architecture) -> Family | None:
    """The catalog's family of an architecture, or None where Hyper-SD has no LoRA for it."""
    return _TRAITS[architecture].family


def title_of(architecture: Architecture) -> str:
    """What it is, for people, to be put after "is": "SDXL", "an SDXL refiner"."""
    return _TRAITS[architecture].title


def is_flow(architecture: Architecture) -> bool:
    """Whether its noise levels run from 1 to 0."""
    return _TRAITS[architecture].flow


# By name ---------------------------------------------------------------------------------------------------------

_NAMED: dict[str, Architecture] = {
    **{name: name for name in _TRAITS if name not in ("other", "unknown")},
    "flux": "flux-dev",
}


def architecture_in_name(name: str) -> Architecture:
    """What a name says, which is a hint; "unknown" where it says nothing, or two things."""
    reading = read_name(name)
    if reading.family == "flux" and "schnell" in reading.distillations:
        return "flux-schnell"
    return _NAMED.get(reading.family or "", "unknown")


def refined_by_name(architecture: Architecture, name: str) -> Architecture:
    """`architecture`, or the relative of it that the name says."""
    named = architecture_in_name(name)
    return named if named in RELATIVES.get(architecture, ()) else architecture


_FLUX_LIKE: tuple[Architecture, ...] = ("flux-dev", "flux-schnell", *RELATIVES["flux-dev"], "krea2")


def architecture_of_name(name: str) -> Architecture:
    """A last resort for a file without a header that can be read: FLUX and its relatives by its name.

    For these there were no other files for a long time; all others are not known until they are loaded.
    """
    named = architecture_in_name(name)
    return named if named in _FLUX_LIKE else "unknown"


# Loaded models ---------------------------------------------------------------------------------------------------

# Forge, Forge Neo: one engine class an architecture. By name, never by elimination: Chroma and Mugen carry the
# same flags as FLUX and SDXL.
_CLASSES: dict[str, Architecture] = {
    "StableDiffusion": "sd15",
    "StableDiffusion2": "sd2",
    "StableDiffusionXL": "sdxl",
    "StableDiffusionXLRefiner": "sdxl-refiner",
    "StableDiffusion3": "sd3",
    "Flux": "flux-dev",
    "SD3Inferencer": "sd3",
    "Mugen": "mugen",
    "Chroma": "chroma",
    "Flux2": "flux2",
    "Krea2": "krea2",
    "QwenImage": "qwen",
    "Lumina2": "lumina",
    "ZImage": "lumina",
    "Wan": "wan",
    "Anima": "anima",
    "ErnieImage": "ernie",
}
# A1111, reForge: LDM's classes, which flags tell apart.
_FLAGGED_CLASSES = {"LatentDiffusion", "DiffusionEngine", "LatentInpaintDiffusion", "LatentFinetuneDiffusion"}
_FLAGS: tuple[tuple[str, Architecture], ...] = (
    ("is_ssd", "ssd"),
    ("is_sdxl", "sdxl"),
    ("is_sd3", "sd3"),
    ("is_sd2", "sd2"),
    ("is_sd1", "sd15"),
)


def architecture_of_model(class_name: str, flags: Mapping[str, bool]) -> Architecture:
    """From the class name of the host's `sd_model` and its `is_…` flags.

    `use_distilled_cfg_scale` is True for FLUX dev, False for schnell.
    """
    known = _CLASSES.get(class_name)
    if known == "flux-dev":
        return "flux-dev" if flags.get("use_distilled_cfg_scale") else "flux-schnell"
    if known:
        return known
    if class_name in _FLAGGED_CLASSES:
        return next((architecture for flag, architecture in _FLAGS if flags.get(flag)), "other")
    return "other"
