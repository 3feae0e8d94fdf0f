"""Noise. Each picture has its own generator, so a batch's noise is that of single pictures."""

from __future__ import annotations

import torch

from modules import devices, shared


def get_noise_source_type():
    return shared.opts.randn_source


def create_generator(seed):
    return torch.Generator("cpu").manual_seed(int(seed))


def randn(seed, shape, generator=None):
    """Noise of a seed; with a generator its next noise. Leaves torch seeded: Forge's inpainting noise is torch's."""
    manual_seed(seed)
    return torch.randn(shape, generator=generator)


def randn_local(seed, shape):
    return torch.randn(shape, generator=create_generator(seed))


def randn_without_seed(shape, generator=None):
    return torch.randn(shape, generator=generator)


def randn_like(x):
    return torch.randn_like(x)


def manual_seed(seed):
    torch.manual_seed(int(seed))


def slerp(val, low, high):
    """From `low` to `high` along the sphere."""
    low_unit = low / torch.norm(low, dim=1, keepdim=True)
    high_unit = high / torch.norm(high, dim=1, keepdim=True)
    dot = (low_unit * high_unit).sum(1)
    if dot.mean() > 0.9995:
        return low * val + high * (1 - val)
    omega = torch.acos(dot)
    so = torch.sin(omega)
    return (torch.sin((1.0 - val) * omega) / so).unsqueeze(1) * low + (torch.sin(val * omega) / so).unsqueeze(1) * high


class ImageRNG:
    """The noise of a batch: `next()` gives the first noise, then the samplers' further noise."""

    def __init__(self, shape, seeds, subseeds=None, subseed_strength=0.0, seed_resize_from_h=0, seed_resize_from_w=0):
        self.shape = tuple(map(int, shape))
        self.seeds = seeds
        self.subseeds = subseeds
        self.subseed_strength = subseed_strength
        self.seed_resize_from_h = seed_resize_from_h
        self.seed_resize_from_w = seed_resize_from_w
        self.generators = [create_generator(seed) for seed in seeds]
        self.is_first = True

    def _noise_shape(self):
        if self.seed_resize_from_h <= 0 or self.seed_resize_from_w <= 0:
            return self.shape
        return self.shape[0], int(self.seed_resize_from_h) // 8, int(self.seed_resize_from_w) // 8

    def _resized(self, noise, seed, generator):
        """Noise of another size, put in the middle of fresh noise."""
        x = randn(seed, self.shape, generator=generator)
        (_, h, w), (_, nh, nw) = self.shape, noise.shape
        dx, dy = (w - nw) // 2, (h - nh) // 2
        width = nw if dx >= 0 else nw + 2 * dx
        height = nh if dy >= 0 else nh + 2 * dy
        tx, ty, sx, sy = max(dx, 0), max(dy, 0), max(-dx, 0), max(-dy, 0)
        x[:, ty : ty + height, tx : tx + width] = noise[:, sy : sy + height, sx : sx + width]
        return x

    def first(self):
        shape, result = self._noise_shape(), []
        for i, (seed, generator) in enumerate(zip(self.seeds, self.generators, strict=True)):
            subnoise = None
            if self.subseeds is not None and self.subseed_strength != 0:
                subnoise = randn(self.subseeds[i] if i < len(self.subseeds) else 0, shape)
            noise = randn(seed, shape, generator=None if shape != self.shape else generator)
            if subnoise is not None:
                noise = slerp(self.subseed_strength, noise, subnoise)
            result.append(noise if shape == self.shape else self._resized(noise, seed, generator))
        delta = shared.opts.eta_noise_seed_delta or 0
        if delta:
            self.generators = [create_generator(seed + delta) for seed in self.seeds]
        return torch.stack(result)

    def next(self):
        if self.is_first:
            self.is_first = False
            return self.first()
        return torch.stack([randn_without_seed(self.shape, generator=x) for x in self.generators])


devices.randn = randn
devices.randn_local = randn_local
devices.randn_like = randn_like
devices.randn_without_seed = randn_without_seed
devices.manual_seed = manual_seed
