"""Look-alikes of the published Hyper-SD LoRAs: names and input widths of the family, rank 4, the stand-ins' layers.

Their changes are as small as those of the published files: about 2 % of a weight's length at the family's weight.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

RANK = 4
HIDDEN = 16
"""Rows of a query, key or value in the stand-ins' nets."""
SHARE = 0.02
"""Length of a layer's change over that of its weight."""

Layers = dict[str, tuple[int, int]]
"""{layer: (out, in)}"""


def _sdxl_layers() -> Layers:
    """The published files have kohya's names."""
    layers = {}
    for i in range(4):
        block = f"lora_unet_mid_block_attentions_0_transformer_blocks_{i}"
        layers[f"{block}_attn1_to_q"] = (HIDDEN, 1280)
        layers[f"{block}_attn2_to_k"] = (HIDDEN, 2048)
        layers[f"{block}_attn2_to_v"] = (HIDDEN, 2048)
    return layers


def _attention_layers(block: str, width: int) -> Layers:
    """PEFT's names of a joint attention's queries, keys and values of both streams, and what follows them."""
    parts = ("to_q", "to_k", "to_v", "add_q_proj", "add_k_proj", "add_v_proj", "to_out.0", "to_add_out")
    return {f"{block}.attn.{part}": (HIDDEN, width) for part in parts}


def _sd3_layers() -> Layers:
    width, layers = 1536, {}
    for i in range(2):
        block = f"transformer.transformer_blocks.{i}"
        layers |= _attention_layers(block, width)
        for stream in ("", "_context"):
            layers[f"{block}.ff{stream}.net.0.proj"] = (4 * HIDDEN, width)
            layers[f"{block}.ff{stream}.net.2"] = (HIDDEN, 4 * width)
            layers[f"{block}.norm1{stream}.linear"] = (6 * HIDDEN, width)
    return layers


def _flux_layers() -> Layers:
    width, layers = 3072, {}
    for i in range(2):
        layers |= _attention_layers(f"transformer.transformer_blocks.{i}", width)
        single = f"transformer.single_transformer_blocks.{i}"
        layers |= {f"{single}.attn.to_{x}": (HIDDEN, width) for x in "qkv"}
        layers[f"{single}.proj_mlp"] = (4 * HIDDEN, width)
        layers[f"{single}.proj_out"] = (HIDDEN, 5 * width)
    return layers


def _state(layers: Layers, weight: float, seed: int) -> dict[str, Tensor]:
    """Random factors for use at that weight. The stand-ins' weights have the standard deviation (3 in)^-0.5."""
    generator, state = torch.Generator().manual_seed(seed), {}
    for name, (out, width) in layers.items():
        down, up = torch.randn(RANK, width, generator=generator), torch.randn(out, RANK, generator=generator)
        kohya = name.startswith("lora_")
        state[name + (".lora_down.weight" if kohya else ".lora_A.weight")] = (down * width**-0.5).half()
        up = up * SHARE / weight * (3 * RANK) ** -0.5
        state[name + (".lora_up.weight" if kohya else ".lora_B.weight")] = up.half()
        if kohya:
            state[f"{name}.alpha"] = torch.tensor(float(RANK), dtype=torch.float16)
    return state


LOOKALIKES = {
    **{
        f"Hyper-SDXL-{kind}-lora": (_sdxl_layers, 0.75)
        for kind in ("1step", "2steps", "4steps", "8steps", "8steps-CFG", "12steps-CFG")
    },
    **{f"Hyper-SD3-{n}steps-CFG-lora": (_sd3_layers, 0.125) for n in (4, 8, 16)},
    **{
        f"Hyper-FLUX.1-dev-{kind}": (_flux_layers, 0.125)
        for kind in ("8steps-lora", "16steps-lora", "8steps-lora-fp16")
    },
}
"""{file stem: (layers, the weight at which it is used)}"""

CFG_PRESERVED = {"Hyper-SD15-8steps-CFG-lora": 0.5, "Hyper-SD15-12steps-CFG-lora": 0.4}
"""SD1.5's CFG-preserved files, made from the trained 8-step LoRA at a part of its strength."""


def write_lookalikes(folder: Path, eight_steps: Path) -> None:
    for seed, (name, (layers, weight)) in enumerate(LOOKALIKES.items()):
        save_file(_state(layers(), weight, seed), folder / f"{name}.safetensors", {"format": "pt"})
    trained = load_file(eight_steps)
    for name, strength in CFG_PRESERVED.items():
        state = {k: v * strength if k.endswith(".alpha") else v for k, v in trained.items()}
        save_file(state, folder / f"{name}.safetensors", {"format": "pt", "ss_output_name": name})
