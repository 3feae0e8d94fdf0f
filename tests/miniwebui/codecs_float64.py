"""Low-bit storages in plain float64 numpy, written apart from miniwebui's: rounding a weight, for comparison."""

from __future__ import annotations

import numpy as np

NF4 = np.array(
    [
        *(-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635),
        *(-0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725),
        *(0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0),
    ]
)


def _nearest(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """The level next to each value."""
    return levels[np.abs(values[..., None] - levels).argmin(-1)]


def nf4(weight: np.ndarray) -> np.ndarray:
    blocks = weight.reshape(-1, 64)
    largest = np.abs(blocks).max(1, keepdims=True)
    return (_nearest(blocks / largest, NF4) * largest).reshape(weight.shape)


def fp8(weight: np.ndarray) -> np.ndarray:
    """e4m3fn: 1 sign, 4 exponent bits of bias 7, 3 mantissa bits; no infinities."""
    positive = [m / 8 * 2.0**-6 for m in range(8)]
    positive += [(1 + m / 8) * 2.0 ** (e - 7) for e in range(1, 16) for m in range(8)]
    levels = np.array(positive[:-1])  # the last pattern is NaN
    magnitude = np.abs(weight)
    above = np.clip(np.searchsorted(levels, magnitude), 1, len(levels) - 1)
    below_is_nearer = magnitude - levels[above - 1] < levels[above] - magnitude
    return np.sign(weight) * np.where(below_is_nearer, levels[above - 1], levels[above])


def q8_0(weight: np.ndarray) -> np.ndarray:
    blocks = weight.reshape(-1, 32)
    scale = np.abs(blocks).max(1, keepdims=True) / 127
    return (np.rint(blocks / scale) * scale.astype(np.float16)).reshape(weight.shape)


def q4_0(weight: np.ndarray) -> np.ndarray:
    """The value farthest from zero becomes -8 times the scale."""
    blocks = weight.reshape(-1, 32)
    scale = np.take_along_axis(blocks, np.abs(blocks).argmax(1)[:, None], 1) / -8
    steps = np.clip(np.floor(blocks / scale + 8.5), 0, 15) - 8
    return (steps * scale.astype(np.float16)).reshape(weight.shape)


CODECS = {"": lambda weight: weight, "fp8": fp8, "nf4": nf4, "q8_0": q8_0, "q4_0": q4_0}
