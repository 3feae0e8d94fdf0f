"""Which checkpoint a generation runs on, and what it is."""

import contextlib
import os
from functools import lru_cache
from typing import Any

from modules import sd_models

from ..models.checkpoint import Checkpoint, describe, identify, is_flow_variant, listed_stems
from ..models.families import Architecture, architecture_of_model
from ..models.file_header import DamagedFileError, Header
from ..models.headers import read_header
from .options import not_distilled
from .server import knows_flow_variants

_MODEL_FLAGS = ("is_ssd", "is_sdxl", "is_sd3", "is_sd2", "is_sd1", "use_distilled_cfg_scale")


def generation_checkpoint(p: Any) -> Checkpoint:
    """The checkpoint that `p` is about to run on.

    Forge's quick second-pass button loads no model before `process`; there it is the selected one, by its header.
    """
    model = getattr(p, "sd_model", None)
    if getattr(p, "txt2img_upscale", False) or not _is_loaded(model):
        return selected_checkpoint()
    return _of_model(model)


def hires_checkpoint(p: Any, first: Checkpoint) -> Checkpoint | None:
    """The hires pass's checkpoint where it is another one than the first pass's."""
    return named_checkpoint(getattr(p, "hr_checkpoint_name", None), first)


def named_checkpoint(name: str | None, first: Checkpoint) -> Checkpoint | None:
    """The checkpoint that the host has under a name; None where it has none, or where it is `first`."""
    info = sd_models.get_closet_checkpoint_match(name) if name and name != "Use same checkpoint" else None
    if info is None:
        return None
    found = _of_file(info.filename)
    return None if found.name == first.name else found


def selected_checkpoint(name: str | None = None) -> Checkpoint:
    """The checkpoint chosen in the options, or `name` where the host knows one of that name (its overrides do so).

    By the loaded model if it is that one, else by its header; "other" where there is none at all.
    """
    info = sd_models.checkpoint_aliases.get(name) if name else None
    with contextlib.suppress(FileNotFoundError):
        info = info or sd_models.select_checkpoint()
    if info is None:
        return describe("", "other")
    model: Any = getattr(sd_models.model_data, "sd_model", None)
    if _is_loaded(model) and model.sd_checkpoint_info.filename == info.filename:
        return _of_model(model)
    return _of_file(info.filename)


def learn_of_hires(p: Any) -> Checkpoint | None:
    """Remember what the loaded checkpoint of a hires pass is, where its file could not tell; then that, else None."""
    model: Any = getattr(p, "sd_model", None)
    if not getattr(p, "is_hr_pass", False) or not _is_loaded(model):
        return None
    was_unknown, found = _of_file(model.sd_checkpoint_info.filename).is_unknown, _of_model(model)
    return found if was_unknown and not found.is_unknown else None


def _is_loaded(model: Any) -> bool:
    return getattr(model, "sd_checkpoint_info", None) is not None


def _of_model(model: Any) -> Checkpoint:
    flags = {flag: bool(getattr(model, flag, False)) for flag in _MODEL_FLAGS}
    path, architecture = model.sd_checkpoint_info.filename, architecture_of_model(type(model).__name__, flags)
    found = _of_file(path, architecture, bool(getattr(model, "use_shift", False)))
    with contextlib.suppress(OSError):  # a model stays loaded when its file goes
        _loaded_before[path] = (_stamp(path), found.architecture)
    return found


_loaded_before: dict[str, tuple[tuple[int, int], Architecture]] = {}
"""Path of a checkpoint → size and mtime, and what it was when it was loaded: for files whose headers say nothing."""


def _of_file(path: str, loaded: Architecture | None = None, uses_shift: bool | None = None) -> Checkpoint:
    """The checkpoint in a file; described by its name as long as it can't be opened."""
    stem = os.path.splitext(os.path.basename(path))[0]
    is_stated_plain = stem.lower() in listed_stems(not_distilled())
    try:
        stamp = _stamp(path)
        found = _remembered(path, stamp, loaded, uses_shift, is_stated_plain)
    except DamagedFileError:  # remembered by `headers`, unless it is one of the moment
        found = _described(path, None, loaded, uses_shift, is_stated_plain)
    except OSError:
        return _described(path, None, loaded, uses_shift, is_stated_plain)
    if found.is_unknown and _loaded_before.get(path, (None,))[0] == stamp:
        return _of_file(path, _loaded_before[path][1])
    return found


def _stamp(path: str) -> tuple[int, int]:
    """Size and mtime. Raises OSError."""
    stat = os.stat(path)
    return stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=64)
def _remembered(
    path: str, stamp: tuple[int, int], loaded: Architecture | None, uses_shift: bool | None, is_stated_plain: bool
) -> Checkpoint:
    """The checkpoint by its file's header, read once per size and mtime. Raises DamagedFileError, and OSError where it
    can't be read."""
    return _described(path, read_header(path), loaded, uses_shift, is_stated_plain)


def _described(
    path: str, header: Header | None, loaded: Architecture | None, uses_shift: bool | None, is_stated_plain: bool
) -> Checkpoint:
    """By the loaded model's architecture where there is one."""
    stem = os.path.splitext(os.path.basename(path))[0]
    architecture = identify(stem, header, loaded)
    if uses_shift is None:
        uses_shift = is_flow_variant(architecture, path) and knows_flow_variants()
    return describe(stem, architecture, header, uses_shift=uses_shift, never_distilled=is_stated_plain)
