"""Look-alikes of the published Hyper-SD LoRAs: names and shapes of the family, rank 2, a dozen layers."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

RANK = 2
LAYERS = 12


def _sdxl_layers() -> dict[str, tuple[int, int]]:
    """{layer: (out, in)}; the published files have kohya's names."""
    layers = {}
    for i in range(LAYERS // 3):
        block = f"lora_unet_mid_block_attentions_0_transformer_blocks_{i}"
        layers[f"{block}_attn1_to_q"] = (1280, 1280)
        layers[f"{block}_attn2_to_k"] = (1280, 2048)
        layers[f"{block}_attn2_to_v"] = (1280, 2048)
    return layers


def _sd3_layers() -> dict[str, tuple[int, int]]:
    return {
        f"transformer.transformer_blocks.{i}.attn.{part}": (1536, 1536)
        for i in range(LAYERS // 3)
        for part in ("to_q", "to_k", "add_q_proj")
    }


def _flux_layers() -> dict[str, tuple[int, int]]:
    return {
        f"transformer.{kind}_blocks.{i}.attn.to_q": (3072, 3072)
        for kind in ("transformer", "single_transformer")
        for i in range(LAYERS // 2)
    }


def _state(layers: dict[str, tuple[int, int]], seed: int) -> dict[str, Tensor]:
    """Random factors whose product is about as large as a trained LoRA's change."""
    generator, state = torch.Generator().manual_seed(seed), {}
    for name, (out, width) in layers.items():
        down, up = torch.randn(RANK, width, generator=generator), torch.randn(out, RANK, generator=generator)
        kohya = name.startswith("lora_")
        state[name + (".lora_down.weight" if kohya else ".lora_A.weight")] = (down * 0.2).half()
        state[name + (".lora_up.weight" if kohya else ".lora_B.weight")] = (up * 0.2).half()
        if kohya:
            state[f"{name}.alpha"] = torch.tensor(float(RANK), dtype=torch.float16)
    return state


LOOKALIKES = {
    **{
        f"Hyper-SDXL-{kind}-lora": _sdxl_layers
        for kind in ("1step", "2steps", "4steps", "8steps", "8steps-CFG", "12steps-CFG")
    },
    **{f"Hyper-SD3-{n}steps-CFG-lora": _sd3_layers for n in (4, 8, 16)},
    **{f"Hyper-FLUX.1-dev-{kind}": _flux_layers for kind in ("8steps-lora", "16steps-lora", "8steps-lora-fp16")},
}

CFG_PRESERVED = {"Hyper-SD15-8steps-CFG-lora": 0.5, "Hyper-SD15-12steps-CFG-lora": 0.4}
"""SD1.5's CFG-preserved files, made from the trained 8-step LoRA at a part of its strength."""


def write_lookalikes(folder: Path, eight_steps: Path) -> None:
    for seed, (name, layers) in enumerate(LOOKALIKES.items()):
        save_file(_state(layers(), seed), folder / f"{name}.safetensors", {"format": "pt"})
    trained = load_file(eight_steps)
    for name, strength in CFG_PRESERVED.items():
        state = {k: v * strength if k.endswith(".alpha") else v for k, v in trained.items()}
        save_file(state, folder / f"{name}.safetensors", {"format": "pt", "ss_output_name": name})
