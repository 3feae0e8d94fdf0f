"""A labelled contact sheet, to look at what the figures say: `python -m dev.miniature.sheet OUT.png`."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from dev.miniature import lora
from dev.miniature.checkpoint import CHECKPOINT, LORAS, load_checkpoint
from dev.miniature.evaluate import BEST_CFG, Setting
from dev.miniature.sampler import draw
from dev.miniature.scenes import SIZE

PROMPTS = (
    "a big red circle on the left, blue background",
    "a small yellow star at the top, purple background",
    "a big green triangle in the centre, white background",
    "a big white ring on the right, black background",
    "a big orange cross on the left",
    "a purple star",
    "a green triangle",
    "a white ring",
)
SETTINGS = (
    *(Setting(steps, BEST_CFG) for steps in (25, 4, 2)),
    *(Setting(steps, 1.0, path) for steps, path in LORAS.items()),
)
LEFT, TOP = 150, 42
"""Pixels kept for the rows' and columns' labels."""


def pictures(setting: Setting, seed: int) -> Tensor:
    """One picture per prompt, [n, 3, 128, 128]; every setting draws from the same noise."""
    model = load_checkpoint(CHECKPOINT)
    if setting.lora:
        lora.merge(model.unet, lora.load_lora(setting.lora), setting.weight)
    return draw(model, PROMPTS, setting.steps, setting.cfg, seed)


def sheet(settings: Sequence[Setting] = SETTINGS, seed: int = 42) -> Image.Image:
    """Settings down, prompts across."""
    page = Image.new("RGB", (LEFT + SIZE * len(PROMPTS), TOP + SIZE * len(settings)), "white")
    pen = ImageDraw.Draw(page)
    for j, prompt in enumerate(PROMPTS):
        pen.multiline_text((LEFT + j * SIZE + 3, 2), textwrap.fill(prompt, 21), fill="black", spacing=1)
    for i, setting in enumerate(settings):
        label = setting.name.replace(" × 1", "").replace(", ", "\n")
        pen.multiline_text((3, TOP + i * SIZE + 40), label.replace("-lora", "\nlora"), fill="black")
        for j, picture in enumerate(pictures(setting, seed)):
            pixels = (picture.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
            page.paste(Image.fromarray(pixels), (LEFT + j * SIZE, TOP + i * SIZE))
    return page


def main(argv: Sequence[str] | None = None) -> None:
    [path] = sys.argv[1:] if argv is None else argv
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    sheet().save(path)


if __name__ == "__main__":
    main()
