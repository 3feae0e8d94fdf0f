"""TCD and Euler a as the hosts have them, and the unified LoRA that was distilled for 1 to 8 steps."""

import json

import numpy as np
import pytest
import torch

from dev.miniature import evaluate, lora, train
from dev.miniature.checkpoint import CHECKPOINT, LORAS, load_checkpoint
from dev.miniature.distill import merged
from dev.miniature.evaluate import Setting, measure
from dev.miniature.loop import Dice, Recipe, Run
from dev.miniature.sampler import (
    EULER,
    EULER_A,
    euler_ancestral,
    fresh_for,
    tcd,
    tcd_landings,
    tcd_states,
)
from dev.miniature.scenes import prompts
from dev.miniature.schedule import SIGMAS, sgm_uniform, sigma_at
from dev.miniature.unified import Plan, Unified
from lib_hypersd.sampling.schedules import tcd_timesteps

TWO = Recipe(2, peak=1e-3, save_every=1)
SMALL = {"batch": 16, "walks": {1: 1, 2: 1, 4: 1}}
GIVEN = {
    1: [999],
    2: [999, 499],
    3: [999, 679, 339],
    4: [999, 759, 499, 259],
    5: [999, 799, 599, 399, 199],
    6: [999, 839, 679, 499, 339, 179],
    7: [999, 859, 719, 579, 439, 299, 159],
    8: [999, 879, 759, 639, 499, 379, 259, 139],
}
"""diffusers' TCDScheduler.set_timesteps."""


@pytest.fixture(scope="module")
def unified():
    model = load_checkpoint(CHECKPOINT)
    lora.merge(model.unet, lora.load_lora(LORAS[1]))
    return model


class Oracle:
    """A UNet that knows the picture x0 [n, 4, 4, 4] finds the true noise; keeps the timesteps it was asked at."""

    def __init__(self, n=2):
        self.x0, self.asked = torch.randn(n, 4, 4, 4, generator=torch.Generator().manual_seed(0)), []

    def __call__(self, x, t, context):
        self.asked.append(t.unique().item())
        sigma = sigma_at(t)[:, None, None, None]
        return (x * (sigma**2 + 1).sqrt() - self.x0) / sigma

    def noises(self):
        """Fresh noise of a fixed generator, and the list of what was given."""
        generator, given = torch.Generator().manual_seed(1), []

        def fresh():
            given.append(torch.randn(self.x0.shape, generator=generator))
            return given[-1]

        return fresh, given


@pytest.mark.parametrize("steps", GIVEN)
def test_tcd_asks_at_diffusers_timesteps(steps):
    oracle = Oracle()
    fresh, _ = oracle.noises()
    list(tcd_states(oracle, oracle.x0, tcd_timesteps(steps), torch.zeros(2, 1, 1), fresh, 0.3))
    assert oracle.asked == GIVEN[steps] == tcd_timesteps(steps)


def test_landings_are_whole_timesteps_below_the_next_one():
    assert tcd_landings(GIVEN[8], 0.3) == [615, 531, 447, 349, 265, 181, 97, 0]
    assert tcd_landings(GIVEN[4], 1.0) == [0, 0, 0, 0]
    assert tcd_landings(GIVEN[1], 1.0) == tcd_landings(GIVEN[1], 0.3) == [0]


@pytest.mark.parametrize("eta", [0.3, 1.0])
@pytest.mark.parametrize("steps", [2, 5, 8])
def test_a_tcd_step_is_diffusers_step(steps, eta):
    """TCDScheduler.step as it is written, in variance-preserving scale, with the same noise."""
    oracle = Oracle()
    fresh, given = oracle.noises()
    times, alphas = tcd_timesteps(steps), 1 / (1 + SIGMAS**2)
    *states, last = tcd_states(oracle, 3 * oracle.x0 + 1, times, torch.zeros(2, 1, 1), fresh, eta)
    assert len(given) == steps - 1
    for i, (t, x) in enumerate(zip(times, states, strict=True)):
        after = times[i + 1] if i + 1 < steps else 0
        landing = int(np.floor((1 - eta) * after))
        sample = x * alphas[t].sqrt()
        eps = oracle(sample, torch.full((2,), float(t)), None)
        picture = (sample - (1 - alphas[t]).sqrt() * eps) / alphas[t].sqrt()
        expected = alphas[landing].sqrt() * picture + (1 - alphas[landing]).sqrt() * eps
        if i + 1 < steps:
            share = alphas[after] / alphas[landing]
            expected = share.sqrt() * expected + (1 - share).sqrt() * given[i]
        got = states[i + 1] if i + 1 < steps else last
        torch.testing.assert_close(got * alphas[after].sqrt(), expected, atol=1e-4, rtol=1e-4)


def test_eta_0_draws_no_noise_and_is_the_deterministic_walk(unified):
    """DDIM over the same timesteps: Euler steps from one to the next, and on to timestep 0's noise."""
    cond = unified.text.encode(["a red star"] * 2)
    x, times = fresh_for([3, 4])() * sigma_at(torch.tensor(999.0)), tcd_timesteps(4)
    *_, got = tcd_states(unified.unet, x, times, cond, lambda: pytest.fail("drew noise"), 0.0)
    expected = x
    for t, after in zip(times, [*times[1:], 0], strict=True):
        sigma = SIGMAS[t]
        eps = unified.unet(expected / (sigma**2 + 1).sqrt(), torch.full((2,), float(t)), cond)
        expected = expected + eps * (SIGMAS[after] - sigma)
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-4)


def test_a_pictures_fresh_noise_is_its_own_and_new_at_every_call():
    both, alone = fresh_for([5, 6]), fresh_for([6])
    first = both()
    assert torch.equal(first[1:], alone())
    second = both()
    assert torch.equal(second[1:], alone())
    assert not torch.equal(first, second)


