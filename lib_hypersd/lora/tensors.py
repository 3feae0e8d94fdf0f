"""The tensors of LoRA files: read once, checked, and kept while they are in use."""

import os
from collections import OrderedDict
from collections.abc import Mapping
from functools import lru_cache

import torch
from safetensors import SafetensorError, safe_open  # type: ignore[attr-defined]
from torch import Tensor

from .factors import UnfitError

MOST_FILES = 2
"""How many files' tensors are kept: those of a first and of a hires pass; a FLUX file takes 1.4 GB."""

State = Mapping[str, Tensor]
_kept: OrderedDict[tuple[str, int, int], State] = OrderedDict()


class UnheldError(Exception):
    """A LoRA that no bypass can hold, and the host can; the message says why, to be put after the file's name."""


def tensors_of(path: str) -> State:
    """The tensors of the file at `path`, on the CPU.

    Raises UnheldError for what is no safetensors file, UnfitError where it is damaged or a value is no number, OSError.
    """
    if not path.lower().endswith(".safetensors"):
        raise UnheldError("is no safetensors file")
    status = os.stat(path)
    key = (path, status.st_size, status.st_mtime_ns)
    state = _kept.get(key)
    if state is None:
        try:
            state = _copied(path)
        except SafetensorError as error:
            raise UnfitError("is damaged") from error
        _require_finite(state)
        _kept[key] = state
        while len(_kept) > MOST_FILES:
            _kept.popitem(last=False)
    _kept.move_to_end(key)
    return state


def _copied(path: str) -> State:
    """All tensors, in memory of their own. safetensors maps the file: as long as a tensor of it lives, Windows refuses
    to rename, replace or delete the file, and elsewhere the process dies when somebody copies another one over it."""
    with safe_open(path, "pt") as file:  # type: ignore[no-untyped-call,attr-defined]
        return {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118


def forget() -> None:
    """Give back all tensors."""
    _kept.clear()


def require_numbers(path: str) -> None:
    """See that no value of the file at `path` is NaN or infinite; once for each state of the file.

    Raises UnfitError where one is or the file is damaged, OSError. Only safetensors files are looked into.
    """
    if path.lower().endswith(".safetensors"):
        status = os.stat(path)
        bad = _first_bad(path, status.st_size, status.st_mtime_ns)
        if bad is not None:
            raise UnfitError(_no_number(bad))


@lru_cache(maxsize=64)
def _first_bad(path: str, _size: int, _mtime_ns: int) -> str | None:
    """The first tensor with a value that is no number; one tensor at a time is in memory."""
    try:
        with safe_open(path, "pt") as file:  # type: ignore[no-untyped-call,attr-defined]
            return next((name for name in file.keys() if not _is_finite(file.get_tensor(name))), None)  # noqa: SIM118
    except SafetensorError as error:
        raise UnfitError("is damaged") from error


def _require_finite(state: State) -> None:
    bad = next((name for name, tensor in state.items() if not _is_finite(tensor)), None)
    if bad is not None:
        raise UnfitError(_no_number(bad))


def _no_number(name: str) -> str:
    return f"holds values that are no numbers ({name})"


def _is_finite(tensor: Tensor) -> bool:
    return not tensor.is_floating_point() or bool(torch.isfinite(tensor).all())
