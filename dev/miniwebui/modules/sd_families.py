"""What a checkpoint is, read from its tensors' names and shapes, and what each family is like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Family:
    """A model family, as far as a host shows it."""

    name: str
    forge_class: str
    legacy_class: str
    """The class of `sd_model` on A1111 and reForge."""
    flag: str | None
    """The one `is_…` flag that is True."""
    flow_shift: float | None = None
    """The shift of a rectified-flow model's schedule; None for SD's discrete schedule."""
    distilled_cfg: bool = False
    uses_shift: bool = False
    """The host's distilled CFG field is the shift of its schedule (Forge Neo)."""


FAMILIES = {
    family.name: family
    for family in (
        Family("sd15", "StableDiffusion", "LatentDiffusion", "is_sd1"),
        Family("sd21", "StableDiffusion2", "LatentDiffusion", "is_sd2"),
        Family("sdxl", "StableDiffusionXL", "DiffusionEngine", "is_sdxl"),
        Family("sdxl-refiner", "StableDiffusionXLRefiner", "DiffusionEngine", "is_sdxl"),
        Family("sdxl-flow", "StableDiffusionXL", "", "is_sdxl", flow_shift=2.5, uses_shift=True),
        Family("mugen", "Mugen", "", "is_sdxl", flow_shift=2.5, uses_shift=True),
        Family("sd3", "StableDiffusion3", "SD3Inferencer", "is_sd3", flow_shift=3.0),
        Family("flux-dev", "Flux", "", None, flow_shift=3.158, distilled_cfg=True),  # exp(1.15)
        Family("flux-schnell", "Flux", "", None, flow_shift=2.718),  # exp(1.0)
        Family("chroma", "Chroma", "", None, flow_shift=1.0),
    )
}

LEGACY = ("sd15", "sd21", "sdxl", "sdxl-flow", "mugen", "sdxl-refiner", "sd3")
"""What A1111 knew, and what Forge Neo loads by the same class: "Automatic" is no schedule type of its own there."""
_FLOW_WORD = "rectified"
_MUGEN_CHANNELS = 32

_BY_CONTEXT = {768: "sd15", 1024: "sd21", 2048: "sdxl", 1280: "sdxl-refiner"}


def detect(shapes: Shapes) -> Family:
    """The family of a checkpoint. ValueError when its tensors say nothing."""
    names = " ".join(shapes)
    if "double_blocks." in names or "single_transformer_blocks." in names:
        if "distilled_guidance_layer" in names:
            return FAMILIES["chroma"]
        return FAMILIES["flux-dev" if "guidance_in." in names or "guidance_embed" in names else "flux-schnell"]
    if "joint_blocks." in names or "context_embedder." in names:
        return FAMILIES["sd3"]
    for name, shape in shapes.items():
        if name.endswith("attn2.to_k.weight") and len(shape) == 2 and shape[1] in _BY_CONTEXT:
            return FAMILIES[_BY_CONTEXT[shape[1]]]
    raise ValueError("Failed to recognize model type!")


def variant_of(family: Family, shapes: Shapes, filename: str, known: frozenset[str]) -> Family:
    """The flow variant of SDXL that a checkpoint is to a host which knows `known`; else `family`.

    Forge Neo decides by a word in the path, and knows Mugen by the channels that its net gives.
    """
    if family.name != "sdxl":
        return family
    channels = next((shape[0] for name, shape in shapes.items() if name.endswith("out.2.weight")), 0)
    variant = "mugen" if channels == _MUGEN_CHANNELS else "sdxl-flow" if _FLOW_WORD in filename.lower() else "sdxl"
    return FAMILIES[variant] if variant in known else family


def is_miniature(shapes: Shapes) -> bool:
    """Whether these are the miniature's own weights, to be loaded as they are."""
    return shapes.get("model.diffusion_model.place") is not None


def is_nf4(shapes: Shapes) -> bool:
    """Whether a checkpoint's weights are packed as bitsandbytes packs nf4."""
    return any(name.endswith("bitsandbytes__nf4") for name in shapes)
