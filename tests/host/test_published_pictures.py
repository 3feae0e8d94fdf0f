"""A WebUI's picture is the one that diffusers' schedulers draw: same model, same noise, the published loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from diffusers import LCMScheduler, TCDScheduler
from live.target import Target
from torch import Tensor

from dev.miniature import lora
from dev.miniature.checkpoint import CHECKPOINT, LORAS, Miniature, load_checkpoint

PROMPT = "a small yellow star at the top, purple background"
SIZE, SEEDS = 64, (7, 8)


@pytest.fixture(scope="module")
def model() -> Miniature:
    found = load_checkpoint(CHECKPOINT)
    lora.merge(found.unet, lora.load_lora(LORAS[1]))
    return found


class Noise:
    """What a WebUI draws for each picture: from one generator of the picture's seed, the start first."""

    def __init__(self) -> None:
        self._generators = [torch.Generator().manual_seed(seed) for seed in SEEDS]

    def draw(self) -> Tensor:
        shape = (4, SIZE // 8, SIZE // 8)
        return torch.stack([torch.randn(shape, generator=generator) for generator in self._generators])


@torch.no_grad()
def published(
    model: Miniature, scheduler: Any, timesteps: Any, monkeypatch: pytest.MonkeyPatch, **habits: Any
) -> np.ndarray:
    """[n, h, w, 3] in 0..255, as a diffusers pipeline without guidance draws them."""
    noise = Noise()
    monkeypatch.setattr(f"{type(scheduler).__module__}.randn_tensor", lambda *_, **__: noise.draw())
    scheduler.set_timesteps(**timesteps)
    x = noise.draw() * scheduler.init_noise_sigma
    cond = model.text.encode([PROMPT] * len(SEEDS))
    for t in scheduler.timesteps:
        eps = model.unet(scheduler.scale_model_input(x, t), t.expand(len(SEEDS)).float(), cond)
        x = scheduler.step(eps, t, x, **habits).prev_sample
    pixels = model.autoencoder.decode(x).clamp(0, 1)
    return (pixels * 255).round().permute(0, 2, 3, 1).numpy()


def drawn(target: Target, **fields: Any) -> np.ndarray:
    pictures = target.draw(prompt=PROMPT, seed=SEEDS[0], width=SIZE, height=SIZE, batch_size=2, **fields).pictures
    return np.stack([np.frombuffer(p.pixels, np.uint8).reshape(SIZE, SIZE, 3) for p in pictures[-2:]]).astype(float)


@pytest.mark.parametrize(("steps", "eta"), [(1, 1.0), (2, 0.3), (4, 0.3), (8, 0.3), (4, 0.7), (4, 0.0)])
def test_a_unified_lora_draws_what_diffusers_tcd_draws(
    target: Target, model: Miniature, monkeypatch: pytest.MonkeyPatch, steps: int, eta: float
) -> None:
    auto = eta == (1.0 if steps == 1 else 0.3)
    wish = {"lora": "Hyper-SD15-1step-lora", "steps": steps, **({} if auto else {"eta": eta})}
    wanted = published(model, TCDScheduler(), {"num_inference_steps": steps}, monkeypatch, eta=eta)
    assert np.abs(drawn(target, hypersd=wish) - wanted).max() <= 1


def test_the_one_step_schedule_draws_what_diffusers_lcm_draws_from_timestep_800(
    target: Target, model: Miniature, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = {"lora": "Hyper-SD15-1step-lora", "sampler": "Euler a", "scheduler": "Hyper-SD 1-step UNet"}
    lcm = LCMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")
    wanted = published(model, lcm, {"timesteps": [800]}, monkeypatch)
    assert np.abs(drawn(target, hypersd=wish) - wanted).max() <= 1
