"""The samplers and schedules against diffusers', and what they promise of noise, batches and bad input."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from diffusers import TCDScheduler
from torch import Tensor

from dev.commands import fidelity
from dev.commands.fidelity import LIMIT_FLOAT32, LIMIT_FLOAT64, EulerWays, Noise, TcdCase, tcd_rms
from dev.commands.fidelity_nets import Mixture, Net, miniature_net
from lib_hypersd.sampling.noise_levels import sd_sigmas, timestep_of, unit_variance
from lib_hypersd.sampling.schedules import ScheduleError, one_step_sigmas, one_step_timesteps, tcd_sigmas, tcd_timesteps
from lib_hypersd.sampling.tcd import jumps, sample_tcd

FLOW = torch.linspace(0.001, 1, 1000)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Tensors this small are drawn ten times as fast by one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def miniature() -> Net:
    return miniature_net(1)


@pytest.fixture(scope="module")
def model() -> Any:
    """The mixture, as a host's sampler sees it."""
    alphas = fidelity.hosts_alphas()
    return fidelity.wrapped(Mixture(alphas), alphas, rounds=False)


def start(model: Any, steps: int, noise: Tensor) -> tuple[Tensor, Tensor]:
    """x and sigmas of a run."""
    sigmas = tcd_sigmas(steps, model.sigmas)
    return noise * sigmas[0] * unit_variance(float(sigmas[0])), sigmas


# --- against diffusers


@pytest.mark.parametrize("steps", range(1, 51))
def test_the_timesteps_are_diffusers(steps: int) -> None:
    scheduler = TCDScheduler()
    scheduler.set_timesteps(steps)
    assert tcd_timesteps(steps) == scheduler.timesteps.tolist()
    sigmas = tcd_sigmas(steps, sd_sigmas())
    assert [timestep_of(s, sd_sigmas().tolist()) for s in sigmas[:-1].tolist()] == scheduler.timesteps.tolist()
    assert sigmas[-1] == 0


@pytest.mark.parametrize("steps", [2, 3, 8, 50])
def test_the_landings_are_diffusers_at_every_eta(steps: int) -> None:
    table, after = sd_sigmas().tolist(), torch.tensor([*tcd_timesteps(steps)[1:], 0])
    for eta in (hundredths / 100 for hundredths in range(101)):
        landings = torch.floor((1 - eta) * after).long().tolist()  # as in TCDScheduler.step
        found = jumps(tcd_sigmas(steps, sd_sigmas()).tolist(), table, eta)
        assert [jump.target for jump in found] == [table[s] for s in landings]


@pytest.mark.parametrize("steps", fidelity.STEPS)
@pytest.mark.parametrize("prediction", fidelity.PREDICTIONS)
def test_tcd_is_diffusers_to_the_last_rounding(steps: int, prediction: Any) -> None:
    cases = list(fidelity.tcd_cases(steps, (prediction,)))
    assert max(map(tcd_rms, cases)) <= LIMIT_FLOAT32
    assert max(tcd_rms(replace(case, hosts_table=True, rounds=False)) for case in cases) <= LIMIT_FLOAT32
    assert max(tcd_rms(replace(case, dtype=torch.float64)) for case in cases) <= LIMIT_FLOAT64


@pytest.mark.parametrize("steps", fidelity.STEPS)
def test_tcd_is_diffusers_where_the_terminal_snr_is_zero(steps: int) -> None:
    assert max(map(tcd_rms, fidelity.tcd_cases(steps, ("v_prediction",), zero_snr=True))) <= LIMIT_FLOAT32


@pytest.mark.parametrize(("steps", "eta", "batch"), [(1, 1.0, 1), (2, 0.3, 4), (5, 1.0, 1), (8, 0.3, 1)])
def test_tcd_is_diffusers_with_the_miniature(miniature: Net, steps: int, eta: float, batch: int) -> None:
    assert tcd_rms(TcdCase(steps, eta, batch=batch), miniature) <= LIMIT_FLOAT32


