"""Where the modules of an SD 3 LoRA in diffusers' and PEFT's names are in the published checkpoint's layout.

For hosts that don't know these names: Forge's own map of them is commented out. Source of both spellings: diffusers'
conversion of `sd3_medium.safetensors` (Q, K and V of a block are one layer there).
"""

from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

Slice = tuple[int, int, int]
"""(dimension, first, count) of a fused weight."""
Target = str | tuple[str, Slice] | tuple[str, None, Callable[[Tensor], Tensor]]
"""A weight's key, a slice of it, or the whole of it with its rows in another order: what the hosts' maps hold."""

_STREAMS = {
    "x_block": {"attn.qkv": ("to_q", "to_k", "to_v"), "attn.proj": "to_out.0", "mlp": "ff", "ada": "norm1.linear"},
    "context_block": {
        "attn.qkv": ("add_q_proj", "add_k_proj", "add_v_proj"),
        "attn.proj": "to_add_out",
        "mlp": "ff_context",
        "ada": "norm1_context.linear",
    },
}
_TOP = {
    "pos_embed.proj": "x_embedder.proj",
    "context_embedder": "context_embedder",
    "time_text_embed.timestep_embedder.linear_1": "t_embedder.mlp.0",
    "time_text_embed.timestep_embedder.linear_2": "t_embedder.mlp.2",
    "time_text_embed.text_embedder.linear_1": "y_embedder.mlp.0",
    "time_text_embed.text_embedder.linear_2": "y_embedder.mlp.2",
    "norm_out.linear": "final_layer.adaLN_modulation.1",
    "proj_out": "final_layer.linear",
}
_PREFIXES = ("transformer.", "base_model.model.", "")


def sd3_names(shapes: Mapping[str, tuple[int, ...]], net: str = "diffusion_model.") -> dict[str, Target]:
    """LoRA module name → weight, for a net whose weights' keys (each beginning with `net`) have these shapes.

    Empty for any other net than SD 3's.
    """
    if f"{net}joint_blocks.0.x_block.attn.qkv.weight" not in shapes:
        return {}
    found = {name: target for name, target in _entries(shapes, net) if _key(target) in shapes}
    return {prefix + name: target for name, target in found.items() for prefix in _PREFIXES}


def _entries(shapes: Mapping[str, tuple[int, ...]], net: str) -> Iterator[tuple[str, Target]]:
    width = shapes[f"{net}joint_blocks.0.x_block.attn.qkv.weight"][0] // 3
    for name, module in _TOP.items():
        yield name, _ordered(f"{net}{module}.weight", shapes, width)
    blocks = {int(key.split(".")[2 if net else 1]) for key in shapes if key.startswith(f"{net}joint_blocks.")}
    for block in sorted(blocks):
        for stream, parts in _STREAMS.items():
            here, there = f"{net}joint_blocks.{block}.{stream}.", f"transformer_blocks.{block}."
            for number, part in enumerate(parts["attn.qkv"]):
                yield f"{there}attn.{part}", (f"{here}attn.qkv.weight", (0, number * width, width))
            yield f"{there}attn.{parts['attn.proj']}", f"{here}attn.proj.weight"
            yield f"{there}{parts['mlp']}.net.0.proj", f"{here}mlp.fc1.weight"
            yield f"{there}{parts['mlp']}.net.2", f"{here}mlp.fc2.weight"
            yield f"{there}{parts['ada']}", _ordered(f"{here}adaLN_modulation.1.weight", shapes, width)


def _ordered(key: str, shapes: Mapping[str, tuple[int, ...]], width: int) -> Target:
    """A modulation of two parts, as the last layers have, has shift and scale in the other order in diffusers."""
    two_parts = ".adaLN_modulation." in key and shapes.get(key, (0,))[0] == 2 * width
    return (key, None, swap_halves) if two_parts else key


def swap_halves(weight: Tensor) -> Tensor:
    """[2n, …] with its second half first."""
    first, second = weight.chunk(2, dim=0)
    return torch.cat([second, first])


def _key(target: Target) -> str:
    return target if isinstance(target, str) else target[0]
