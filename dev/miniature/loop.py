"""The training loop of all stages: AdamW, warm-up and cosine, an average of the weights, exact resume.

An iteration's randomness is a function of (seed, stage, iteration) alone. So there is no generator state to
save, and a run that was killed goes on to the very weights of one that was not.
"""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dev.miniature.progress import Progress


@dataclass(frozen=True)
class Recipe:
    """How long and how hard to train.

    peak: highest learning rate. decay: the average's; near the start it forgets faster.
    clip: largest gradient norm. save_every: iterations between files to resume from.
    """

    iterations: int
    peak: float
    decay: float = 0.99
    weight_decay: float = 0.0
    beta2: float = 0.99
    clip: float = 1.0
    seed: int = 0
    save_every: int = 50


@dataclass(frozen=True)
class Dice:
    """One iteration's randomness."""

    numpy: np.random.Generator
    torch: torch.Generator

    @classmethod
    def roll(cls, seed: int, stage: str, iteration: int) -> Dice:
        sequence = np.random.SeedSequence([seed, zlib.crc32(stage.encode()), iteration])
        state = int(sequence.generate_state(1, np.uint64)[0]) >> 1  # torch takes signed seeds
        return cls(np.random.default_rng(sequence), torch.Generator().manual_seed(state))

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.torch)

    def uniform(self, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=self.torch)

    def integers(self, high: int, *shape: int) -> Tensor:
        return torch.randint(high, shape, generator=self.torch)


Loss = Callable[[Dice], Tensor]
"""One batch's loss, a scalar, differentiable in the parameters under training."""


def learning_rate(done: float, peak: float, warm: float = 0.03, end: float = 0.02) -> float:
    """Linear warm-up over the share `warm`, then half a cosine down to end * peak; done in 0..1."""
    if done < warm:
        return peak * done / warm
    return peak * (end + (1 - end) * 0.5 * (1 + math.cos(math.pi * (done - warm) / (1 - warm))))


class Run:
    """One stage's training: parameters (changed in place), their average, the optimizer, the iteration."""

    def __init__(self, stage: str, parameters: Mapping[str, Tensor], recipe: Recipe, folder: Path) -> None:
        self.stage, self.recipe = stage, recipe
        self.parameters = {name: p.requires_grad_(True) for name, p in parameters.items()}
        self.average = {name: p.detach().clone() for name, p in self.parameters.items()}
        self.iteration = 0
        self.path = folder / f"{stage}.pt"
        self._optimizer = torch.optim.AdamW(
            self.parameters.values(),
            recipe.peak,
            betas=(0.9, recipe.beta2),
            weight_decay=recipe.weight_decay,
            fused=True,
        )
        if self.path.exists():
            self._load()

    @property
    def finished(self) -> bool:
        return self.iteration >= self.recipe.iterations

    def train(self, loss: Loss, until: int | None = None) -> dict[str, Tensor]:
        """Train to the recipe's end, or stop after iteration `until` as a kill would; returns the average."""
        end = min(self.recipe.iterations, until if until is not None else self.recipe.iterations)
        progress, smooth = Progress(self.stage, self.recipe.iterations, self.iteration), None
        while self.iteration < end:
            value = self._step(loss)
            smooth = value if smooth is None else 0.95 * smooth + 0.05 * value
            progress.advance(f"loss {smooth:.4f}")
            if self.finished or self.iteration % self.recipe.save_every == 0:
                self._save()
        return self.average

    def _step(self, loss: Loss) -> float:
        recipe, i = self.recipe, self.iteration
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate((i + 1) / recipe.iterations, recipe.peak)
        value = loss(Dice.roll(recipe.seed, self.stage, i))
        self._optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.parameters.values(), recipe.clip)
        self._optimizer.step()
        keep = min(recipe.decay, (i + 1) / (i + 6))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.values()), list(self.parameters.values()), 1 - keep)
        self.iteration += 1
        return value.item()

    def _save(self) -> None:
        """Write all that a resume needs, whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        state = {
            "recipe": self._fixed(),
            "iteration": self.iteration,
            "parameters": {name: p.detach() for name, p in self.parameters.items()},
            "average": self.average,
            "optimizer": self._optimizer.state_dict(),
        }
        torch.save(state, part)
        os.replace(part, self.path)

    def _load(self) -> None:
        state = torch.load(self.path, weights_only=True)
        if state["recipe"] != self._fixed():
            raise ValueError(f"{self.path} was trained by another recipe, {state['recipe']}: move it away first")
        self.iteration = state["iteration"]
        self._optimizer.load_state_dict(state["optimizer"])
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(state["parameters"][name])
                self.average[name].copy_(state["average"][name])

    def _fixed(self) -> dict[str, Any]:
        """What may not change between the parts of a run."""
        return {k: v for k, v in asdict(self.recipe).items() if k != "save_every"}
