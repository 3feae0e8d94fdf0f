"""From a LoRA's names to a net's weights, as the hosts' `model_lora_keys_unet` has them.

A target is a weight's key, or (key, (dimension, first row, rows)) for a part of a fused one, or (key, None, function)
where the LoRA's change is to be rearranged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from modules.profiles import PROFILE

Slice = tuple[int, int, int]
Target = str | tuple[str, Slice] | tuple[str, None, Callable[[Tensor], Tensor]]
KeyMap = dict[str, Target]

PREFIX = "diffusion_model."

_ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
_BLOCK = (
    *(f"attn{n}.{part}" for n in (1, 2) for part in _ATTENTION),
    *("ff.net.0.proj", "ff.net.2", "norm1", "norm2", "norm3"),
)
_AROUND_BLOCKS = ("proj_in", "proj_out", "norm")
_RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
_AROUND_UNET = {
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    **{f"{kind}_embedding.linear_{n}": f"label_emb.0.{2 * n - 2}" for kind in ("add", "class") for n in (1, 2)},
}


def _transformer(theirs: str, ours: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth:
        for part in _AROUND_BLOCKS:
            yield f"{theirs}.{part}", f"{ours}.{part}"
    for i in range(depth):
        for part in _BLOCK:
            yield f"{theirs}.transformer_blocks.{i}.{part}", f"{ours}.transformer_blocks.{i}.{part}"


def _resnet(theirs: str, ours: str) -> Iterator[tuple[str, str]]:
    for ldm, diffusers in _RESNET.items():
        yield f"{theirs}.{diffusers}", f"{ours}.{ldm}"


def _down(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    depths, n = list(config["transformer_depth"]), 1
    for level, count in enumerate(config["num_res_blocks"]):
        for i in range(count):
            yield from _resnet(f"down_blocks.{level}.resnets.{i}", f"input_blocks.{n}.0")
            yield from _transformer(f"down_blocks.{level}.attentions.{i}", f"input_blocks.{n}.1", depths.pop(0))
            n += 1
        yield f"down_blocks.{level}.downsamplers.0.conv", f"input_blocks.{n}.0.op"
        n += 1


def _up(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    depths, n = list(config["transformer_depth_output"]), 0
    for level, count in enumerate(reversed(config["num_res_blocks"])):
        for i in range(count + 1):
            yield from _resnet(f"up_blocks.{level}.resnets.{i}", f"output_blocks.{n}.0")
            depth = depths.pop()
            yield from _transformer(f"up_blocks.{level}.attentions.{i}", f"output_blocks.{n}.1", depth)
            if i == count:
                yield f"up_blocks.{level}.upsamplers.0.conv", f"output_blocks.{n}.{2 if depth else 1}.conv"
            n += 1


def unet_names(config: dict[str, Any]) -> dict[str, str]:
    """{diffusers' module: LDM's module} of an SD UNet, whether it is there or not; {} for other nets."""
    if "num_res_blocks" not in config:
        return {}
    names = dict(_down(config))
    names.update(_transformer("mid_block.attentions.0", "middle_block.1", config["transformer_depth_middle"]))
    for i in (0, 1):
        names.update(_resnet(f"mid_block.resnets.{i}", f"middle_block.{2 * i}"))
    names.update(_up(config))
    return names | _AROUND_UNET


def swap_scale_shift(change: Tensor) -> Tensor:
    """diffusers' order of a final modulation's halves into the original's."""
    return torch.cat(change.chunk(2, dim=0)[::-1])


def _thirds(key: str, names: tuple[str, str, str], rows: int) -> Iterator[tuple[str, Target]]:
    for i, name in enumerate(names):
        yield name, (key, (0, i * rows, rows))


