"""The nets, the schedule, the sampler and the shipped checkpoint."""

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from dev.miniature import judge
from dev.miniature.checkpoint import CHECKPOINT, PREFIXES, load_checkpoint, random_checkpoint, save_checkpoint
from dev.miniature.lora import lora_modules
from dev.miniature.renderer import render
from dev.miniature.sampler import draw, euler, guided_eps, noise_for
from dev.miniature.scenes import draw_scenes, prompts
from dev.miniature.schedule import SIGMAS, alphas_cumprod, sgm_uniform, sigma_at


def test_the_file_is_half_precision_in_ldms_layout_and_small():
    with safe_open(CHECKPOINT, "pt") as file:
        keys = list(file.keys())
        assert all(key.startswith(tuple(PREFIXES.values())) for key in keys)
        assert {file.get_slice(key).get_dtype() for key in keys} == {"F16"}
        wide = "model.diffusion_model.output_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
        assert file.get_slice(wide).get_shape()[1] == 768
    assert CHECKPOINT.stat().st_size < 4e6


def test_a_saved_checkpoint_loads_as_the_same_model(shipped, tmp_path):
    save_checkpoint(tmp_path / "x.safetensors", shipped)
    again = load_checkpoint(tmp_path / "x.safetensors")
    for name, net in shipped.nets().items():
        for key, value in net.state_dict().items():
            assert torch.equal(value, again.nets()[name].state_dict()[key]), key


def test_a_file_of_another_architecture_is_refused(tmp_path):
    save_file({"model.diffusion_model.out.weight": torch.zeros(2)}, tmp_path / "y.safetensors")
    with pytest.raises(RuntimeError, match="out.weight"):
        load_checkpoint(tmp_path / "y.safetensors")


@pytest.mark.parametrize(("h", "w"), [(16, 16), (24, 16), (8, 32), (15, 17), (1, 3)])
def test_any_multiple_of_eight_pixels_works(shipped, h, w):
    latents = shipped.autoencoder.encode(torch.rand(2, 3, 8 * h, 8 * w))
    assert latents.shape == (2, 4, h, w)
    eps = shipped.unet(latents, torch.tensor([999.0, 3.5]), shipped.text.encode(["a red star", ""]))
    assert eps.shape == latents.shape
    assert eps.isfinite().all()
    assert shipped.autoencoder.decode(latents).shape == (2, 3, 8 * h, 8 * w)


def test_a_picture_does_not_depend_on_its_batch(shipped):
    texts = prompts("explicit", 5, 2)
    together, alone = draw(shipped, texts, 3, 4.0, seed=50), draw(shipped, texts[3:4], 3, 4.0, seed=53)
    torch.testing.assert_close(together[3:4], alone, atol=1e-4, rtol=0)


def test_the_same_seed_draws_the_same_picture_to_the_bit(shipped):
    assert torch.equal(draw(shipped, ["a red star"], 2, 1.0, 9), draw(shipped, ["a red star"], 2, 1.0, 9))
    assert not torch.equal(draw(shipped, ["a red star"], 2, 1.0, 9), draw(shipped, ["a red star"], 2, 1.0, 10))


def test_seeds_count_on_where_many_pictures_are_drawn_in_parts(shipped):
    many = draw(shipped, ["a red star"] * 130, 1, 1.0, seed=7)
    torch.testing.assert_close(many[129:], draw(shipped, ["a red star"], 1, 1.0, seed=136), atol=1e-4, rtol=0)


