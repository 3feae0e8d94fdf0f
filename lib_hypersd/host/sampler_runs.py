"""A sampler's run with a bypass on the net: on before the first evaluation, off after the last, however it ends."""

import copy
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from torch import nn

from ..lora.bypass import Bypass, run_eagerly
from ..request.weight_schedule import Weight, WeightSchedule, number_of
from .options import report

_METHODS = ("sample", "sample_img2img")
_MARK = "_hypersd_beside"
"""An attribute of a sampler that has a bypass: the hosts call the hook before a pass once or twice."""


def has_bypass(sampler: Any) -> bool:
    return hasattr(sampler, _MARK)


def leave_alone(sampler: Any) -> None:
    """Undo `run_beside`."""
    for name in (*_METHODS, _MARK):
        vars(sampler).pop(name, None)


def run_beside(
    p: Any,
    net: nn.Module,
    bypass: Bypass,
    weight: Weight,
    *,
    ran: Callable[[], None],
    failed: Callable[[Exception | None], None],
) -> None:
    """Have the sampler of `p` run with `bypass` at `weight`; for this sampler's life only.

    `ran` is called after a run. Where the device has no room for the branches, or one of them fails, `failed` is
    called, with the fault or None, the net being as it was; and the run begins again without them, from the same
    noise.
    """
    sampler = p.sampler
    setattr(sampler, _MARK, bypass)
    for name in _METHODS:
        original = getattr(sampler, name, None)
        if original is not None:
            setattr(sampler, name, _beside(p, net, original, bypass, weight, ran, failed))


def _beside(
    p: Any,
    net: nn.Module,
    original: Callable[..., Any],
    bypass: Bypass,
    weight: Weight,
    ran: Callable[[], None],
    failed: Callable[[Exception | None], None],
) -> Callable[..., Any]:
    def sample(*args: Any, **more: Any) -> Any:
        stack, fault, restore_noise = None, None, _nothing
        try:
            stack = ExitStack()
            restore_noise = _noise_source(p)
            _attach(p.sampler, net, bypass, weight, stack)
            result = original(*args, **more)
        except torch.cuda.OutOfMemoryError:
            pass  # not handled here: what the frames of the failed run hold is free only after this clause
        except Exception as error:  # if it is none of the bypass's, it comes again
            fault = bypass.fault or error
            report(_FAILED, exc_info=True)
        else:
            _quietly(ran)
            return result
        finally:
            if stack is not None:
                _surely(stack.close)
        _quietly(partial(failed, fault))
        _quietly(restore_noise)
        return original(*args, **more)

    return sample


_FAILED = "A branch beside a layer failed: the pass begins again without"


def _nothing() -> None:
    pass


def _surely(action: Callable[[], None]) -> None:
    """Do what must be done, once more where it was kept from it."""
    try:
        action()
    except Exception:
        report("What a bypass leaves was taken away at the second try", exc_info=True)
        action()
    except BaseException:
        action()
        raise


def _quietly(action: Callable[[], None]) -> None:
    """Do what may fail without costing the picture; once more where it does."""
    for _ in range(2):
        try:
            return action()
        except Exception:
            report("A run with a bypass was not finished as it should be", exc_info=True)


def _attach(sampler: Any, net: nn.Module, bypass: Bypass, weight: Weight, stack: ExitStack) -> None:
    """Put the bypass on the net until `stack` is closed, its weight set before each evaluation where it changes."""
    bypass.weight = number_of(weight, 1.0)
    if isinstance(weight, WeightSchedule):
        count, running = [0], [True]
        stack.callback(running.clear)

        def before_evaluation(*_: Any) -> None:
            if running:  # else a fault has kept it on the net
                bypass.weight = weight.at_step(*_progress(sampler, count))

        stack.callback(net.register_forward_pre_hook(before_evaluation).remove)
    run_eagerly(net, stack)
    bypass.attach(stack)


def _progress(sampler: Any, count: list[int]) -> tuple[int, int]:
    """(evaluation, evaluations) of the run: by the host's denoiser, which knows of samplers that evaluate twice."""
    denoiser = getattr(sampler, "model_wrap_cfg", None)
    step, steps = getattr(denoiser, "step", None), getattr(denoiser, "total_steps", None)
    if isinstance(step, int) and isinstance(steps, int) and steps > 0:
        return min(step, steps - 1), steps
    count[0] += 1
    return count[0] - 1, max(count[0], 1)


def _noise_source(p: Any) -> Callable[[], None]:
    """Remember the state of the generators that samplers draw noise from; the result restores it."""
    rng = getattr(p, "rng", None)
    generators = list(getattr(rng, "generators", ()) or ())
    states = [_state(generator) for generator in generators]

    def restore() -> None:
        for place, (generator, state) in enumerate(zip(generators, states, strict=True)):
            if isinstance(generator, torch.Generator):
                generator.set_state(state)
            else:
                rng.generators[place] = copy.copy(state)  # type: ignore[union-attr]

    return restore


def _state(generator: Any) -> Any:
    return generator.get_state() if isinstance(generator, torch.Generator) else copy.copy(generator)