_SD3_BLOCK = {
    "attn.to_out.0": "x_block.attn.proj",
    "attn.to_add_out": "context_block.attn.proj",
    "ff.net.0.proj": "x_block.mlp.fc1",
    "ff.net.2": "x_block.mlp.fc2",
    "ff_context.net.0.proj": "context_block.mlp.fc1",
    "ff_context.net.2": "context_block.mlp.fc2",
    "norm1.linear": "x_block.adaLN_modulation.1",
    "norm1_context.linear": "context_block.adaLN_modulation.1",
}
_SD3_AROUND = {
    "context_embedder": "context_embedder",
    "pos_embed.proj": "x_embedder.proj",
    "proj_out": "final_layer.linear",
    "time_text_embed.text_embedder.linear_1": "y_embedder.mlp.0",
    "time_text_embed.text_embedder.linear_2": "y_embedder.mlp.2",
    "time_text_embed.timestep_embedder.linear_1": "t_embedder.mlp.0",
    "time_text_embed.timestep_embedder.linear_2": "t_embedder.mlp.2",
}


def sd3_names(config: dict[str, Any]) -> dict[str, Target]:
    """{diffusers' module: weight} of SD 3's blocks, with the thirds of their fused queries, keys and values."""
    names: dict[str, Target] = {}
    rows, last = config["hidden_size"], config["depth"] - 1
    for i in range(config["num_blocks"]):
        theirs, ours = f"transformer_blocks.{i}", f"{PREFIX}joint_blocks.{i}"
        parts = tuple(f"{theirs}.attn.to_{x}" for x in "qkv")
        names.update(_thirds(f"{ours}.x_block.attn.qkv.weight", parts, rows))
        parts = tuple(f"{theirs}.attn.add_{x}_proj" for x in "qkv")
        names.update(_thirds(f"{ours}.context_block.attn.qkv.weight", parts, rows))
        names.update({f"{theirs}.{a}": f"{ours}.{b}.weight" for a, b in _SD3_BLOCK.items()})
    names.update({a: f"{PREFIX}{b}.weight" for a, b in _SD3_AROUND.items()})
    for theirs, ours in (
        (f"transformer_blocks.{last}.norm1_context.linear", f"joint_blocks.{last}.context_block.adaLN_modulation.1"),
        ("norm_out.linear", "final_layer.adaLN_modulation.1"),
    ):
        names[theirs] = (f"{PREFIX}{ours}.weight", None, swap_scale_shift)
    return names


_FLUX_DOUBLE = {
    "attn.to_out.0": "img_attn.proj",
    "attn.to_add_out": "txt_attn.proj",
    "norm1.linear": "img_mod.lin",
    "norm1_context.linear": "txt_mod.lin",
    "ff.net.0.proj": "img_mlp.0",
    "ff.net.2": "img_mlp.2",
    "ff_context.net.0.proj": "txt_mlp.0",
    "ff_context.net.2": "txt_mlp.2",
}
_FLUX_NORMS = {
    "attn.norm_q": "img_attn.norm.query_norm",
    "attn.norm_k": "img_attn.norm.key_norm",
    "attn.norm_added_q": "txt_attn.norm.query_norm",
    "attn.norm_added_k": "txt_attn.norm.key_norm",
}
_FLUX_EMBEDDERS = {"timestep_embedder": "time_in", "text_embedder": "vector_in", "guidance_embedder": "guidance_in"}
_FLUX_AROUND = {
    "proj_out": "final_layer.linear",
    "x_embedder": "img_in",
    "context_embedder": "txt_in",
    **{
        f"time_text_embed.{theirs}.linear_{n}": f"{ours}.{layer}"
        for theirs, ours in _FLUX_EMBEDDERS.items()
        for n, layer in ((1, "in_layer"), (2, "out_layer"))
    },
}


