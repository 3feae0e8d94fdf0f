"""One LoRA for any number of steps from 1 to 8: trajectory consistency distillation (arXiv 2402.19159).

TCD's step goes from timestep t to a landing s below the next timestep, and is noised up to that. The student
learns all the jumps t -> s of such walks at once: it takes each in one step, the target is where the teacher
gets in several. The states are the student's own, from walks of 1, 2, 4, 8 and one other number of steps; a few
are noised pictures at any timestep, as img2img and hires passes start from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

import torch
from torch import Tensor

from dev.miniature.checkpoint import Miniature
from dev.miniature.distill import Matching, States
from dev.miniature.loop import Dice, Recipe
from dev.miniature.renderer import render
from dev.miniature.sampler import Eps, column, euler, tcd_landings, tcd_states
from dev.miniature.scenes import draw_scenes
from dev.miniature.schedule import LAST, sigma_at
from dev.miniature.unet import GRID, UNet
from lib_hypersd.sampling.names import TCD_ETA
from lib_hypersd.sampling.schedules import tcd_timesteps

MOST = 8
"""Steps of the longest walk."""
NAME = "lora-unified"


@dataclass(frozen=True)
class Plan:
    """How the unified LoRA is made.

    walks: the student's walks in a batch, by their number of steps; one more walk is of another number, and noised
    pictures fill the batch. usual: share of walks at the eta that the samplers have; the others' is anything.
    stride: most timesteps that the teacher covers in one Euler step. vague: share of captions as `VAGUE`.
    """

    recipe: Recipe
    batch: int = 64
    walks: Mapping[int, int] = field(default_factory=lambda: {1: 16, 2: 8, 4: 3, 8: 1})
    usual: float = 0.85
    stride: float = 250.0
    vague: float = 0.4


class Unified(Matching):
    """`loss` over the jumps of TCD walks of 1 to 8 steps."""

    def __init__(self, plan: Plan, model: Miniature, teacher: UNet, start: Mapping[str, Tensor]) -> None:
        super().__init__(model, teacher, start, plan.vague)
        self.plan = plan

    def _walk(self, states: States) -> Tensor:
        counts = ((states.start - states.end) / self.plan.stride).ceil().long()
        target = torch.empty_like(states.x)
        for steps in counts.unique().tolist():
            rows = counts == steps
            start, end = states.start[rows], states.end[rows]
            times = torch.stack([start + (end - start) * i / steps for i in range(steps)])
            target[rows] = euler(self.teacher, states.x[rows], times, states.cond[rows], last=states.end_sigma[rows])
        return target

    def _states(self, dice: Dice, student: Eps) -> States:
        others = [steps for steps in range(1, MOST + 1) if steps not in self.plan.walks]
        other = others[dice.numpy.integers(len(others))]
        own = [self._rolled(dice, student, steps, n) for steps, n in (*self.plan.walks.items(), (other, 1))]
        missing = self.plan.batch - sum(len(states.x) for states in own)
        return States.together([*own, self._noised(dice, max(1, missing))])

    def _rolled(self, dice: Dice, student: Eps, steps: int, n: int) -> States:
        """n walks of the student from pure noise: its states [n * steps] at each timestep."""
        cond = self._context(draw_scenes(n, dice.numpy), dice)
        eta = TCD_ETA if dice.numpy.random() < self.plan.usual else dice.numpy.random()
        times = tcd_timesteps(steps)

        def fresh() -> Tensor:
            return dice.normal(n, 4, GRID, GRID)

        x = fresh() * (sigma_at(torch.tensor(times[0])) ** 2 + 1).sqrt()
        walk = tcd_states(student, x, times, cond, fresh, eta)
        return States(
            torch.cat(list(islice(walk, steps))),
            torch.tensor(times).float().repeat_interleave(n),
            torch.tensor(tcd_landings(times, eta)).float().repeat_interleave(n),
            cond.repeat(steps, 1, 1),
        )

    def _noised(self, dice: Dice, n: int) -> States:
        """n clean pictures, noised to any timestep, at the first of 1 to 8 even steps that are left from there."""
        scenes = draw_scenes(n, dice.numpy)
        clean = self.model.autoencoder.encode(render(scenes))
        start = 1 + dice.uniform(n) * (LAST - 1)
        left = 1 + dice.integers(MOST, n)
        end = (1 - TCD_ETA) * start * (1 - 1 / left)
        x = clean + dice.normal(n, 4, GRID, GRID) * column(sigma_at(start))
        return States(x, start, end, self._context(scenes, dice))
