"""What a checkpoint or a LoRA file is: from the loaded model's class and flags, or from a safetensors header.

Key names are those of the LDM layout (`model.diffusion_model.…`), of diffusers, and for LoRAs of kohya, diffusers
and PEFT. Pure: no torch, no host.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .catalog import Family
from .file_header import Header
from .names import read_name

Architecture = Literal["sd15", "sd2", "sdxl", "sdxl-refiner", "ssd", "sd3", "sd35", "flux-dev", "flux-schnell", "other"]

_TRAITS: dict[Architecture, tuple[Family | None, str, bool]] = {
    "sd15": ("sd15", "SD 1.5", False),
    "sd2": (None, "SD 2", False),
    "sdxl": ("sdxl", "SDXL", False),
    "sdxl-refiner": (None, "an SDXL refiner", False),
    "ssd": (None, "SSD-1B", False),
    "sd3": ("sd3", "SD 3", True),
    "sd35": (None, "SD 3.5", True),
    "flux-dev": ("flux", "FLUX.1-dev", True),
    "flux-schnell": ("flux", "FLUX.1-schnell", True),
    "other": (None, "of another architecture", False),
}
"""The catalog's family (None: Hyper-SD has no LoRA for it), the title for people, and whether it is a flow model."""

Shapes = Mapping[str, tuple[int, ...]]


def family_of(architecture: Architecture) -> Family | None:
    """The catalog's family of an architecture, or None where Hyper-SD has no LoRA for it."""
    return _TRAITS[architecture][0]


@dataclass(frozen=True)
class Checkpoint:
    """What is known of a checkpoint before a plan is made.

    `name` is its file's stem; `distilled` the word that says it is distilled already ("lightning"), or None;
    `baked_steps` the step count in its name ("4step"), or None; `one_step_unet` whether it is Hyper-SD's own
    1-step SDXL UNet; `uses_shift` whether the host's distilled CFG field means Shift for it (Forge Neo).
    """

    name: str
    architecture: Architecture
    distilled: str | None = None
    nf4: bool = False
    one_step_unet: bool = False
    baked_steps: int | None = None
    uses_shift: bool = False

    @property
    def family(self) -> Family | None:
        """The catalog's family that this checkpoint belongs to, or None."""
        return family_of(self.architecture)

    @property
    def flow(self) -> bool:
        """Whether it is a flow model (FLUX, SD 3, SDXL flow variants), whose noise levels run from 1 to 0."""
        return self.uses_shift or _TRAITS[self.architecture][2]

    @property
    def title(self) -> str:
        """What it is, for people: "SDXL", "SD 2", "an SDXL refiner"."""
        return _TRAITS[self.architecture][1]


def describe(
    name: str, architecture: Architecture, header: Header | None = None, *, uses_shift: bool = False
) -> Checkpoint:
    """The Checkpoint of a file named `name` (stem, folders allowed) whose architecture is known.

    `header`, where there is one, adds the title in its metadata and whether its tensors are nf4.
    """
    stem = os.path.basename(name.replace("\\", "/"))
    reading = read_name(stem)
    unet = architecture == "sdxl" and reading.one_step_unet == "hyper"
    title = header.metadata.get("modelspec.title", "") if header else ""
    nf4 = reading.quantisation == "nf4" or (header is not None and "bitsandbytes__nf4" in "\n".join(header.shapes))
    nf4 = nf4 and architecture == "flux-dev"
    distilled = "schnell" if architecture == "flux-schnell" else reading.distilled or read_name(title).distilled
    return Checkpoint(stem, architecture, None if unet else distilled, nf4, unet, reading.steps, uses_shift)


# Loaded models ---------------------------------------------------------------------------------------------

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


# Headers ---------------------------------------------------------------------------------------------------

# Width of the text context that cross-attention takes.
_CONTEXT: dict[int, Architecture] = {768: "sd15", 1024: "sd2", 2048: "sdxl", 1280: "sdxl-refiner"}
_UNET_PARTS = ("input_blocks", "middle_block", "output_blocks", "down_blocks", "mid_block", "up_blocks")
_NOT_FLUX = ("distilled_guidance_layer", "double_stream_modulation")  # Chroma, FLUX.2


def architecture_of_checkpoint(shapes: Shapes) -> Architecture:
    """From a checkpoint's tensor names and shapes (LDM or diffusers names, with or without a prefix)."""
    names = "\n".join(shapes)
    if _any(names, *_NOT_FLUX):
        return "other"
    if _any(names, "double_blocks."):
        return "flux-dev" if _any(names, "guidance_in.") else "flux-schnell"
    if _any(names, "single_transformer_blocks."):
        return "flux-dev" if _any(names, "guidance_embedder.") else "flux-schnell"
    if _any(names, "joint_blocks."):
        return "sd35" if _any(names, ".ln_q.", "joint_blocks.24.") else "sd3"
    if _any(names, "transformer_blocks.0.attn.add_k_proj."):
        return "sd35" if _any(names, "transformer_blocks.0.attn.norm_q.", "transformer_blocks.24.") else "sd3"
    return _unet_architecture(shapes, re.compile(r"attn2\.to_k\.weight$"))


_SD3_WIDTH = 1536


def architecture_of_lora(shapes: Shapes) -> Architecture:
    """From a LoRA's tensor names and shapes (kohya's `lora_unet_…`, diffusers' `unet.…`, PEFT's `lora_A`)."""
    names = "\n".join(shapes)
    if _any(names, "double_blocks", "single_transformer_blocks", "single_blocks"):
        return "flux-dev"
    if _any(names, "joint_blocks"):
        return "sd3"
    down = re.compile(r"attn2[._](?:processor[._])?to_k(?:[._]lora[._]down|\.lora_down|\.lora_A)[.a-z]*weight$")
    unet = _unet_architecture(shapes, down)
    if unet != "other":
        return unet
    for name, shape in shapes.items():
        if re.search(r"transformer_blocks[._]\d+[._]attn[._]to_q\.(?:lora_A|lora_down)", name) and len(shape) == 2:
            return "sd3" if shape[1] == _SD3_WIDTH else "flux-dev"
    return "other"


def _unet_architecture(shapes: Shapes, key: re.Pattern[str]) -> Architecture:
    for name, shape in shapes.items():
        if len(shape) >= 2 and key.search(name) and any(part in name for part in _UNET_PARTS):
            return _CONTEXT.get(shape[1], "other")
    return "other"


def _any(names: str, *parts: str) -> bool:
    """Whether a part is in any of the names, one a line: one search each, be there thousands of names."""
    return any(part in names for part in parts)


def architecture_of_name(name: str) -> Architecture:
    """A last resort for files without a safetensors header (GGUF, ckpt): FLUX by its name, else "other"."""
    if not re.search(r"(?<![a-z])flux", name, re.IGNORECASE):
        return "other"
    return "flux-schnell" if "schnell" in name.lower() else "flux-dev"
