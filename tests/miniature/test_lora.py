"""LoRA files, and how they enter the weights."""

import pytest
import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch.func import functional_call

from dev.miniature import judge, lora
from dev.miniature.checkpoint import CHECKPOINT, LORAS, load_checkpoint, save_lora
from dev.miniature.sampler import draw
from dev.miniature.scenes import prompts


def random_lora(unet, rank=4):
    generator = torch.Generator().manual_seed(0)
    state = lora.new_lora(unet, rank, generator)
    for name, value in state.items():
        if name.endswith("lora_up.weight"):
            value.copy_(0.1 * torch.randn(value.shape, generator=generator))
    return state


@pytest.fixture
def fresh():
    return load_checkpoint(CHECKPOINT)


def inputs():
    generator = torch.Generator().manual_seed(3)
    x, context = torch.randn(2, 4, 16, 16, generator=generator), torch.randn(2, 12, 768, generator=generator)
    return x, torch.tensor([900.0, 30.0]), context


@pytest.mark.parametrize("steps", LORAS)
def test_a_shipped_lora_fits_every_module_and_says_what_it_is(steps, shipped):
    path = LORAS[steps]
    state, modules = lora.load_lora(path), lora.lora_modules(shipped.unet)
    assert {key.split(".")[0] for key in state} == set(modules)
    for name, module in modules.items():
        assert lora.delta(state, name).shape == module.weight.shape
        assert state[f"{name}.alpha"] == state[f"{name}.lora_down.weight"].shape[0]
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    assert metadata["ss_output_name"] == path.stem
    assert metadata["ss_base_model_version"] == "sd_v1"
    assert path.stat().st_size < 2e6


def test_names_are_kohyas(shipped):
    names = list(lora.lora_modules(shipped.unet))
    assert "lora_unet_middle_block_1_transformer_blocks_0_attn2_to_k" in names
    assert all("." not in name for name in names)
    assert len(names) == 83


def test_a_new_lora_changes_nothing(shipped):
    state = lora.new_lora(shipped.unet, 8, torch.Generator().manual_seed(0))
    assert all(not lora.delta(state, name).any() for name in lora.lora_modules(shipped.unet))


@pytest.mark.parametrize("name", ["lora_unet_input_blocks_2_0_op", "lora_unet_time_embed_0"])
def test_the_change_of_the_weight_is_down_then_up(shipped, name):
    """The two small layers one after the other, as a LoRA is defined, against the summed weight."""
    state, module = random_lora(shipped.unet), lora.lora_modules(shipped.unet)[name]
    state[f"{name}.alpha"] /= 2
    down, up = state[f"{name}.lora_down.weight"], state[f"{name}.lora_up.weight"]
    delta = lora.delta(state, name)
    if module.weight.dim() == 4:
        x = torch.randn(1, module.in_channels, 8, 8)
        shape = {"stride": module.stride, "padding": module.padding}
        direct, merged = F.conv2d(F.conv2d(x, down, **shape), up), F.conv2d(x, delta, **shape)
    else:
        x = torch.randn(1, module.in_features)
        direct, merged = x @ down.T @ up.T, x @ delta.T
    torch.testing.assert_close(0.5 * direct, merged, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("weight", [0.0, 0.5, -1.0])
def test_merged_weights_draw_like_effective_ones(fresh, weight):
    state, args = random_lora(fresh.unet), inputs()
    plain = fresh.unet(*args)
    effective = functional_call(fresh.unet, lora.effective_weights(fresh.unet, state, weight), args)
    lora.merge(fresh.unet, state, weight)
    merged = fresh.unet(*args)
    assert torch.equal(merged, effective)
    assert torch.equal(merged, plain) == (weight == 0)


def test_gradients_reach_every_factor(fresh):
    state = random_lora(fresh.unet)
    factors = {name: value for name, value in state.items() if not name.endswith(".alpha")}
    for value in factors.values():
        value.requires_grad_(True)
    weights = lora.effective_weights(fresh.unet, state)
    functional_call(fresh.unet, weights, inputs()).square().mean().backward()
    assert [name for name, value in factors.items() if not value.grad.any()] == []


def test_a_saved_lora_loads_as_the_same_one(shipped, tmp_path):
    state = {name: value.half().float() for name, value in random_lora(shipped.unet).items()}
    save_lora(tmp_path / "a.safetensors", state, "4 steps")
    again = lora.load_lora(tmp_path / "a.safetensors")
    assert state.keys() == again.keys()
    assert all(torch.equal(state[name], again[name]) for name in state)


def test_accuracy_rises_with_the_weight_from_0_over_a_half_to_1():
    texts, accuracy = prompts("vague", 96, 21), []
    for weight in (0.0, 0.5, 1.0):
        model = load_checkpoint(CHECKPOINT)
        lora.merge(model.unet, lora.load_lora(LORAS[4]), weight)
        accuracy.append(judge.follows(draw(model, texts, 4, 1.0, seed=300), texts).float().mean().item())
    assert accuracy[0] < accuracy[1] < accuracy[2]
    assert accuracy[2] >= 0.9


def test_two_steps_with_the_lora_beat_two_steps_of_stock_by_far(shipped):
    texts, model = prompts("explicit", 64, 22), load_checkpoint(CHECKPOINT)
    lora.merge(model.unet, lora.load_lora(LORAS[2]))
    stock = judge.follows(draw(shipped, texts, 2, 4.0, seed=500), texts).float().mean()
    assert judge.follows(draw(model, texts, 2, 1.0, seed=500), texts).float().mean() > stock + 0.25
