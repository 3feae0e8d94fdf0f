"""What a checkpoint or a LoRA is by its header's tensor names and shapes, which is evidence where a name is a hint.

Key names are those of the LDM layout (`model.diffusion_model.…`), of diffusers, and for LoRAs of kohya, diffusers and
PEFT. Each test is for something that is there: a header of which little is known is "unknown".
"""

import re
from collections.abc import Mapping

from .families import Architecture
from .file_header import Header

Shapes = Mapping[str, tuple[int, ...]]

_MARKS: tuple[tuple[str, Architecture], ...] = (
    ("distilled_guidance_layer", "chroma"),
    ("double_stream_modulation", "flux2"),
    ("to_qkv_mlp_proj", "flux2"),
    ("individual_token_refiner", "hunyuan"),
    ("double_stream_blocks", "hidream"),
    ("cap_embedder.", "lumina"),
    ("head.modulation", "wan"),
    ("txtfusion.", "krea2"),
    ("llm_adapter.", "anima"),
    ("layers.0.mlp.linear_fc2.", "ernie"),
    ("double_layers.0.attn.w1q", "aura"),
    ("patchify_proj.", "ltxv"),
    ("txt_norm.weight", "qwen"),
    ("img_mlp.gate_proj", "unknown"),  # Ovis-Image, whose other keys are FLUX's
)
"""Parts of key names that one architecture alone has (Forge Neo, modules_forge/packages/huggingface_guess/detection.py;
ComfyUI, comfy/model_detection.py). In this order: FLUX's relatives have FLUX's keys, too."""

_OF_GGUF: dict[str, Architecture] = {
    "sd1": "sd15",
    "sdxl": "sdxl",
    "sd3": "sd3",
    "aura": "aura",
    "hidream": "hidream",
    "cosmos": "cosmos",
    "ltxv": "ltxv",
    "hyvid": "hunyuan",
    "wan": "wan",
    "lumina2": "lumina",
    "qwen_image": "qwen",
    "chroma": "chroma",
}
"""`general.architecture` of GGUF files (city96/ComfyUI-GGUF, tools/convert.py), for files whose keys say nothing."""

# Width of the text context that cross-attention takes.
_CONTEXT: dict[int, Architecture] = {768: "sd15", 1024: "sd2", 2048: "sdxl", 1280: "sdxl-refiner"}
_UNET_PARTS = ("input_blocks", "middle_block", "output_blocks", "down_blocks", "mid_block", "up_blocks")
_TO_K = re.compile(r"attn2\.to_k\.weight$")
_FLUX2_WIDTHS = (4096, 6144)
"""Of FLUX.2 klein 9B and FLUX.2 dev, where FLUX.1 has 3072."""


def architecture_of_header(header: Header) -> Architecture:
    """What a checkpoint's file is."""
    found = architecture_of_checkpoint(header.shapes)
    named = header.metadata.get("general.architecture", "")
    return _OF_GGUF.get(named, "unknown") if found == "unknown" else found


def architecture_of_checkpoint(shapes: Shapes) -> Architecture:
    """From a checkpoint's tensor names and shapes (LDM or diffusers names, with or without a prefix)."""
    names = "\n".join(shapes)
    for mark, architecture in _MARKS:
        if mark in names:
            return architecture
    if _any(names, "double_blocks."):
        return _flux(shapes, names, "guidance_in.")
    if _any(names, "single_transformer_blocks."):
        return _flux(shapes, names, "guidance_embedder.")
    if _any(names, "joint_blocks."):
        return "sd35" if _any(names, ".ln_q.", "joint_blocks.24.") else "sd3"
    if _any(names, "transformer_blocks.0.attn.add_k_proj."):
        if _any(names, "img_mod.", "img_mlp."):
            return "qwen"
        return "sd35" if _any(names, "transformer_blocks.0.attn.norm_q.", "transformer_blocks.24.") else "sd3"
    unet = _unet_architecture(shapes, _TO_K)
    return _relative_of_sdxl(shapes, names) if unet == "sdxl" else unet


