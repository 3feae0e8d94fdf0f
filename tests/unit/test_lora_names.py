"""The modules of LoRA files by name, and where SD 3's are in the checkpoint's layout."""

from __future__ import annotations

import pytest
import torch

from lib_hypersd.lora.sd3_names import sd3_names, swap_halves
from lib_hypersd.models.lora_modules import changes_text_encoder, flaw, halves_of, module_names

WIDTH = 8
NET = "diffusion_model."
PAIRS = {
    "kohya": ("lora_unet_mid_block.lora_up.weight", "lora_unet_mid_block.lora_down.weight"),
    "PEFT": ("transformer.proj_out.lora_B.weight", "transformer.proj_out.lora_A.weight"),
    "PEFT with an adapter's name": ("unet.conv_in.lora_B.default.weight", "unet.conv_in.lora_A.default.weight"),
    "diffusers": ("unet.conv_in.lora.up.weight", "unet.conv_in.lora.down.weight"),
    "old diffusers": ("mid_block.to_q_lora.up.weight", "mid_block.to_q_lora.down.weight"),
}


@pytest.mark.parametrize("up_and_down", PAIRS.values(), ids=PAIRS)
def test_a_pair_in_any_spelling_is_one_module(up_and_down: tuple[str, str]) -> None:
    up, down = up_and_down
    names = {up: (8, 2), down: (2, 8)}
    (module,) = module_names(names)
    assert up.startswith(module)
    assert halves_of(module, names) == (up, down)
    assert flaw(names) is None


def test_the_text_encoders_modules_are_none_of_the_nets() -> None:
    names = ["lora_te_text_model.lora_up.weight", "lora_unet_mid.lora_up.weight"]
    assert module_names(names) == ("lora_unet_mid",)
    assert changes_text_encoder(names)
    assert not changes_text_encoder(names[1:])


def test_half_of_a_pair_among_whole_ones_is_a_flaw() -> None:
    names = {name: (2, 2) for pair in PAIRS.values() for name in pair}
    del names["transformer.proj_out.lora_A.weight"]
    assert "transformer.proj_out.lora_B.weight" in str(flaw(names))


@pytest.mark.parametrize("shape", [(), (2,), (0, 8)])
def test_a_tensor_without_values_is_a_flaw(shape: tuple[int, ...]) -> None:
    up, down = PAIRS["kohya"]
    assert up in str(flaw({up: shape, down: (2, 8)}))


def sd3_shapes(blocks: int = 2) -> dict[str, tuple[int, ...]]:
    """A checkpoint of this many blocks; its last context block only feeds the attention."""
    shapes = {
        f"{NET}x_embedder.proj.weight": (WIDTH, 4, 2, 2),
        f"{NET}context_embedder.weight": (WIDTH, 16),
        f"{NET}final_layer.linear.weight": (16, WIDTH),
        f"{NET}final_layer.adaLN_modulation.1.weight": (2 * WIDTH, WIDTH),
    }
    for block in range(blocks):
        for stream in ("x_block", "context_block"):
            here, last = f"{NET}joint_blocks.{block}.{stream}.", stream == "context_block" and block == blocks - 1
            shapes[f"{here}attn.qkv.weight"] = (3 * WIDTH, WIDTH)
            shapes[f"{here}adaLN_modulation.1.weight"] = ((2 if last else 6) * WIDTH, WIDTH)
            if not last:
                shapes[f"{here}attn.proj.weight"] = (WIDTH, WIDTH)
                shapes[f"{here}mlp.fc1.weight"], shapes[f"{here}mlp.fc2.weight"] = (32, WIDTH), (WIDTH, 32)
    return shapes


def test_sd3s_published_names_find_their_layers() -> None:
    names = sd3_names(sd3_shapes())
    block = "transformer.transformer_blocks.0"
    qkv = f"{NET}joint_blocks.0.x_block.attn.qkv.weight"
    assert names[f"{block}.attn.to_k"] == (qkv, (0, WIDTH, WIDTH))
    assert names[f"{block}.attn.add_v_proj"] == (qkv.replace("x_block", "context_block"), (0, 2 * WIDTH, WIDTH))
    assert names[f"{block}.attn.to_add_out"] == f"{NET}joint_blocks.0.context_block.attn.proj.weight"
    assert names[f"{block}.ff.net.0.proj"] == f"{NET}joint_blocks.0.x_block.mlp.fc1.weight"
    assert names["transformer.pos_embed.proj"] == f"{NET}x_embedder.proj.weight"
    assert "transformer.transformer_blocks.1.attn.to_add_out" not in names  # its layer is not there
    assert names["transformer_blocks.0.attn.to_q"] == names[f"{block}.attn.to_q"]


def test_modulations_of_two_parts_have_them_in_the_other_order() -> None:
    names = sd3_names(sd3_shapes())
    for module in ("transformer.norm_out.linear", "transformer.transformer_blocks.1.norm1_context.linear"):
        key, part, function = names[module]
        assert (part, function) == (None, swap_halves)
    assert isinstance(names["transformer.transformer_blocks.0.norm1_context.linear"], str)
    assert swap_halves(torch.arange(4)).tolist() == [2, 3, 0, 1]


def test_other_nets_have_no_such_names() -> None:
    assert sd3_names({f"{NET}double_blocks.0.img_attn.qkv.weight": (24, 8)}) == {}
