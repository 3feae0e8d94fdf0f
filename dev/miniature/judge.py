"""Reads a picture back: which shape, where, in which colours, and how cleanly drawn.

Analysis by synthesis: the scene whose clean render comes closest to the picture is what the picture shows.
Nothing here is learned, and nothing here takes part in training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from dev.miniature.renderer import RGB, coverage
from dev.miniature.scenes import PLACES, SHAPES, SIZE, read_caption

GRID = 64
"""The judge looks at pictures of 64 x 64, whatever their size."""
CLEAN = 0.75
"""Least share of a picture's contrast that one clean shape must explain."""
VISIBLE = 0.1
"""Least distance in RGB (0..1 each) between a shape and its background."""
_ANCHORS = torch.tensor([(p.x, p.y) for p in PLACES.values()]).float()
_SIZE_EDGE = 21.0  # pixels of radius, between small (at most 19) and big (at least 25)
_LUMA = torch.tensor([0.299, 0.587, 0.114])  # Rec. 601


@dataclass(frozen=True, eq=False)
class Reading:
    """What n pictures show, [n] each: indices into the tables of `scenes`; position and radius in 128ths.

    r2: share of the contrast that the best clean shape explains, 0 where nothing stands out.
    """

    shape: Tensor
    colour: Tensor
    size: Tensor
    place: Tensor
    back: Tensor
    x: Tensor
    y: Tensor
    radius: Tensor
    r2: Tensor

    @property
    def clean(self) -> Tensor:
        return self.r2 > CLEAN


@dataclass(eq=False)
class _Fit:
    """The best scene so far per picture [n], and its mean squared error."""

    shape: Tensor
    x: Tensor
    y: Tensor
    radius: Tensor
    error: Tensor

    def offer(self, error: Tensor, shape: Tensor, x: Tensor, y: Tensor, radius: Tensor) -> None:
        better = error < self.error
        self.error = torch.where(better, error, self.error)
        self.shape = torch.where(better, shape, self.shape)
        self.x, self.y = torch.where(better, x, self.x), torch.where(better, y, self.y)
        self.radius = torch.where(better, radius, self.radius)


@dataclass(frozen=True, eq=False)
class _Layers:
    """Pictures [n, 3, 64, 64] taken apart: flat colours [n, 3] and the mask [n, 64, 64] of the shape."""

    pixels: Tensor
    front: Tensor
    back: Tensor
    mask: Tensor
    contrast: Tensor

    @cached_property
    def _rest(self) -> Tensor:
        return (self.pixels - self.back[:, :, None, None]).square().sum(1)

    @cached_property
    def _along(self) -> Tensor:
        return torch.einsum("nchw,nc->nhw", self.pixels - self.back[:, :, None, None], self.front - self.back)

    def error(self, shape: Tensor, x: Tensor, y: Tensor, radius: Tensor) -> Tensor:
        """Mean squared error [n] against that shape drawn clean in the picture's own two colours.

        |p - b - m (f - b)|² = |p - b|² - 2 m (p - b)·(f - b) + m² |f - b|², so that the many candidates cost
        one plane each instead of three.
        """
        mask = coverage(shape, x, y, radius, GRID)
        step = (self.front - self.back).square().sum(1)[:, None, None]
        return (self._rest + mask * (mask * step - 2 * self._along)).mean((1, 2)) / 3


def _take_apart(images: Tensor) -> _Layers:
    pixels = F.interpolate(images.float().clamp(0, 1), size=(GRID, GRID), mode="area")
    rim = torch.cat(
        [part.flatten(2) for part in (pixels[:, :, :2], pixels[:, :, -2:], pixels[..., :2], pixels[..., -2:])],
        2,
    )
    back = rim.median(2).values
    distance = (pixels - back[:, :, None, None]).norm(dim=1)
    contrast = distance.flatten(1).topk(40, dim=1).values.median(1).values
    mask = (distance > 0.5 * contrast[:, None, None]).float()
    front = [p[:, m > 0].median(1).values if m.any() else b for p, m, b in zip(pixels, mask, back, strict=True)]
    return _Layers(pixels, torch.stack(front) if front else back, back, mask, contrast)