def test_euler_a_is_k_diffusions():
    oracle = Oracle()
    fresh, given = oracle.noises()
    times = sgm_uniform(3)
    sigmas = [*sigma_at(times).tolist(), 0.0]
    x = expected = 2 * oracle.x0 - 1
    got = euler_ancestral(oracle, x, times, torch.zeros(2, 1, 1), fresh)
    assert len(given) == 2
    for sigma, end, noise in zip(sigmas[:-1], sigmas[1:], [*given, None], strict=True):
        up = min(end, (end**2 * (sigma**2 - end**2) / sigma**2) ** 0.5)
        down = (end**2 - up**2) ** 0.5
        expected = expected + (expected - oracle.x0) / sigma * (down - sigma)
        expected = expected + noise * up if end > 0 else expected
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("sampler", [tcd(3), EULER_A])
def test_a_picture_of_a_sampler_with_fresh_noise_does_not_depend_on_its_batch(unified, sampler):
    cond = unified.text.encode(["a red star", "a blue ring"])
    together = sampler(unified.unet, fresh_for([8, 9]), 3, cond)
    alone = sampler(unified.unet, fresh_for([9]), 3, cond[1:])
    torch.testing.assert_close(together[1:], alone, atol=1e-4, rtol=0)


def test_one_file_draws_what_prompts_say_in_1_2_4_and_8_tcd_steps():
    texts = prompts("explicit", 64, 31)
    accuracy = [measure(Setting(n, 1.0, LORAS[1], sampler=tcd(n)), texts, noise=900).accuracy for n in (1, 2, 4, 8)]
    assert accuracy[0] >= 0.85
    assert min(accuracy[1:]) >= 0.9


def test_tcd_is_as_good_as_the_hosts_samplers_with_the_unified_lora():
    texts = prompts("explicit", 64, 32)
    scores = [measure(Setting(4, 1.0, LORAS[1], sampler=s), texts, noise=950) for s in (tcd(4), EULER, EULER_A)]
    for other in scores[1:]:
        gap, error = scores[0].over(other)
        assert gap >= -2 * max(error, 1 / 64)


def test_a_student_that_is_its_teacher_has_nothing_to_learn_where_one_step_is_enough():
    model, state = load_checkpoint(CHECKPOINT), lora.load_lora(LORAS[4])
    same = merged(model.unet, state)
    once, often = Plan(TWO, **SMALL, stride=1000.0), Plan(TWO, **SMALL, stride=100.0)
    assert Unified(once, model, same, state).loss(Dice.roll(0, "x", 0)).item() == pytest.approx(0, abs=1e-8)
    assert Unified(often, model, same, state).loss(Dice.roll(0, "x", 0)).item() > 1e-5


def test_a_batch_holds_the_jumps_of_tcd_walks_and_noised_pictures():
    model, state = load_checkpoint(CHECKPOINT), lora.load_lora(LORAS[4])
    task = Unified(Plan(TWO, **SMALL, usual=1.0), model, model.unet, state)
    with torch.no_grad():
        states = task._states(Dice.roll(0, "x", 0), task.student())
    jumps = [(int(a), int(b)) for a, b in zip(states.start, states.end, strict=True)]
    assert jumps[:7] == [
        pair for n in SMALL["walks"] for pair in zip(GIVEN[n], tcd_landings(GIVEN[n], 0.3), strict=True)
    ]
    assert len(states.x) == 16
    assert (states.end < states.start).all()
    assert (states.end >= 0).all()


def test_the_stage_resumes_to_the_bit_and_writes_the_lora_for_1_step(tmp_path):
    plan = Plan(TWO, **SMALL)
    train.make_unified(CHECKPOINT, LORAS[4].parent, tmp_path / "straight", plan)
    model = load_checkpoint(CHECKPOINT)
    task = Unified(plan, model, merged(model.unet, lora.load_lora(LORAS[4])), lora.load_lora(LORAS[2]))
    Run("lora-unified", task.parameters, TWO, tmp_path / "killed").train(task.loss, until=1)
    train.make_unified(CHECKPOINT, LORAS[4].parent, tmp_path / "killed", plan)
    straight, killed = (
        lora.load_lora(tmp_path / name / "weights" / "Lora" / LORAS[1].name) for name in ("straight", "killed")
    )
    start = lora.load_lora(LORAS[2])
    assert straight.keys() == killed.keys() == lora.load_lora(LORAS[1]).keys()
    assert all(torch.equal(straight[name], killed[name]) for name in straight)
    assert any(not torch.equal(straight[name], start[name]) for name in straight)


def test_the_table_sets_tcd_against_the_hosts_samplers_at_each_step_count(tmp_path, capsys):
    path = tmp_path / "rows.json"
    evaluate.main(["unified", "--prompts", "2", "--kinds", "vague", "--json", str(path)])
    rows = json.loads(path.read_text())
    stem = LORAS[1].stem
    assert [row["setting"] for row in rows] == [
        f"{stem} × 1, {n} steps, CFG 1{sampler}" for n in (1, 2, 4, 8) for sampler in (", TCD", "", ", Euler a")
    ]
    assert [row["gap"] for row in rows[::3]] == [0] * 4
    assert "gap to TCD" in capsys.readouterr().out


def test_euler_is_drawn_where_no_sampler_is_named():
    texts = prompts("explicit", 2, 0)
    assert Setting(2, 1.0).sampler == EULER
    plain, named = (measure(Setting(2, 1.0, **more), texts, 1) for more in ({}, {"sampler": EULER}))
    other = measure(Setting(2, 1.0, sampler=tcd(2)), texts, 1)
    assert plain.sharpness == named.sharpness != other.sharpness
