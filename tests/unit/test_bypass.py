"""A bypass computes what the exactly merged net does, and leaves nothing on the net."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
import torch
from small_nets import FluxShaped, Sd3Shaped, lora_for, merged
from torch import Tensor, nn

from dev.miniature.checkpoint import random_checkpoint
from lib_hypersd.lora.bypass import Bypass, run_eagerly
from lib_hypersd.lora.factors import Factors, Layer, Placed, UnfitError

Inputs = tuple[Tensor, ...]


def _unet(n: int) -> tuple[nn.Module, Inputs]:
    return random_checkpoint(3).unet, (torch.randn(n, 4, 16, 16), torch.linspace(900, 10, n), torch.randn(n, 8, 768))


def _flux(n: int) -> tuple[nn.Module, Inputs]:
    return FluxShaped(), (torch.randn(n, 12, 32), torch.randn(n, 5, 32))


def _sd3(n: int) -> tuple[nn.Module, Inputs]:
    return Sd3Shaped(), (torch.randn(n, 4, 8, 8), torch.randn(n, 5, 32))


NETS = pytest.mark.parametrize("make", [_unet, _flux, _sd3])
Make = Callable[[int], tuple[nn.Module, Inputs]]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def hooks_on(net: nn.Module) -> int:
    """How many hooks of any kind are on the modules of a net."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_forward_hooks_with_kwargs")
    return sum(len(getattr(module, kind)) for module in net.modules() for kind in kinds)


@NETS
@torch.inference_mode()
def test_it_computes_what_the_merged_net_does(make: Make) -> None:
    net, inputs = make(4)
    placed = lora_for(net)
    plain, bypass = net(*inputs), Bypass(placed, 0.75)
    with bypass.attached():
        beside = net(*inputs)
    expected = merged(net, placed, 0.75)(*inputs)
    assert (beside - expected).norm() / expected.norm() <= 1e-5
    assert (expected - plain).norm() / plain.norm() > 1e-2  # the LoRA does something
    assert bypass.ran == len(bypass.layers)


@NETS
@torch.inference_mode()
def test_a_batch_equals_its_pictures_one_by_one(make: Make) -> None:
    net, inputs = make(4)
    with Bypass(lora_for(net)).attached():
        together = net(*inputs)
        apart = torch.cat([net(*(x[i : i + 1] for x in inputs)) for i in range(4)])
    torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-5)


@NETS
@torch.inference_mode()
def test_afterwards_the_net_is_as_it_was(make: Make) -> None:
    net, inputs = make(2)
    before = net(*inputs)
    bypass = Bypass(lora_for(net))
    with pytest.raises(InterruptedError), bypass.attached():
        _break_off(net, inputs)
    assert hooks_on(net) == 0
    assert torch.equal(net(*inputs), before)


@torch.inference_mode()
def test_a_hook_whose_handle_was_lost_does_nothing_after_its_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault between the registering of a hook and the keeping of its handle: it can't be removed any more."""
    net, inputs = _flux(1)
    before = net(*inputs)
    register = nn.Module.register_forward_hook
    failing = [3]

    def lose_the_third(self: nn.Module, *arguments: Any, **options: Any) -> Any:
        handle = register(self, *arguments, **options)
        failing[0] -= 1
        if failing[0] == 0:
            raise MemoryError
        return handle

    bypass = Bypass(lora_for(net))
    monkeypatch.setattr(nn.Module, "register_forward_hook", lose_the_third)
    with pytest.raises(MemoryError), bypass.attached():
        pass
    monkeypatch.undo()
    assert hooks_on(net) == 1
    assert torch.equal(net(*inputs), before)
    with bypass.attached():
        again = net(*inputs)
    with Bypass(lora_for(net)).attached():
        torch.testing.assert_close(again, net(*inputs), msg="counted once")


def _break_off(net: nn.Module, inputs: Inputs) -> None:
    net(*inputs)
    assert hooks_on(net)
    raise InterruptedError