def _unit_areas() -> Tensor:
    """Area [6] of each shape at radius 1."""
    n, middle, radius = len(SHAPES), SIZE / 2, 40.0
    areas = coverage(torch.arange(n), *(torch.full((n,), v) for v in (middle, middle, radius)))
    return areas.sum((1, 2)) / radius**2


def _search(layers: _Layers) -> _Fit:
    """First every shape at the mask's centre and area, then twice a step around the best one."""
    scale = SIZE / GRID
    centres = (torch.arange(GRID) + 0.5) * scale
    count = layers.mask.sum((1, 2)).clamp(min=1)
    x = (layers.mask.sum(1) * centres).sum(1) / count
    y = (layers.mask.sum(2) * centres).sum(1) / count
    fit = _Fit(torch.zeros(len(x), dtype=torch.long), x, y, torch.ones_like(x), torch.full_like(x, torch.inf))
    for k, unit in enumerate(_unit_areas()):
        shape = torch.full_like(fit.shape, k)
        for stretch in (0.92, 1.0, 1.08):
            radius = (count * scale**2 / unit).sqrt() * stretch
            fit.offer(layers.error(shape, x, y, radius), shape, x, y, radius)
    for _ in range(2):
        shape, x, y, radius = fit.shape, fit.x, fit.y, fit.radius
        for dx in (-0.7, 0, 0.7):
            for dy in (-0.7, 0, 0.7):
                for stretch in (0.97, 1.0, 1.03):
                    moved = (shape, x + dx, y + dy, radius * stretch)
                    fit.offer(layers.error(*moved), *moved)
    return fit


@torch.no_grad()
def read(images: Tensor) -> Reading:
    """Read pictures [n, 3, h, w] in 0..1 (square ones; values outside are clamped)."""
    parts = [_read(part) for part in images.split(128)]
    return Reading(*(torch.cat([getattr(part, f.name) for part in parts]) for f in fields(Reading)))


def _read(images: Tensor) -> Reading:
    layers = _take_apart(images)
    fit = _search(layers)
    variance = layers.pixels.flatten(2).var(2, unbiased=False).mean(1).clamp(min=1e-6)
    r2 = torch.where(layers.contrast > VISIBLE, 1 - fit.error / variance, torch.zeros_like(variance))
    return Reading(
        shape=fit.shape,
        colour=torch.cdist(layers.front, RGB).argmin(1),
        size=(fit.radius > _SIZE_EDGE).long(),
        place=torch.cdist(torch.stack([fit.x, fit.y], 1), _ANCHORS).argmin(1),
        back=torch.cdist(layers.back, RGB).argmin(1),
        x=fit.x,
        y=fit.y,
        radius=fit.radius,
        r2=r2,
    )


JUDGED = ("shape", "colour", "place")
"""What must be as the prompt says. Size and background are not asked for, as in the first tables."""


def follows(images: Tensor, prompts: Sequence[str], attributes: Sequence[str] = JUDGED) -> Tensor:
    """Whether each picture [n, 3, h, w] shows what its prompt says, cleanly drawn: booleans [n].

    An attribute that the prompt leaves unsaid may be anything.
    """
    return agrees(read(images), prompts, attributes)


def agrees(reading: Reading, prompts: Sequence[str], attributes: Sequence[str] = JUDGED) -> Tensor:
    """`follows` for pictures that were read already: booleans [n]."""
    right = reading.clean.clone()
    for i, said in enumerate(map(read_caption, prompts)):
        for name in attributes:
            wanted = getattr(said, name)
            if wanted is not None and getattr(reading, name)[i] != wanted:
                right[i] = False
    return right


def sharpness(images: Tensor) -> Tensor:
    """Mean gradient energy [n] of pictures [n, 3, h, w] in 0..1, at least 2 x 2.

    Luma (Rec. 601) times 255, forward differences to the right and down, mean of dx² + dy² over the pixels
    that have both: in squared grey levels per squared pixel. Blur lowers it; noise raises it, so read it
    beside the share of pictures that are right.
    """
    luma = 255 * torch.einsum("nchw,c->nhw", images.float().clamp(0, 1), _LUMA)
    dx = luma[:, :-1, 1:] - luma[:, :-1, :-1]
    dy = luma[:, 1:, :-1] - luma[:, :-1, :-1]
    return (dx**2 + dy**2).mean((1, 2))
