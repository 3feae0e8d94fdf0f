"""The net of each family, and its config as the hosts keep it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from modules.family_nets import HIDDEN, FluxFamily, Sd3Family, UnetFamily


@dataclass(frozen=True)
class NetKind:
    """One family's net."""

    repository: str
    """The Hugging Face repository by which Forge knows the family."""
    ldm_class: str
    """Class of `forge_objects.unet.model` on reForge and Classic."""
    config: dict[str, Any]
    """The parts of `unet_config` by which the host names layers. A UNet's is the published one: there are names for
    more blocks than the stand-in has."""
    build: Callable[[nn.Module], nn.Module] = lambda miniature: miniature
    """From a miniature UNet to the family's net."""


def _unet_config(
    blocks: list[int], channels: list[int], depth: list[int], up: list[int], middle: int
) -> dict[str, Any]:
    return {
        "num_res_blocks": blocks,
        "channel_mult": channels,
        "transformer_depth": depth,
        "transformer_depth_output": up,
        "transformer_depth_middle": middle,
    }


_SD2 = _unet_config([2] * 4, [1, 2, 4, 4], [1] * 6 + [0] * 2, [1] * 9 + [0] * 3, 1)
_SDXL = _unet_config([2] * 3, [1, 2, 4], [0, 0, 2, 2, 10, 10], [0] * 3 + [2] * 3 + [10] * 3, 10)
_REFINER = _unet_config([2] * 4, [1, 2, 4, 4], [0, 0, 4, 4, 4, 4, 0, 0], [0] * 3 + [4] * 6 + [0] * 3, 4)
_FLUX = {"depth": 2, "depth_single_blocks": 2, "hidden_size": HIDDEN}


def _flux(miniature: nn.Module) -> nn.Module:
    return FluxFamily(miniature, width=3072, depth=2)


KINDS = {
    "sd15": NetKind(
        "runwayml/stable-diffusion-v1-5", "BaseModel", _unet_config([1, 1], [1, 2], [0, 1], [0, 0, 1, 1], 1)
    ),
    "sd21": NetKind("stabilityai/stable-diffusion-2-1", "BaseModel", _SD2, lambda m: UnetFamily(m, 1024, 1)),
    "sdxl": NetKind("stabilityai/stable-diffusion-xl-base-1.0", "SDXL", _SDXL, lambda m: UnetFamily(m, 2048, 4)),
    "sdxl-refiner": NetKind(
        "stabilityai/stable-diffusion-xl-refiner-1.0", "SDXLRefiner", _REFINER, lambda m: UnetFamily(m, 1280, 4)
    ),
    "sd3": NetKind(
        "stabilityai/stable-diffusion-3-medium-diffusers",
        "SD3",
        {"depth": 24, "num_blocks": 2, "hidden_size": HIDDEN},
        lambda m: Sd3Family(m, width=1536, depth=2),
    ),
    "flux-dev": NetKind("black-forest-labs/FLUX.1-dev", "Flux", _FLUX, _flux),
    "flux-schnell": NetKind("black-forest-labs/FLUX.1-schnell", "Flux", _FLUX, _flux),
    "chroma": NetKind("Chroma", "Chroma", _FLUX, _flux),
}


KINDS |= {"sdxl-flow": KINDS["sdxl"], "mugen": KINDS["sdxl"]}


def build_net(family: str, miniature: nn.Module, seed: int) -> nn.Module:
    """A family's net with random layers of that seed beside a random miniature."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = KINDS[family].build(miniature)
        own = (m for name, m in net.named_modules() if isinstance(m, nn.Linear) and not name.startswith("miniature."))
        for layer in own:  # as a trained layer's, not uniform: that decides what is left of a LoRA in few bits
            nn.init.normal_(layer.weight, std=(3 * layer.in_features) ** -0.5)
        return net.eval().requires_grad_(False)


def config_of(family: str) -> SimpleNamespace:
    """The estimated config of a checkpoint, as far as the map of LoRA names needs it."""
    kind = KINDS[family]
    return SimpleNamespace(huggingface_repo=kind.repository, unet_config=dict(kind.config))
