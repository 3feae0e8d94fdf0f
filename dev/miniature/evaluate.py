"""Measures the model: `python -m dev.miniature.evaluate tables`, `unified`, `guidance` or `judge`. Prints markdown.

Prompts and noise come from seeds that training never sees; `guidance`, which is for choosing, has seeds of its
own. All settings draw the same prompts from the same noise, so that differences can be taken picture by picture.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dev.miniature import judge, lora
from dev.miniature.checkpoint import CHECKPOINT, LORAS, load_checkpoint
from dev.miniature.progress import Progress
from dev.miniature.renderer import render
from dev.miniature.sampler import EULER, EULER_A, Sampler, draw, tcd
from dev.miniature.scenes import COLOURS, PLACES, PROMPT_KINDS, SHAPES, caption, draw_scenes, prompts, read_caption

BEST_CFG = 4.0
"""Stock's best at 25 steps: 3 is worse, 5.5 no better on 512 unseen prompts (README.md)."""


HEAD = "| setting | accuracy | gap to {} | sharpness | variety |\n|---|---|---|---|---|"


@dataclass(frozen=True)
class Seeds:
    """Where prompts come from, and the first picture's noise."""

    prompts: int
    noise: int


MEASURED = Seeds(prompts=2026, noise=5_000_000)
CHOSEN_BY = Seeds(prompts=91, noise=70_000)


@dataclass(frozen=True)
class Setting:
    """One way to draw: `lora` is a file, or None for stock."""

    steps: int
    cfg: float
    lora: Path | None = None
    weight: float = 1.0
    sampler: Sampler = EULER

    @property
    def name(self) -> str:
        guidance = f"{self.steps} steps, CFG {self.cfg:g}"
        if self.sampler != EULER:
            guidance += f", {self.sampler.name}"
        return f"{self.lora.stem} × {self.weight:g}, {guidance}" if self.lora else f"stock, {guidance}"


@dataclass(frozen=True, eq=False)
class Score:
    """n pictures judged: right [n] booleans, mean sharpness, variety of places and backgrounds, seconds each."""

    right: Tensor
    sharpness: float
    variety: float
    seconds: float

    @property
    def accuracy(self) -> float:
        return self.right.float().mean().item()

    @property
    def error(self) -> float:
        """Standard error of the accuracy."""
        return math.sqrt(self.accuracy * (1 - self.accuracy) / len(self.right))

    def over(self, other: Score) -> tuple[float, float]:
        """How much more accurate this one is than another on the same pictures, and that difference's error."""
        gap = self.right.float() - other.right.float()
        return gap.mean().item(), gap.std().item() / math.sqrt(len(gap))


@dataclass(frozen=True)
class Row:
    """A line of a table, as it goes into JSON too; `gap` is to the table's first row, picture by picture."""

    kind: str
    prompts: int
    setting: str
    accuracy: float
    error: float
    gap: float
    gap_error: float
    sharpness: float
    variety: float
    seconds: float

    @classmethod
    def of(cls, kind: str, setting: Setting, score: Score, first: Score) -> Row:
        right, numbers = len(score.right), (score.sharpness, score.variety, score.seconds)
        return cls(kind, right, setting.name, score.accuracy, score.error, *score.over(first), *numbers)

    def line(self) -> str:
        accuracy, gap = f"{self.accuracy:.3f} ± {self.error:.3f}", f"{self.gap:+.3f} ± {self.gap_error:.3f}"
        return f"| {self.setting} | {accuracy} | {gap} | {self.sharpness:.1f} | {self.variety:.2f} |"


def measure(setting: Setting, texts: Sequence[str], noise: int, checkpoint: Path = CHECKPOINT) -> Score:
    """Draw every prompt once, the i-th from noise seed noise + i, and judge the pictures."""
    model = load_checkpoint(checkpoint)
    if setting.lora:
        lora.merge(model.unet, lora.load_lora(setting.lora), setting.weight)
    start = time.perf_counter()
    images = draw(model, texts, setting.steps, setting.cfg, noise, sampler=setting.sampler)
    seconds = (time.perf_counter() - start) / len(texts)
    reading = judge.read(images)
    chosen = variety(reading.place * len(COLOURS) + reading.back, len(PLACES) * len(COLOURS))
    return Score(judge.agrees(reading, texts), judge.sharpness(images).mean().item(), chosen, seconds)


def variety(chosen: Tensor, kinds: int) -> float:
    """Entropy of the choices [n] in 0..kinds-1 over that of an even spread.

    A model that draws the likeliest picture over and over would be accurate and worth little.
    """
    share = torch.bincount(chosen, minlength=kinds) / len(chosen)
    return torch.special.entr(share).sum().item() / math.log(kinds)