@pytest.mark.parametrize("steps", fidelity.TRAILING_STEPS)
def test_euler_differs_from_the_published_by_timesteps_start_and_end_alone(steps: int) -> None:
    assert fidelity.euler_rms(fidelity.EULER, steps, EulerWays(timesteps=True)) <= LIMIT_FLOAT32
    assert fidelity.euler_rms(fidelity.DDIM, steps, EulerWays(timesteps=True, start=True, end=True)) <= LIMIT_FLOAT32


def test_euler_as_the_hosts_run_it_is_near_the_published() -> None:
    assert fidelity.worst_euler_rms(fidelity.EULER, *fidelity.AS_HOSTS) <= 0.01


@pytest.mark.parametrize("sampler", fidelity.ONE_STEP_SAMPLERS)
def test_the_one_step_schedule_is_diffusers_lcm_at_800(sampler: Any) -> None:
    assert fidelity.one_step_rms(sampler) <= LIMIT_FLOAT32


def test_the_one_step_schedule_goes_down_in_equal_strides() -> None:
    assert [one_step_timesteps(n) for n in (1, 2, 4)] == [[800], [800, 400], [800, 600, 400, 200]]
    assert one_step_sigmas(2, sd_sigmas()).tolist() == [*sd_sigmas()[[800, 400]].tolist(), 0]


def test_the_start_has_unit_variance() -> None:
    top, lower = (float(sd_sigmas()[t]) for t in (999, 800))
    assert unit_variance(top) == pytest.approx(1.0023, abs=1e-4)
    assert unit_variance(lower) == pytest.approx(1.019, abs=1e-3)
    assert top * unit_variance(top) == pytest.approx(math.sqrt(1 + top**2))


# --- noise, batches, parts


@pytest.mark.parametrize(("steps", "eta", "draws"), [(8, 0.0, 0), (8, 0.3, 7), (8, 1.0, 7), (1, 1.0, 0)])
def test_noise_is_drawn_only_where_there_is_some_to_add(model: Any, steps: int, eta: float, draws: int) -> None:
    x, sigmas = start(model, steps, torch.randn(1, 4, 8, 8))
    asked = []

    def noise(*levels: Tensor) -> Tensor:
        asked.append(tuple(map(float, levels)))
        return torch.zeros_like(x)

    sample_tcd(model, x, sigmas, disable=True, noise_sampler=noise, eta=eta)
    assert asked == list(zip(sigmas.tolist(), sigmas.tolist()[1:], strict=False))[:draws]


