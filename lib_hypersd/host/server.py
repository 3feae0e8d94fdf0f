"""What the host is, and whom it lets in."""

import dataclasses
import re
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from modules import processing, sd_models, shared

from ..models.catalog import Family


def host_name() -> str:
    """ "Forge Neo", "Forge", "Forge Classic", "reForge" or "A1111", with the version that the host prints."""
    flavour, version = host_flavour(), str(processing.program_version() or "")
    return flavour if version in flavour.lower() else f"{flavour} {version}"  # classic prints "classic" alone


def host_flavour() -> str:
    """The host's name without its version, by what it is made of."""
    fields = _txt2img_fields()
    release = getattr(sys.modules.get("modules_forge.forge_version"), "version", "")
    if release == "classic":
        return "Forge Classic"
    if "distilled_cfg_scale" in fields:
        engine = getattr(sd_models.model_data, "sd_model", None)
        return "Forge Neo" if release == "neo" or hasattr(engine, "is_wan") else "Forge"
    return "reForge" if "hr_cfg" in fields else "A1111"


@cache
def _txt2img_fields() -> frozenset[str]:
    return frozenset(f.name for f in dataclasses.fields(txt2img_class()))


def drops_all_loras() -> bool:
    """Whether a tag for a LoRA that is not there makes this host drop every LoRA of the prompt.

    Its own message about the file fails there, so that it activates no LoRA at all.
    """
    return host_flavour() in ("Forge", "reForge", "Forge Classic")


_FAMILIES: dict[str, tuple[Family, ...]] = {
    "A1111": ("sd15", "sdxl", "sd3"),
    "reForge": ("sd15", "sdxl", "sd3"),
    "Forge": ("sd15", "sdxl", "sd3", "flux"),
    "Forge Neo": ("sd15", "sdxl", "flux"),
    "Forge Classic": ("sd15", "sdxl"),
}
"""docs/hosts.md: the checkpoints that each host can load, of the families that Hyper-SD has LoRAs for."""


def loadable_families() -> tuple[Family, ...]:
    """The families of Hyper-SD's whose checkpoints this host can load."""
    return _FAMILIES[host_flavour()]


def knows_flow_variants() -> bool:
    """Whether this host loads some SDXL checkpoints as flow models, for which its distilled CFG field means Shift."""
    return host_flavour() == "Forge Neo"


def txt2img_class() -> Any:
    """The host's class of a txt2img generation; its fields are the API's."""
    return processing.StableDiffusionProcessingTxt2Img


def credentials() -> Mapping[str, str] | None:
    """User → password of `--api-auth`; None where the host's API requires none."""
    text = getattr(shared.cmd_opts, "api_auth", None)
    return dict(pair.split(":", 1) for pair in text.split(",") if ":" in pair) if text else None


def allows_origin(origin: str) -> bool:
    """Whether the host lets in another site's page: `--cors-allow-origins`, `--cors-allow-origins-regex`."""
    listed = (getattr(shared.cmd_opts, "cors_allow_origins", None) or "").split(",")
    pattern = getattr(shared.cmd_opts, "cors_allow_origins_regex", None)
    return origin in listed or "*" in listed or bool(pattern and re.fullmatch(pattern, origin))
