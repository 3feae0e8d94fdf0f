"""One file for the whole model, in LDM's layout, and the model that comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn as nn
from safetensors.torch import load_file, save_file
from torch import Tensor

from dev.miniature.autoencoder import Autoencoder
from dev.miniature.schedule import alphas_cumprod
from dev.miniature.text import TextModel
from dev.miniature.unet import UNet

WEIGHTS = Path(__file__).parent / "weights"
CHECKPOINT = WEIGHTS / "Stable-diffusion" / "miniature-sd15.safetensors"
LORAS = {
    8: WEIGHTS / "Lora" / "Hyper-SD15-8steps-lora.safetensors",
    4: WEIGHTS / "Lora" / "Hyper-SD15-4steps-lora.safetensors",
    2: WEIGHTS / "Lora" / "Hyper-SD15-2steps-lora.safetensors",
    1: WEIGHTS / "Lora" / "Hyper-SD15-1step-lora.safetensors",
}
"""The LoRAs by trained step count; the one for 1 step is unified: for up to 8 under TCD as well."""

PREFIXES = {
    "unet": "model.diffusion_model.",
    "text": "cond_stage_model.transformer.text_model.",
    "autoencoder": "first_stage_model.",
}


@dataclass(frozen=True, eq=False)
class Miniature:
    """The model's three nets, ready to draw (eval, float32, no gradients), and its noise schedule.

    unet(x [n,4,h,w], t [n], context [n,L,768]) -> eps [n,4,h,w]; text.encode(prompts) -> context;
    autoencoder.encode(images [n,3,8h,8w] in 0..1) -> latents and .decode(latents) -> images.
    """

    unet: UNet
    text: TextModel
    autoencoder: Autoencoder
    alphas_cumprod: Tensor

    def nets(self) -> dict[str, nn.Module]:
        return {name: getattr(self, name) for name in PREFIXES}


def new_model() -> Miniature:
    """Fresh nets as training starts from, drawn from torch's global generator."""
    return Miniature(UNet(), TextModel(), Autoencoder(), alphas_cumprod())


def freeze(model: Miniature) -> Miniature:
    """The same nets, in eval mode and without gradients."""
    for net in model.nets().values():
        net.eval().requires_grad_(False)
    return model


def load_checkpoint(path: str | Path) -> Miniature:
    """The model in a checkpoint file; RuntimeError names what is wrong in a file of another kind."""
    state, model = load_file(path), new_model()
    for name, net in model.nets().items():
        prefix = PREFIXES[name]
        part = {k.removeprefix(prefix): v.float() for k, v in state.items() if k.startswith(prefix)}
        net.load_state_dict(part)
    return freeze(model)


def random_checkpoint(seed: int) -> Miniature:
    """The same architecture with random weights: a stand-in for a family that has no trained miniature.

    Training starts some layers at zero; here these are random too, so that a LoRA on any module shows.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = new_model()
        for net in model.nets().values():
            for parameter in net.parameters():
                if parameter.dim() > 1 and not parameter.any():
                    nn.init.normal_(parameter, std=0.02)
    return freeze(model)


def save_checkpoint(path: str | Path, model: Miniature) -> None:
    """Write the model in half precision."""
    state = {
        PREFIXES[name] + key: value for name, net in model.nets().items() for key, value in net.state_dict().items()
    }
    save_half(path, state, {"modelspec.title": Path(path).stem, "modelspec.resolution": "128x128"})


def save_lora(path: str | Path, state: Mapping[str, Tensor], purpose: str) -> None:
    """Write a LoRA in half precision, with kohya's metadata where it is true of this LoRA; `purpose`: "4 steps"."""
    ranks = [v.shape[0] for k, v in state.items() if k.endswith(".lora_down.weight")]
    metadata = {
        "ss_output_name": Path(path).stem,
        "ss_base_model_version": "sd_v1",
        "ss_sd_model_name": CHECKPOINT.name,
        "ss_network_module": "networks.lora",
        "ss_network_dim": str(max(ranks)),
        "ss_network_alpha": str(float(max(ranks))),
        "ss_training_comment": f"distilled from miniature-sd15 for {purpose} at CFG 1",
    }
    save_half(path, state, metadata)


def save_half(path: str | Path, state: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    half = {key: value.half().contiguous() for key, value in state.items()}
    save_file(half, path, {"format": "pt", **metadata})