def test_without_a_noise_sampler_torch_draws(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x, sigmas = start(model, 4, torch.randn(1, 4, 8, 8))
    noise = [torch.randn_like(x) for _ in range(3)]
    given, taken = iter(noise), iter(noise)
    monkeypatch.setattr(torch, "randn_like", lambda like: next(taken))
    by_itself = sample_tcd(model, x, sigmas, disable=True)
    assert torch.equal(by_itself, sample_tcd(model, x, sigmas, disable=True, noise_sampler=lambda *_: next(given)))


def test_a_batch_is_its_single_pictures(model: Any) -> None:
    case = TcdCase(4, 0.7)
    batch = fidelity.tcd_latents(model, case, Noise(batch=4, seed=1))
    singles = torch.cat([fidelity.tcd_latents(model, case, Noise(seed=1 + i)) for i in range(4)])
    assert fidelity.relative_rms(batch, singles) <= LIMIT_FLOAT32


def test_the_callback_is_told_of_each_step(model: Any) -> None:
    x, sigmas = start(model, 4, torch.randn(2, 4, 8, 8))
    told: list[dict[str, Any]] = []
    sample_tcd(model, x, sigmas, disable=True, callback=told.append)
    assert [call["i"] for call in told] == [0, 1, 2, 3]
    assert [float(call["sigma"]) for call in told] == sigmas[:-1].tolist()
    assert torch.equal(told[0]["x"], x)
    for call in told:
        assert torch.equal(call["denoised"], model(call["x"], call["sigma"].expand(2)))


def test_the_latents_given_are_left_as_they_were(model: Any) -> None:
    x, sigmas = start(model, 2, torch.randn(1, 4, 8, 8))
    before = x.clone()
    sample_tcd(model, x, sigmas, disable=True)
    assert torch.equal(x, before)


def test_two_parts_of_a_schedule_are_the_whole(model: Any) -> None:
    """As for img2img and hires, which run a schedule's end."""
    x, sigmas = start(model, 6, torch.randn(1, 4, 8, 8))
    noise = [torch.randn_like(x) for _ in range(5)]
    first, second = iter(noise), iter(noise)
    whole = sample_tcd(model, x, sigmas, disable=True, noise_sampler=lambda *_: next(first))
    x = sample_tcd(model, x, sigmas[:4], disable=True, noise_sampler=lambda *_: next(second))
    assert torch.equal(sample_tcd(model, x, sigmas[3:], disable=True, noise_sampler=lambda *_: next(second)), whole)


def test_on_another_schedule_no_jump_goes_up() -> None:
    table = sd_sigmas().tolist()
    for jump in jumps([5.0, 0.7, 0.02, 0.0], table, 0.3):
        assert jump.target <= jump.sigma


def test_devices_without_double_precision_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as Apple's."""
    sigmas = tcd_sigmas(4, sd_sigmas().float())

    def refuse(*_: Any) -> None:
        raise TypeError("no float64 here")

    monkeypatch.setattr(Tensor, "double", refuse)
    assert sample_tcd(lambda x, sigma: x, torch.randn(1, 4, 8, 8), sigmas, disable=True).dtype == torch.float32


def test_extra_arguments_reach_the_net() -> None:
    x, sigmas = torch.randn(1, 4, 8, 8), tcd_sigmas(1, sd_sigmas())
    seen: list[Any] = []

    def net(x: Tensor, sigma: Tensor, **rest: Any) -> Tensor:
        seen.append((sigma.shape, rest))
        return x

    sample_tcd(net, x, sigmas, extra_args={"cond": 1}, disable=True)
    assert seen == [((1,), {"cond": 1})]


def test_a_step_costs_no_more_than_eulers() -> None:
    assert fidelity.step_ratio(pairs=15) <= 1.3


# --- bad input


@pytest.mark.parametrize("eta", [math.nan, -0.1, 1.1, math.inf])
def test_a_bad_eta_is_refused_before_the_net_is_asked(eta: float) -> None:
    with pytest.raises(ValueError, match=rf"eta is {eta}; .* 0 to 1"):
        sample_tcd(pytest.fail, torch.zeros(1, 4, 8, 8), tcd_sigmas(2, sd_sigmas()), disable=True, eta=eta)


@pytest.mark.parametrize(("schedule", "name"), [(tcd_sigmas, "Hyper-SD TCD"), (one_step_sigmas, "1-step UNet")])
@pytest.mark.parametrize(
    ("steps", "table", "told"),
    [
        (0, sd_sigmas(), "from 1 to 50 steps, and 0 "),
        (-1, sd_sigmas(), "from 1 to 50 steps, and -1 "),
        (51, sd_sigmas(), "from 1 to 50 steps, and 51 "),
        (8, sd_sigmas()[:999], "999 noise levels"),
        (8, FLOW, "flow model"),
    ],
)
def test_a_schedule_that_cannot_be_had_says_why(schedule: Any, name: str, steps: int, table: Tensor, told: str) -> None:
    with pytest.raises(ScheduleError, match=rf"{name}.*{told}"):
        schedule(steps, table)


def test_schedule_errors_are_value_errors() -> None:
    assert issubclass(ScheduleError, ValueError)