def flux_names(config: dict[str, Any]) -> dict[str, Target]:
    """{diffusers' module: weight} of FLUX, with the parts of `qkv` and `linear1`."""
    names: dict[str, Target] = {}
    rows = config["hidden_size"]
    for i in range(config["depth"]):
        theirs, ours = f"transformer_blocks.{i}", f"{PREFIX}double_blocks.{i}"
        parts = tuple(f"{theirs}.attn.to_{x}" for x in "qkv")
        names.update(_thirds(f"{ours}.img_attn.qkv.weight", parts, rows))
        parts = tuple(f"{theirs}.attn.add_{x}_proj" for x in "qkv")
        names.update(_thirds(f"{ours}.txt_attn.qkv.weight", parts, rows))
        names.update({f"{theirs}.{a}": f"{ours}.{b}.weight" for a, b in _FLUX_DOUBLE.items()})
        names.update({f"{theirs}.{a}": f"{ours}.{b}.scale" for a, b in _FLUX_NORMS.items()})
    for i in range(config["depth_single_blocks"]):
        theirs, ours = f"single_transformer_blocks.{i}", f"{PREFIX}single_blocks.{i}"
        parts = tuple(f"{theirs}.attn.to_{x}" for x in "qkv")
        names.update(_thirds(f"{ours}.linear1.weight", parts, rows))
        names[f"{theirs}.proj_mlp"] = (f"{ours}.linear1.weight", (0, 3 * rows, 4 * rows))
        names[f"{theirs}.proj_out"] = f"{ours}.linear2.weight"
        names |= {f"{theirs}.attn.norm_{x[0]}": f"{ours}.norm.{x}_norm.scale" for x in ("query", "key")}
        names[f"{theirs}.norm.linear"] = f"{ours}.modulation.lin.weight"
    names.update({a: f"{PREFIX}{b}.weight" for a, b in _FLUX_AROUND.items()})
    names["norm_out.linear"] = (f"{PREFIX}final_layer.adaLN_modulation.1.weight", None, swap_scale_shift)
    return names


def _own_names(keys: list[str], spelt: frozenset[str], found: KeyMap) -> None:
    """kohya's names of the model's own weights, and those names themselves."""
    for key in keys:
        if not key.startswith(PREFIX):
            continue
        if key.endswith(".weight"):
            module = key[: -len(".weight")]
            found["lora_unet_" + module[len(PREFIX) :].replace(".", "_")] = key
            if "plain" in spelt:
                found[module] = key
        elif "plain" in spelt:
            found[key] = key


def _diffusers_unet(config: dict[str, Any], spelt: frozenset[str], found: KeyMap) -> None:
    for theirs, ours in unet_names(config).items():
        key, flat = f"{PREFIX}{ours}.weight", theirs.replace(".", "_")
        found[f"lora_unet_{flat}"] = key
        if "lycoris" in spelt:
            found[f"lycoris_{flat}"] = key
        processor = theirs.replace(".to_", ".processor.to_")
        if processor.endswith(".to_out.0"):
            processor = processor[:-2]
        found[processor] = found[f"unet.{processor}"] = key


def _config_of(model: torch.nn.Module) -> dict[str, Any]:
    if PROFILE.forge_engine:
        return model.diffusion_model.config
    return model.model_config.unet_config


def fill_key_map(model: torch.nn.Module, found: KeyMap) -> KeyMap:
    """`found`, filled with this host's names for the weights of `forge_objects.unet.model`."""
    spelt, keys, config = PROFILE.loras.names, list(model.state_dict()), _config_of(model)
    repository = model.config.huggingface_repo.lower()
    _own_names(keys, spelt, found)
    _diffusers_unet(config, spelt, found)
    if "sd3" in spelt and "stable-diffusion-3" in repository:
        for name, target in sd3_names(config).items():
            found |= dict.fromkeys((f"base_model.model.{name}", *_spellings(name)), target)
    if "flux" in spelt and "flux" in repository:
        for name, target in flux_names(config).items():
            found |= dict.fromkeys(_spellings(name), target)
            if "flux_bare" in spelt:
                found[name] = target
    if "flux_bare" in spelt and "flux" in repository:
        for key in keys:
            if key.endswith(".linear1.weight"):
                found[key[: -len(".weight")] + "_qkv"] = (key, (0, 0, 3 * config["hidden_size"]))
    return found


def model_lora_keys_unet(model: torch.nn.Module, key_map: KeyMap = {}) -> KeyMap:  # noqa: B006  as on the hosts
    """{LoRA name: target}. Without a map of the caller's own, names of models seen before stay in it."""
    return fill_key_map(model, key_map)


def _spellings(name: str) -> tuple[str, ...]:
    """PEFT's, SimpleTuner's and OneTrainer's names of one of diffusers' modules."""
    flat = name.replace(".", "_")
    return f"transformer.{name}", f"lycoris_{flat}", f"lora_transformer_{flat}"
