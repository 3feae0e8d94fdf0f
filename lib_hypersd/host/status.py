"""What the host is, and whom its API lets in."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping

from modules import processing, sd_models, shared

from .reading import txt2img_class


def host_name() -> str:
    """ "Forge Neo", "Forge", "reForge" or "A1111", with the version that the host prints."""
    return f"{host_flavour()} {processing.program_version() or ''}".strip()


def host_flavour() -> str:
    fields = {f.name for f in dataclasses.fields(txt2img_class())}
    if "distilled_cfg_scale" in fields:
        engine = getattr(sd_models.model_data, "sd_model", None)
        release = getattr(sys.modules.get("modules_forge.forge_version"), "version", "")
        return "Forge Neo" if release == "neo" or hasattr(engine, "is_wan") else "Forge"
    return "reForge" if "hr_cfg" in fields else "A1111"


def credentials() -> Mapping[str, str]:
    """User → password of `--api-auth`; empty where the host's API asks for none."""
    text = getattr(shared.cmd_opts, "api_auth", None) or ""
    return dict(pair.split(":", 1) for pair in text.split(",") if ":" in pair)
