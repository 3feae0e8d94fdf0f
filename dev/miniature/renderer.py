"""Draws scenes: anti-aliased masks from signed distances, then two flat colours."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from dev.miniature.scenes import PALETTE, SIZE, Scenes

RGB = torch.tensor(list(PALETTE.values())) / 255.0
"""The palette [8, 3] in 0..1."""

Distance = Callable[[Tensor, Tensor], Tensor]


def _box(u: Tensor, v: Tensor, half_width: float, half_height: float) -> Tensor:
    return torch.maximum(u.abs() - half_width, v.abs() - half_height)


def _star(u: Tensor, v: Tensor) -> Tensor:
    """Five points: fold the angle into one half-spike, then the distance from that spike's edge."""
    outer, inner, fold = 1.1, 0.45, 2 * math.pi / 5
    rho = torch.hypot(u, v)
    angle = ((torch.atan2(u, -v) + fold / 2) % fold - fold / 2).abs()
    dx, dy = inner * math.cos(fold / 2) - outer, inner * math.sin(fold / 2)
    return (dy * (rho * angle.cos() - outer) - dx * rho * angle.sin()) / math.hypot(dx, dy)


DISTANCES: dict[str, Distance] = {
    "circle": lambda u, v: torch.hypot(u, v) - 0.9,
    "square": lambda u, v: _box(u, v, 0.8, 0.8),
    "triangle": lambda u, v: torch.maximum(v, u.abs() * 0.866 - v * 0.5) - 0.52,
    "cross": lambda u, v: torch.minimum(_box(u, v, 0.95, 0.3), _box(u, v, 0.3, 0.95)),
    "ring": lambda u, v: (torch.hypot(u, v) - 0.7).abs() - 0.24,
    "star": _star,
}
"""Signed distance to each shape's outline, in radii, of points u right and v down of its centre.

In the order of `scenes.SHAPES`.
"""


def coverage(shape: Tensor, x: Tensor, y: Tensor, radius: Tensor, size: int = SIZE, span: float = SIZE) -> Tensor:
    """Share of each pixel that a shape covers [n, size, size]; x, y, radius [n] on a span-wide canvas."""
    centres = (torch.arange(size) + 0.5) * (span / size)
    out = torch.empty(len(shape), size, size)
    for k, distance in enumerate(DISTANCES.values()):
        i = (shape == k).nonzero()[:, 0]
        u = ((centres - x[i, None]) / radius[i, None])[:, None, :].expand(-1, size, -1)
        v = ((centres - y[i, None]) / radius[i, None])[:, :, None].expand(-1, -1, size)
        out[i] = (0.5 - distance(u, v) * radius[i, None, None] * (size / span)).clamp(0, 1)
    return out


def render(scenes: Scenes, size: int = SIZE, corners: tuple[Tensor, Tensor] | None = None, span: int = SIZE) -> Tensor:
    """Images [n, 3, size, size] in 0..1: the whole canvas, or windows from corners (x, y), [n] each."""
    column = {name: torch.as_tensor(getattr(scenes, name)) for name in ("shape", "colour", "back")}
    x, y, radius = (torch.as_tensor(v, dtype=torch.float32) for v in (scenes.x, scenes.y, scenes.radius))
    if corners is not None:
        x, y = x - corners[0], y - corners[1]
    mask = coverage(column["shape"], x, y, radius, size, span)[:, None]
    front, back = (RGB[column[name]][:, :, None, None] for name in ("colour", "back"))
    return back + (front - back) * mask


def windows(scenes: Scenes, span: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Corners (x [n], y [n]) in whole pixels of span-wide windows that hold at least a part of the shape."""
    reach = scenes.radius + 6
    corners = (
        np.clip(centre + rng.uniform(-1, 1, len(scenes)) * reach - span / 2, 0, SIZE - span).round()
        for centre in (scenes.x, scenes.y)
    )
    x, y = (torch.as_tensor(c, dtype=torch.float32) for c in corners)
    return x, y
