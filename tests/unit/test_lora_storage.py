"""What a merge into a low-bit storage keeps: the codecs against independent ones, and the share that is told."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lib_hypersd.lora.storage import ROUNDING, merged

RANK = 64


@pytest.fixture(scope="module")
def weight() -> Tensor:
    return torch.randn(512, 1024, generator=torch.Generator().manual_seed(0)) * 0.02


def change(weight: Tensor, size: float) -> Tensor:
    """A LoRA's change of this size relative to the weight."""
    generator = torch.Generator().manual_seed(1)
    product = torch.randn(512, RANK, generator=generator) @ torch.randn(RANK, 1024, generator=generator)
    return product * (size * weight.norm() / product.norm())


@pytest.mark.parametrize("storage", ROUNDING)
def test_what_is_stored_reads_back_as_itself(weight: Tensor, storage: str) -> None:
    once = ROUNDING[storage](weight)
    torch.testing.assert_close(ROUNDING[storage](once), once, rtol=0, atol=1e-6)
    assert (once - weight).abs().max() < 0.2 * weight.abs().max()


@pytest.mark.parametrize("storage", ["q8_0", "q4_0"])
def test_gguf_storages_are_ggmls_own(weight: Tensor, storage: str) -> None:
    quants = pytest.importorskip("gguf.quants")
    kind = {"q8_0": quants.GGMLQuantizationType.Q8_0, "q4_0": quants.GGMLQuantizationType.Q4_0}[storage]
    theirs = torch.from_numpy(quants.dequantize(quants.quantize(weight.numpy(), kind), kind).copy())
    off = (ROUNDING[storage](weight) - theirs).abs()
    # A value half-way between two levels may be rounded either way.
    assert (off > 1e-6).float().mean() < 1e-4
    assert off.max() <= 1.01 * weight.abs().max() / (127 if storage == "q8_0" else 8)


def test_nf4_has_sixteen_levels_in_each_block_of_64(weight: Tensor) -> None:
    blocks = ROUNDING["nf4"](weight).view(-1, 64)
    for block in blocks[:50]:
        levels = (block / block.abs().max()).unique()
        assert len(levels) <= 16
        assert -1 in levels or 1 in levels


@pytest.mark.parametrize(
    ("storage", "size", "least", "most"),
    [
        ("nf4", 0.02, 0.0, 0.05),
        ("q4_0", 0.02, 0.0, 0.06),
        ("fp8", 0.02, 0.05, 0.6),
        ("q8_0", 0.02, 0.97, 1.03),
        ("bf16", 0.02, 0.99, 1.01),
        ("nf4", 0.2, 0.5, 1.1),
    ],
)
def test_the_share_that_a_merge_keeps(weight: Tensor, storage: str, size: float, least: float, most: float) -> None:
    stored = ROUNDING[storage](weight)
    found = merged([(stored, change(stored, size))], ROUNDING[storage])
    assert found is not None
    assert found.size == pytest.approx(size, rel=1e-3)
    assert least <= found.kept <= most


def test_an_unknown_storage_and_an_empty_change_tell_nothing(weight: Tensor) -> None:
    assert merged([(weight, change(weight, 0.02))], None) is None
    assert merged([(weight, torch.zeros_like(weight))], ROUNDING["nf4"]) is None
    assert merged([], ROUNDING["nf4"]) is None


def test_rounding_by_chance_keeps_it_and_adds_noise(weight: Tensor) -> None:
    """As Neo and reForge store fp8: right in the mean, and each value one of two levels."""
    step, generator = 0.01, torch.Generator().manual_seed(2)

    def by_chance(value: Tensor) -> Tensor:
        return ((value / step) + torch.rand(value.shape, generator=generator)).floor() * step

    stored = (weight / step).round() * step
    found = merged([(stored, change(stored, 0.02))], by_chance)
    assert found is not None
    assert found.kept == pytest.approx(1, abs=0.15)
    assert found.error > 1
    assert found.loses_it
