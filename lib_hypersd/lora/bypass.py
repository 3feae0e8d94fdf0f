"""A LoRA as branches beside the layers of a net: y + weight · scale · up(down(x)), the stored weights untouched.

Exact on every storage, with nothing to patch and nothing to undo, and the weight may change from step to step. PEFT
calls it unmerged, ComfyUI a bypass. torch alone: which layers a file belongs to is the caller's knowledge.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, linear

from .factors import Kind, Placed, by_layer, kind_of, matrices


@dataclass(frozen=True)
class _Part:
    """Where one product goes, outputs `first` to `end` of the layer, and which of the stacked ranks it takes."""

    first: int
    end: int
    ranks: slice


class _Branch:
    """What stands beside one layer. The slices of a fused layer share one product with the input."""

    def __init__(self, placed: Sequence[Placed]) -> None:
        self.layer = placed[0].layer
        self.kind = kind_of(self.layer)
        self._factors = [(*matrices(one), one.factors.scale) for one in placed]
        self.parts: list[_Part] = []
        rank = 0
        for one, (down, up, _) in zip(placed, self._factors, strict=True):
            first = one.part[0] if one.part else 0
            self.parts.append(_Part(first, first + up.shape[0], slice(rank, rank + down.shape[0])))
            rank += down.shape[0]
        self.inputs = min(down.shape[1] for down, _, _ in self._factors)
        self._there: tuple[Tensor, list[Tensor]] | None = None
        self.ran = False

    @property
    def numel(self) -> int:
        return sum(down.numel() + up.numel() for down, up, _ in self._factors)

    def on(self, like: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(stacked down, ups) in the dtype and on the device of the layer's output; kept there until `leave`.

        The hosts move a model between devices while it runs, and a layer's dtype is known when it runs.
        """
        if self._there is None or self._there[0].device != like.device or self._there[0].dtype != like.dtype:
            downs = [down.to(like) for down, _, _ in self._factors]
            ups = [(up.to(like.device, torch.float32) * scale).to(like) for _, up, scale in self._factors]
            self._there = (downs[0] if len(downs) == 1 else torch.cat(downs), ups)
        return self._there

    def leave(self) -> None:
        """Give back what lies on the layer's device."""
        self._there = None


class Bypass:
    """A LoRA's branches beside the layers of a loaded net. `weight` is the tag's; it may change between evaluations."""

    def __init__(self, placed: Sequence[Placed], weight: float = 1.0) -> None:
        """Raises UnfitError where the factors don't fit the layers."""
        self._branches = [_Branch(group) for group in by_layer(placed).values()]
        self.modules = len(placed)
        self.weight = weight
        self.fault: Exception | None = None
        """What a branch failed with since it was attached: then the run failed for it."""
        self._run_now: object | None = None

    @property
    def layers(self) -> tuple[nn.Module, ...]:
        return tuple(branch.layer.module for branch in self._branches)

    @property
    def ran(self) -> int:
        """How many of the layers have run with their branch since it was attached."""
        return sum(branch.ran for branch in self._branches)

    def bytes(self, dtype: torch.dtype) -> int:
        """The room that the branches take on the net's device."""
        return sum(branch.numel for branch in self._branches) * dtype.itemsize

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Stand beside the layers; at the end, however it comes, nothing of it stays on the net or its device."""
        with ExitStack() as stack:
            self.attach(stack)
            yield

    def attach(self, stack: ExitStack) -> None:
        """Stand beside the layers until `stack` is closed."""
        self.fault = None
        stack.callback(self._end)
        self._run_now = run = object()
        for branch in self._branches:
            branch.ran = False
            stack.callback(branch.leave)
            handle = branch.layer.module.register_forward_hook(partial(self._run, branch, run))
            stack.callback(handle.remove)

    def _end(self) -> None:
        """From here on a hook does nothing, should a fault have kept it on its layer."""
        self._run_now = None

    def _run(self, branch: _Branch, run: object, module: Any, inputs: Any, output: Tensor) -> Tensor:
        """A layer's forward hook: its output with the branch's added."""
        if run is not self._run_now:
            return output
        branch.ran = True
        if not self.weight:
            return output
        try:
            return _BESIDE[branch.kind](branch, self.weight, module, inputs[0], output)
        except Exception as error:
            self.fault = error
            raise


def run_eagerly(net: nn.Module, stack: ExitStack) -> None:
    """Have a compiled net run its own modules until `stack` is closed: compiled code does not heed hooks that came
    after it."""
    for module in net.modules():
        if getattr(module, "_compiled_call_impl", None) is not None:  # by `module.compile()`
            stack.callback(setattr, module, "_compiled_call_impl", module._compiled_call_impl)
            module._compiled_call_impl = None
        inner = module._modules.get("_orig_mod")
        if inner is not None and "forward" in vars(module):  # by `torch.compile(module)`
            stack.callback(setattr, module, "forward", module.forward)
            module.forward = inner.__call__


def _beside_linear(branch: _Branch, weight: float, _module: nn.Module, x: Tensor, output: Tensor) -> Tensor:
    """The output [..., out] of a linear layer for x [..., in], with the branch's added."""
    down, ups = branch.on(output)
    if x.shape[-1] != branch.inputs:
        x = x[..., : branch.inputs]
    low = linear(x.to(output.dtype), down).flatten(0, -2)
    output = output.contiguous()
    rows = output.view(-1, output.shape[-1])
    for part, up in zip(branch.parts, ups, strict=True):
        # One product that adds in full precision: half the rounding, and less traffic, than a sum of two results.
        rows[:, part.first : part.end].addmm_(low[:, part.ranks], up.t(), alpha=weight)
    return output


def _beside_conv(branch: _Branch, weight: float, module: Any, x: Tensor, output: Tensor) -> Tensor:
    """The output [n, out, h, w] of a convolution for x [n, in, h, w], with the branch's added: the layer's own stride
    and padding."""
    down, ups = branch.on(output)
    low = module._conv_forward(x[:, : branch.inputs].to(output.dtype), down, None)
    for part, up in zip(branch.parts, ups, strict=True):
        output = output.add(conv2d(low[:, part.ranks], up), alpha=weight)
    return output


_BESIDE: dict[Kind, Callable[[_Branch, float, Any, Tensor, Tensor], Tensor]] = {
    "linear": _beside_linear,
    "conv": _beside_conv,
}