def table_settings(cfg: float, loras: dict[int, Path]) -> list[Setting]:
    """Stock at its best CFG and at CFG 1, each LoRA at its own step count, LoRA 4 by weight."""
    steps = (25, 8, 4, 2, 1)
    stock = [Setting(n, c) for c in (cfg, 1.0) for n in steps]
    own = [Setting(n, 1.0, path) for n, path in loras.items()]
    by_weight = [Setting(4, 1.0, loras[4], weight) for weight in (0.0, 0.5)]
    return stock + own + by_weight


def unified_settings(path: Path) -> list[list[Setting]]:
    """The unified LoRA at each step count with TCD, then as the hosts draw without it."""
    return [[Setting(n, 1.0, path, sampler=sampler) for sampler in (tcd(n), EULER, EULER_A)] for n in sorted(LORAS)]


def table(kind: str, n: int, settings: Sequence[Setting], seeds: Seeds, checkpoint: Path) -> list[Row]:
    """Measure one kind of prompts with every setting; the gaps are to the first one."""
    texts, progress = prompts(kind, n, seeds.prompts), Progress(kind, len(settings))
    scores: list[Score] = []
    for setting in settings:
        scores.append(measure(setting, texts, seeds.noise, checkpoint))
        progress.advance(setting.name)
    return [Row.of(kind, setting, score, scores[0]) for setting, score in zip(settings, scores, strict=True)]


def print_table(rows: Sequence[Row], reference: str) -> None:
    print(f"\n{rows[0].kind}, {rows[0].prompts} prompts\n\n{HEAD.format(reference)}")
    print("\n".join(row.line() for row in rows), flush=True)


def counterfeit(text: str, attribute: str) -> str:
    """The same prompt with one attribute changed to the next in its table."""
    said = read_caption(text)
    length = len({"shape": SHAPES, "colour": COLOURS, "place": PLACES}[attribute])
    return caption(dataclasses.replace(said, **{attribute: (getattr(said, attribute) + 1) % length}))


@torch.no_grad()
def judge_rates(n: int, seed: int, checkpoint: Path = CHECKPOINT) -> dict[str, float]:
    """How often the judge is wrong: clean pictures that it turns down, wrong or spoiled ones that it lets pass."""
    rng = np.random.default_rng(seed)
    scenes = draw_scenes(n, rng)
    texts = prompts("explicit", n, seed)  # drawn from the same scenes: same seed, same order
    images = render(scenes)
    autoencoder = load_checkpoint(checkpoint).autoencoder
    noise = torch.rand(images.shape, generator=torch.Generator().manual_seed(seed))

    def accepted(pictures: Tensor, said: Sequence[str]) -> float:
        return judge.follows(pictures, said).float().mean().item()

    rates = {"clean renders turned down": 1 - accepted(images, texts)}
    rebuilt = torch.cat([autoencoder.decode(autoencoder.encode(part)) for part in images.split(128)])
    rates["renders through the autoencoder turned down"] = 1 - accepted(rebuilt, texts)
    for attribute in judge.JUDGED:
        rates[f"wrong {attribute} let pass"] = accepted(images, [counterfeit(t, attribute) for t in texts])
    rates["two scenes half and half let pass"] = accepted((images + images.roll(1, 0)) / 2, texts)
    rates["noise let pass"] = accepted(noise, texts)
    return rates


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m dev.miniature.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=("tables", "unified", "guidance", "judge"))
    parser.add_argument("--prompts", type=int, default=512)
    parser.add_argument("--kinds", nargs="+", choices=tuple(PROMPT_KINDS), default=tuple(PROMPT_KINDS))
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    parser.add_argument("--loras", type=Path, default=LORAS[4].parent, help="the folder that has the four files")
    parser.add_argument("--json", type=Path, help="also write the rows here")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    if args.what == "judge":
        for name, rate in judge_rates(args.prompts, MEASURED.prompts, args.checkpoint).items():
            print(f"| {name} | {rate:.4f} |")
        return
    loras = {n: args.loras / path.name for n, path in LORAS.items()}
    seeds, reference = MEASURED, "the first row"
    if args.what == "guidance":
        groups, seeds = [[Setting(25, cfg) for cfg in (1.0, 2.0, 3.0, 4.0, 5.5, 7.0)]], CHOSEN_BY
    elif args.what == "unified":
        groups, reference = unified_settings(loras[1]), "TCD"
    else:
        groups = [table_settings(BEST_CFG, loras)]
    rows: list[Row] = []
    for kind in args.kinds:
        found = [row for group in groups for row in table(kind, args.prompts, group, seeds, args.checkpoint)]
        print_table(found, reference)
        rows += found
    if args.json:
        args.json.write_text(json.dumps([dataclasses.asdict(row) for row in rows], indent=1))


if __name__ == "__main__":
    main()