@torch.inference_mode()
def test_the_weight_may_change_between_evaluations() -> None:
    net, inputs = _flux(1)
    placed, weights = lora_for(net), (1.0, -0.5, 0.0)
    expected = [merged(net, placed, weight)(*inputs) for weight in weights]
    bypass = Bypass(placed)
    with bypass.attached():
        for weight, wanted in zip(weights, expected, strict=True):
            bypass.weight = weight
            torch.testing.assert_close(net(*inputs), wanted, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_two_bypasses_add_up() -> None:
    net, inputs = _flux(1)
    first, second = lora_for(net, seed=1), lora_for(net, seed=2)
    with Bypass(first, 0.5).attached(), Bypass(second, 0.25).attached():
        both = net(*inputs)
    expected = merged(merged(net, first, 0.5), second, 0.25)(*inputs)
    torch.testing.assert_close(both, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@torch.inference_mode()
def test_it_computes_in_the_dtype_of_the_layer(dtype: torch.dtype) -> None:
    net, inputs = _flux(1)
    placed = lora_for(net)
    exact = merged(net, placed, 1.0)(*inputs)
    net.to(dtype)
    with Bypass(placed).attached():
        beside = net(*(x.to(dtype) for x in inputs))
    assert beside.dtype == dtype
    assert (beside.float() - exact).norm() / exact.norm() < 0.02


@torch.inference_mode()
def test_branches_follow_a_net_that_changes_while_it_runs() -> None:
    """The hosts move nets between devices and dtypes while a bypass stands beside them."""
    net, inputs = _flux(1)
    bypass = Bypass(lora_for(net))
    with bypass.attached():
        full = net(*inputs)
        net.to(torch.bfloat16)
        half = net(*(x.to(torch.bfloat16) for x in inputs))
        net.to(torch.float32)
    assert half.dtype == torch.bfloat16
    assert (half.float() - full).norm() / full.norm() < 0.02


@pytest.mark.parametrize("in_place", [False, True])
@torch.inference_mode()
def test_a_compiled_net_heeds_it_too(in_place: bool) -> None:
    net, inputs = _flux(1)
    placed = lora_for(net)
    expected, plain = merged(net, placed, 1.0)(*inputs), net(*inputs)
    compiled = torch.compile(net, backend="eager")
    if in_place:
        compiled = net
        net.compile(backend="eager")
    torch.testing.assert_close(compiled(*inputs), plain)  # compiled before the hooks come
    with ExitStack() as stack:
        run_eagerly(compiled, stack)
        Bypass(placed).attach(stack)
        torch.testing.assert_close(compiled(*inputs), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(compiled(*inputs), plain)
    assert hooks_on(net) == 0


@torch.inference_mode()
def test_a_convolution_keeps_its_stride_and_padding() -> None:
    layer = nn.Conv2d(4, 6, 3, stride=2, padding=1, padding_mode="circular", bias=False)
    x, placed = torch.randn(2, 4, 9, 9), lora_for(nn.ModuleList([layer]))
    with Bypass(placed, 0.5).attached():
        beside = layer(x)
    torch.testing.assert_close(beside, merged(nn.ModuleList([layer]), placed, 0.5)[0](x), rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_a_tucker_core_is_multiplied_in() -> None:
    layer = nn.Conv2d(4, 6, 3, padding=1)
    factors = Factors.of(torch.randn(6, 3, 1, 1), torch.randn(3, 4, 1, 1), 3.0, torch.randn(3, 3, 3, 3))
    placed = [Placed(Layer("0", layer, tuple(layer.weight.shape)), factors)]
    x = torch.randn(1, 4, 8, 8)
    with Bypass(placed).attached():
        beside = layer(x)
    torch.testing.assert_close(beside, merged(nn.ModuleList([layer]), placed, 1.0)[0](x), rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_a_layer_with_more_inputs_takes_the_first_ones() -> None:
    """FLUX.1 Fill's img_in has 384 inputs where the LoRA has 64."""
    layer = nn.Linear(12, 5)
    placed = [Placed(Layer("img_in", layer, (5, 12)), Factors.of(torch.randn(5, 2), torch.randn(2, 4), None))]
    x = torch.randn(3, 12)
    with Bypass(placed).attached():
        beside = layer(x)
    change = placed[0].factors.up @ placed[0].factors.down
    torch.testing.assert_close(beside - layer(x), x[:, :4] @ change.T, rtol=1e-4, atol=1e-5)


LINEAR, CONV = nn.Linear(6, 8), nn.Conv2d(6, 8, 3, groups=2)


@pytest.mark.parametrize(
    ("module", "shape", "up", "down", "part"),
    [
        (LINEAR, (8, 6), (8, 2), (2, 7), None),  # another width
        (LINEAR, (8, 6), (7, 2), (2, 6), None),  # another height
        (LINEAR, (8, 6), (8, 2), (3, 6), None),  # halves of different ranks
        (LINEAR, (8, 6), (8,), (2, 6), None),
        (LINEAR, (8, 6), (8, 0), (0, 6), None),
        (LINEAR, (8, 6), (4, 2), (2, 6), (6, 4)),  # a slice beyond the end
        (CONV, (8, 3, 3, 3), (8, 2, 1, 1), (2, 3, 3, 3), None),  # groups
        (nn.Embedding(8, 6), (8, 6), (8, 2), (2, 6), None),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_attached(
    module: nn.Module, shape: tuple[int, ...], up: tuple[int, ...], down: tuple[int, ...], part: tuple[int, int] | None
) -> None:
    with pytest.raises(UnfitError):
        Bypass([Placed(Layer("layer", module, shape), Factors.of(torch.zeros(up), torch.zeros(down), 1.0), part)])
    assert hooks_on(module) == 0