def flux_input_width(shapes: Shapes) -> int | None:
    """The width of what FLUX's first layer takes; None where there is no such layer."""
    shape = _shape(shapes, "img_in.weight", "x_embedder.weight")
    return shape[1] if len(shape) == 2 else None


def _flux(shapes: Shapes, names: str, guidance: str) -> Architecture:
    width = _shape(shapes, "img_in.weight", "x_embedder.weight")[:1]
    if width and width[0] in _FLUX2_WIDTHS:
        return "flux2"
    return "flux-dev" if guidance in names else "flux-schnell"


def _relative_of_sdxl(shapes: Shapes, names: str) -> Architecture:
    """What has SDXL's context width: Mugen's latents have 32 channels, Playground's noise levels are its own (EDM),
    SSD-1B, Vega and KOALA have no attention in the middle, as A1111 tells (`is_ssd`)."""
    if _shape(shapes, "out.2.weight", "conv_out.weight")[:1] == (32,):
        return "mugen"
    if _any(names, "edm_mean", "edm_std"):
        return "playground"
    if "encoder_hid_proj." in names:
        return "kolors"
    middle = _any(names, "middle_block.0.", "mid_block.resnets.0.")
    attention = _any(names, "middle_block.1.transformer_blocks.", "mid_block.attentions.")
    return "ssd" if middle and not attention else "sdxl"


def _shape(shapes: Shapes, *endings: str) -> tuple[int, ...]:
    """The shape of the net's tensor of one of these names; () where it has none."""
    for prefix in ("model.diffusion_model.", "", "diffusion_model.", "transformer.", "unet."):
        for ending in endings:
            if prefix + ending in shapes:
                return shapes[prefix + ending]
    return ()


# LoRAs -----------------------------------------------------------------------------------------------------------

_SD3_WIDTH = 1536
_LORA_TO_K = re.compile(r"attn2[._](?:processor[._])?to_k(?:[._]lora[._]down|\.lora_down|\.lora_A)[.a-z]*weight$")
_TO_Q = re.compile(r"transformer_blocks[._]\d+[._]attn[._]to_q\.(?:lora_A|lora_down)")
_OF_A_BLOCK = re.compile(r"(?:double|single)_blocks.*(?:qkv|linear1)\.(?:lora_down|lora_A)")


def architecture_of_lora(shapes: Shapes) -> Architecture:
    """From a LoRA's tensor names and shapes (kohya's `lora_unet_…`, diffusers' `unet.…`, PEFT's `lora_A`)."""
    names = "\n".join(shapes)
    for mark, architecture in _MARKS[:3]:
        if mark in names:
            return architecture
    if _any(names, "double_blocks", "single_transformer_blocks", "single_blocks"):
        widths = {shape[1] for name, shape in shapes.items() if len(shape) == 2 and _OF_A_BLOCK.search(name)}
        return "flux2" if widths.intersection(_FLUX2_WIDTHS) else "flux-dev"
    if _any(names, "joint_blocks"):
        return "sd3"
    unet = _unet_architecture(shapes, _LORA_TO_K)
    if unet != "unknown":
        return unet
    if _any(names, "img_mod", "img_mlp", "txt_mlp"):
        return "qwen"
    for name, shape in shapes.items():
        if len(shape) == 2 and _TO_Q.search(name):
            return "sd3" if shape[1] == _SD3_WIDTH else "flux-dev"
    return "unknown"


def _unet_architecture(shapes: Shapes, key: re.Pattern[str]) -> Architecture:
    for name, shape in shapes.items():
        if len(shape) >= 2 and key.search(name) and any(part in name for part in _UNET_PARTS):
            return _CONTEXT.get(shape[1], "unknown")
    return "unknown"


def _any(names: str, *parts: str) -> bool:
    """Whether a part is in any of the names, one a line: one search each, be there thousands of names."""
    return any(part in names for part in parts)
