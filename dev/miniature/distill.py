"""Trajectory distillation into LoRAs, in stages of 8, 4, 2 and 1 segments: the idea of Hyper-SD's TSCD.

The timesteps are cut into k equal segments (the hosts' "SGM Uniform" grid). From a state at a segment's start
the student takes one Euler step without guidance to its end; the target is where the teacher gets in several.
The first stage's teacher is the base with guidance, so guidance is distilled too; each later one's is the
student before. The states are the student's own, rolled out from pure noise, so that it sees its errors and
mends them; a share are noised pictures at any timestep, so that other step counts work as well.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from dev.miniature import lora
from dev.miniature.checkpoint import Miniature
from dev.miniature.loop import Dice, Recipe
from dev.miniature.renderer import render
from dev.miniature.sampler import Eps, column, euler
from dev.miniature.scenes import Scenes, Unsaid, captions, draw_scenes
from dev.miniature.schedule import LAST, sigma_at
from dev.miniature.unet import GRID, UNet

RANK = 32
VAGUE = Unsaid(shape=0.05, colour=0.1, size=0.8, place=0.9, back=0.9)
"""Captions that leave the picture open: where a step that covers far is hardest to learn."""


@dataclass(frozen=True)
class Stage:
    """One LoRA: its segments, and how it is made.

    teacher_steps: Euler steps of the teacher per segment. cfg: the teacher's guidance; 1 for none.
    rolled: share of the batch from the student's own states. vague: share of captions as `VAGUE`.
    """

    segments: int
    teacher_steps: int
    recipe: Recipe
    cfg: float = 1.0
    batch: int = 64
    rolled: float = 0.75
    vague: float = 0.4

    @property
    def name(self) -> str:
        return f"lora-{self.segments}"


@dataclass(frozen=True, eq=False)
class States:
    """n states to learn from: k-diffusion latents x [n, 4, h, w], start and end timesteps [n], context."""

    x: Tensor
    start: Tensor
    end: Tensor
    cond: Tensor

    @classmethod
    def together(cls, parts: Sequence[States]) -> States:
        pairs = zip(*((s.x, s.start, s.end, s.cond) for s in parts), strict=True)
        return cls(*(torch.cat(pair) for pair in pairs))

    @property
    def end_sigma(self) -> Tensor:
        """[n]; the last segment ends at no noise at all, not at timestep 0's."""
        return torch.where(self.end > 0, sigma_at(self.end), torch.zeros(()))


class Matching(ABC):
    """Draws the student's one step to where its teacher gets in several; the two kinds of it say which states.

    `loss` is for the loop, over the LoRA factors in `parameters`. vague: share of captions as `VAGUE`.
    """

    def __init__(self, model: Miniature, teacher: UNet, start: Mapping[str, Tensor], vague: float) -> None:
        self.model, self.teacher, self.vague = model, teacher, vague
        self.state = {name: value.clone() for name, value in start.items()}
        self.parameters = {name: v for name, v in self.state.items() if not name.endswith(".alpha")}

    def loss(self, dice: Dice) -> Tensor:
        """Squared error between the student's step and the teacher's walk, over 1 + sigma_end²."""
        student = self.student()
        with torch.no_grad():
            states = self._states(dice, student)
            target = self._walk(states)
        got = euler(student, states.x, states.start[None], states.cond, last=states.end_sigma)
        error = ((got - target) ** 2).mean((1, 2, 3))
        return (error / (1 + states.end_sigma**2)).mean()

    def student(self) -> Eps:
        """The UNet with the LoRA in its weights, differentiable in the LoRA."""
        weights = lora.effective_weights(self.model.unet, self.state)
        return lambda x, t, context: functional_call(self.model.unet, weights, (x, t, context))

    @abstractmethod
    def _states(self, dice: Dice, student: Eps) -> States: ...

    @abstractmethod
    def _walk(self, states: States) -> Tensor:
        """Where the teacher gets from the states: latents [n, 4, h, w]."""

    def _context(self, scenes: Scenes, dice: Dice) -> Tensor:
        vague = dice.numpy.random(len(scenes)) < self.vague
        both = captions(scenes, dice.numpy), captions(scenes, dice.numpy, VAGUE)
        return self.model.text.encode([both[int(v)][i] for i, v in enumerate(np.asarray(vague))])


class Distillation(Matching):
    """One stage: from each segment's start to its end."""

    def __init__(self, stage: Stage, model: Miniature, teacher: UNet, start: Mapping[str, Tensor]) -> None:
        super().__init__(model, teacher, start, stage.vague)
        self.stage = stage
        self.edges = torch.linspace(LAST, 0, stage.segments + 1)

    def _walk(self, states: States) -> Tensor:
        steps = self.stage.teacher_steps
        times = torch.stack([states.start + (states.end - states.start) * i / steps for i in range(steps)])
        uncond = self.model.text.encode([""]).expand(len(states.x), -1, -1)
        return euler(self.teacher, states.x, times, states.cond, uncond, self.stage.cfg, last=states.end_sigma)

    def _states(self, dice: Dice, student: Eps) -> States:
        rows = max(1, round(self.stage.batch * self.stage.rolled / self.stage.segments))
        own = self._rolled(dice, student, rows)
        noised = self._noised(dice, max(1, self.stage.batch - len(own.x)))
        return States.together([own, noised])

    def _rolled(self, dice: Dice, student: Eps, n: int) -> States:
        """n walks of the student from pure noise: its states [n * segments] at each segment's start."""
        cond = self._context(draw_scenes(n, dice.numpy), dice)
        x = dice.normal(n, 4, GRID, GRID) * sigma_at(self.edges[0])
        seen = [x]
        for start, end in zip(self.edges[:-2], self.edges[1:-1], strict=True):
            seen.append(euler(student, seen[-1], start[None], cond, last=sigma_at(end)))
        k = self.stage.segments
        return States(
            torch.cat(seen),
            self.edges[:-1].repeat_interleave(n),
            self.edges[1:].repeat_interleave(n),
            cond.repeat(k, 1, 1),
        )

    def _noised(self, dice: Dice, n: int) -> States:
        """n clean pictures, noised to any timestep of any segment."""
        scenes = draw_scenes(n, dice.numpy)
        clean = self.model.autoencoder.encode(render(scenes))
        segment = dice.integers(self.stage.segments, n)
        start, end = self.edges[segment], self.edges[segment + 1]
        start = start - (start - end) * dice.uniform(n) * 0.9
        x = clean + dice.normal(n, 4, GRID, GRID) * column(sigma_at(start))
        return States(x, start, end, self._context(scenes, dice))


def merged(unet: UNet, state: Mapping[str, Tensor]) -> UNet:
    """A copy of the UNet with a LoRA folded in."""
    twin = copy.deepcopy(unet)
    lora.merge(twin, state)
    return twin