def test_prompts_are_encoded_one_by_one(shipped):
    texts = ["", "a red star", "nothing that it knows", "red " * 100]
    context = shipped.text.encode(texts)
    assert context.shape == (4, 12, 768)
    for i, text in enumerate(texts):
        torch.testing.assert_close(context[i : i + 1], shipped.text.encode([text]), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(context[0], context[2])


def test_the_place_map_stretches_with_the_canvas(shipped):
    """A picture of another size keeps the layout that the prompt asks for (the hires pass relies on it)."""
    texts = ["a big red circle on the left, white background", "a big red circle on the right, white background"]
    noise = torch.randn(2, 4, 24, 24, generator=torch.Generator().manual_seed(0))
    times = sgm_uniform(12)
    cond, uncond = shipped.text.encode(texts), shipped.text.encode(["", ""])
    latents = euler(shipped.unet, noise * sigma_at(times[0]), times, cond, uncond, 4.0)
    reading = judge.read(shipped.autoencoder.decode(latents))
    assert reading.x[0] < 64 < reading.x[1]


def test_stock_draws_what_prompts_say(shipped):
    texts = prompts("explicit", 24, 4)
    assert judge.follows(draw(shipped, texts, 12, 4.0, seed=400), texts).float().mean() >= 0.85


def test_the_autoencoder_keeps_a_picture_and_unit_deviation(shipped):
    images = render(draw_scenes(32, np.random.default_rng(3)))
    latents = shipped.autoencoder.encode(images)
    assert latents.std().item() == pytest.approx(1, abs=0.1)
    assert ((shipped.autoencoder.decode(latents) - images) ** 2).mean() < 1e-3


def test_random_stand_ins_are_reproducible_different_and_finite():
    before = torch.get_rng_state()
    a, again, b = random_checkpoint(1), random_checkpoint(1), random_checkpoint(2)
    assert torch.equal(torch.get_rng_state(), before)
    pictures = [draw(model, ["a red star"], 4, 4.0, 1) for model in (a, again, b)]
    assert torch.equal(pictures[0], pictures[1])
    assert not torch.equal(pictures[0], pictures[2])
    assert all(p.isfinite().all() and p.std() > 0.01 for p in pictures)
    assert all(module.weight.any() for module in lora_modules(a.unet).values())


def test_the_schedule_is_stable_diffusions():
    assert SIGMAS[0].item() == pytest.approx(0.0292, abs=1e-4)
    assert SIGMAS[-1].item() == pytest.approx(14.6146, abs=1e-3)
    torch.testing.assert_close(alphas_cumprod(), 1 / (1 + SIGMAS**2))


def test_sigma_between_timesteps_is_interpolated_in_log_space():
    t = torch.tensor([0.0, 500.0, 500.25, 999.0])
    expected = [SIGMAS[0], SIGMAS[500], SIGMAS[500] ** 0.75 * SIGMAS[501] ** 0.25, SIGMAS[999]]
    assert sigma_at(t).tolist() == pytest.approx([float(v) for v in expected], rel=1e-5)


def test_sgm_uniform_is_the_hosts_grid():
    assert sgm_uniform(8).tolist() == pytest.approx([999 - 124.875 * i for i in range(8)])


def test_euler_with_the_true_noise_arrives_at_the_picture():
    """An oracle that knows x0 makes the path straight: any number of steps ends there."""
    x0 = torch.randn(3, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(3, 4, 4, 4, generator=torch.Generator().manual_seed(1))

    def oracle(x, t, context):
        sigma = sigma_at(t)[:, None, None, None]
        return (x * (sigma**2 + 1).sqrt() - x0) / sigma

    for steps in (1, 4):
        times = sgm_uniform(steps)
        got = euler(oracle, x0 + noise * sigma_at(times[0]), times, torch.zeros(3, 1, 1))
        torch.testing.assert_close(got, x0, atol=1e-4, rtol=1e-4)


def test_guidance_goes_beyond_the_prompt_and_cfg_1_never_asks_for_the_uncond():
    calls = []

    def unet(x, t, context):
        calls.append(len(x))
        return context[:, :1, :1, None].expand_as(x)

    x, one = torch.zeros(2, 4, 2, 2), torch.ones(2)
    cond, uncond = torch.full((2, 1, 1), 3.0), torch.full((2, 1, 1), 1.0)
    assert guided_eps(unet, x, one, one, cond, uncond, 4.0).unique().tolist() == [9.0]
    assert guided_eps(unet, x, one, one, cond, uncond, 1.0).unique().tolist() == [3.0]
    assert calls == [4, 2]


def test_each_pictures_noise_comes_from_its_own_seed():
    assert torch.equal(noise_for([5, 6])[1:], noise_for([6]))
