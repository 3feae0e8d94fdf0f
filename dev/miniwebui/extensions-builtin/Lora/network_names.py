"""A1111's names of a model's layers, and its way from a LoRA's names to them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

RESNET = {
    "conv1": "in_layers_2",
    "conv2": "out_layers_3",
    "norm1": "in_layers_0",
    "norm2": "out_layers_0",
    "time_emb_proj": "emb_layers_1",
    "conv_shortcut": "skip_connection",
}


def _part(kind: str, rest: str) -> tuple[int, str]:
    """(place in an LDM block, name of the part there)"""
    return (1, rest) if kind == "attentions" else (0, RESNET.get(rest, rest))


def _down(m: re.Match[str]) -> str:
    place, rest = _part(m[2], m[4])
    return f"input_blocks_{1 + int(m[1]) * 3 + int(m[3])}_{place}_{rest}"


def _mid(m: re.Match[str]) -> str:
    place, rest = _part(m[1], m[3])
    return f"middle_block_{1 if place else int(m[2]) * 2}_{rest}"


def _up(m: re.Match[str]) -> str:
    place, rest = _part(m[2], m[4])
    return f"output_blocks_{int(m[1]) * 3 + int(m[3])}_{place}_{rest}"


_KINDS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"conv_in(.*)"), lambda m: f"input_blocks_0_0{m[1]}"),
    (re.compile(r"conv_out(.*)"), lambda m: f"out_2{m[1]}"),
    (re.compile(r"time_embedding_linear_(\d+)(.*)"), lambda m: f"time_embed_{int(m[1]) * 2 - 2}{m[2]}"),
    (re.compile(r"down_blocks_(\d+)_(attentions|resnets)_(\d+)_(.+)"), _down),
    (re.compile(r"mid_block_(attentions|resnets)_(\d+)_(.+)"), _mid),
    (re.compile(r"up_blocks_(\d+)_(attentions|resnets)_(\d+)_(.+)"), _up),
    (re.compile(r"down_blocks_(\d+)_downsamplers_0_conv"), lambda m: f"input_blocks_{3 + int(m[1]) * 3}_0_op"),
    (
        re.compile(r"up_blocks_(\d+)_upsamplers_0_conv"),
        lambda m: f"output_blocks_{2 + int(m[1]) * 3}_{2 if int(m[1]) else 1}_conv",
    ),
)
"""SD 1's and SDXL's layers in diffusers' spelling, with three LDM blocks a level as the published UNets have."""


def convert_diffusers_name_to_compvis(key: str, is_sd2: bool) -> str:
    """The model's name of a layer that a file has in kohya's and diffusers' words; without one the key itself."""
    if key.startswith("lora_unet_"):
        for pattern, converted in _KINDS:
            match = pattern.match(key.removeprefix("lora_unet_"))
            if match:
                return f"diffusion_model_{converted(match)}"
    return key


def sd3_weight_map(depth: int) -> dict[str, str]:
    """A1111's names of SD 3's attention in PEFT's words. Those of the context's queries, keys and values have a dot
    where the layers' names have none: the host finds no layer for them."""
    names = {}
    for i in range(depth):
        theirs, ours = f"transformer.transformer_blocks.{i}.attn", f"diffusion_model_joint_blocks_{i}"
        for x in "qkv":
            names[f"{theirs}.to_{x}"] = f"{ours}_x_block_attn_qkv_{x}_proj"
            names[f"{theirs}.add_{x}_proj"] = f"{ours}_context_block.attn_qkv_{x}_proj"
        names[f"{theirs}.to_out.0"] = f"{ours}_x_block_attn_proj"
        names[f"{theirs}.add_out_proj.0"] = f"{ours}_context_block_attn_proj"
    return names


def assign_network_names_to_compvis_modules(sd_model: Any) -> None:
    """Give each layer of the model its name, and the model the map of them."""
    mapping = {}
    for name, module in sd_model.model.named_modules():
        mapping[name.replace(".", "_")] = module
        module.network_layer_name = name.replace(".", "_")
    sd_model.network_layer_mapping = mapping
