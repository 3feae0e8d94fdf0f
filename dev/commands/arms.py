"""The ways to draw that demo and benchmark compare: all through the WebUI's HTTP API, from the same seeds."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from dev.miniature import judge

from .server import get, txt2img

STOCK_CFG = 4.0
"""Stock's best CFG at 25 steps (dev/miniature/README.md)."""
PROMPT_SEED, NOISE_SEED = 424242, 9_000_000
"""Prompts and noise that neither training nor the choice of anything has seen."""


@dataclass(frozen=True)
class Arm:
    """One way to draw: a label for people and the request's fields; `tag` goes to the end of the prompt."""

    key: str
    label: str
    fields: Mapping[str, Any]
    tag: str = ""

    def request(self, prompt: str, number: int) -> dict[str, Any]:
        size = {"width": 128, "height": 128, "seed": NOISE_SEED + number}
        return {"prompt": f"{prompt}{self.tag}", **size, **self.fields}


def stock(steps: int) -> Arm:
    """What the base model gives by itself, on the schedule that serves it best at few steps."""
    fields = {"steps": steps, "cfg_scale": STOCK_CFG, "sampler_name": "Euler", "scheduler": "SGM Uniform"}
    return Arm(f"stock{steps}", f"stock, {steps} steps, CFG {STOCK_CFG:g}", fields)


def hyper(steps: int) -> Arm:
    """A page's everyday settings, and the API object: the extension does the rest."""
    return Arm(
        f"hyper{steps}",
        f"Hyper-SD object, {steps} steps",
        {**_EVERYDAY, "alwayson_scripts": {"Hyper-SD": {"args": [{"steps": steps}]}}},
    )


def hyper_tag(steps: int) -> Arm:
    """The same by a short tag in the prompt alone."""
    return Arm(f"hyper{steps}_tag", f"Hyper-SD tag, {steps} steps", _EVERYDAY, f" <lora:Hyper-SD15-{steps}steps>")


_EVERYDAY = {"steps": 20, "cfg_scale": 7.0, "sampler_name": "DPM++ 2M", "scheduler": "Karras"}

DEMO_ARMS = (stock(25), stock(4), stock(2), hyper(4), hyper_tag(4), hyper(2))
QUALITY_ARMS = (stock(25), stock(4), stock(2), hyper(4), hyper(2))


ROUND = 16
"""Pictures that an arm draws before it is the next one's turn."""


@dataclass
class Pictures:
    """What an arm has drawn so far, with the evaluations and the seconds that each picture took."""

    pictures: list[Image.Image] = field(default_factory=list)
    evaluations: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    seconds_total: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Result:
    """What an arm gave: its figures (times in seconds a picture, medians) and its pictures."""

    accuracy: float
    evaluations: float
    seconds: float
    seconds_total: float
    sharpness: float
    pictures: list[Image.Image] = field(repr=False)
    right: list[bool] = field(repr=False)

    def figures(self) -> dict[str, float]:
        return {f.name: round(getattr(self, f.name), 4) for f in fields(self) if f.repr}


def draw_all(url: str, arms: Sequence[Arm], prompts: Sequence[str], progress: tqdm[Any]) -> dict[str, Result]:
    """Every prompt once by every arm. The arms take turns, and times are medians: another program's burst on this
    machine then falls on all of them alike."""
    drawn = {arm.key: Pictures() for arm in arms}
    for start in range(0, len(prompts), ROUND):
        for arm in arms:
            progress.set_description(arm.label)
            _draw_round(url, arm, prompts, range(start, min(start + ROUND, len(prompts))), drawn[arm.key], progress)
    return {key: _judged(pictures, prompts) for key, pictures in drawn.items()}


def _draw_round(
    url: str, arm: Arm, prompts: Sequence[str], numbers: range, drawn: Pictures, progress: tqdm[Any]
) -> None:
    """One turn; its first picture, which loads the LoRA, is drawn once more beforehand."""
    txt2img(url, arm.request(prompts[numbers[0]], numbers[0]))
    before = get(f"{url}/miniwebui/v1/stats")
    for number in numbers:
        start = time.perf_counter()
        drawn.pictures.append(txt2img(url, arm.request(prompts[number], number))[0])
        drawn.seconds_total.append(time.perf_counter() - start)
        after = get(f"{url}/miniwebui/v1/stats")
        drawn.evaluations.append(after["evaluations"] - before["evaluations"])
        drawn.seconds.append(after["sampling_seconds"] - before["sampling_seconds"])
        before = after
        progress.update()


def _judged(drawn: Pictures, prompts: Sequence[str]) -> Result:
    images = as_tensor(drawn.pictures)
    right = judge.follows(images, prompts).tolist()
    return Result(
        accuracy=mean(right),
        evaluations=mean(drawn.evaluations),
        seconds=median(drawn.seconds),
        seconds_total=median(drawn.seconds_total),
        sharpness=judge.sharpness(images).mean().item(),
        pictures=drawn.pictures,
        right=right,
    )


def as_tensor(pictures: Sequence[Image.Image]) -> torch.Tensor:
    """[n, 3, h, w] in 0..1."""
    pixels = np.stack([np.asarray(p, dtype=np.float32) for p in pictures]) / 255
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()


def write_json(path: str | None, figures: Mapping[str, Any]) -> None:
    if path:
        Path(path).write_text(json.dumps(figures, indent=1) + "\n")
