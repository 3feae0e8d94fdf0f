"""What is done while something fails, and what fails: as data."""

from __future__ import annotations

import errno
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .host import RENAMED
from .sites import Site
from .watch import Odd, Read

LORA = "Hyper-SD15-2steps-lora"


def _asked(**values: Any) -> dict[str, Any]:
    return {"alwayson_scripts": {"Hyper-SD": {"args": [values]}}}


@dataclass(frozen=True)
class Scene:
    """A picture that is asked for, by the fields of a txt2img request."""

    name: str
    fields: Mapping[str, Any]
    long: bool = False
    """Has many calls: left out where not all faults are tried."""


_HIRES = {
    "enable_hr": True,
    "hr_scale": 1.5,
    "hr_upscaler": "None",
    "denoising_strength": 0.55,
}

PICTURES = (
    Scene("object", _asked(lora=LORA)),
    Scene("off", {}),
    Scene("panel", {"alwayson_scripts": {"Hyper-SD": {"args": [True, RENAMED, "4"]}}}),
    Scene("alias", {"prompt": "a red circle <lora:Hyper-SD15-2steps>"}),
    Scene("hires", {**_HIRES, **_asked(lora=LORA)}),
    Scene("hires turned on", _asked(lora=LORA, hires="always", hires_scale=1.5)),
    Scene("own sampler", {"sampler_name": "Hyper-SD TCD", **_asked(lora="Hyper-SD15-1step-lora", steps=2)}),
    Scene("bypass", _asked(lora=LORA, apply="bypass"), long=True),
    Scene("bad input", _asked(lora=LORA, steps=99)),
    Scene("no file", _asked(lora="Hyper-SD15-8steps-CFG-lora")),
)


def _out_of_memory() -> Exception:
    import torch

    return torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


EXCEPTIONS: tuple[Callable[[], BaseException], ...] = (
    lambda: AttributeError("no such field"),
    lambda: OSError(errno.ENOSPC, "No space left on device"),
    lambda: MemoryError(),
    lambda: TypeError("of another type"),
    lambda: PermissionError(errno.EACCES, "Permission denied"),
    _out_of_memory,
    lambda: KeyError("gone"),
    lambda: FileNotFoundError(errno.ENOENT, "No such file or directory"),
    lambda: ValueError("of another form"),
    lambda: RecursionError("too deep"),
    lambda: KeyboardInterrupt(),
    lambda: SystemExit(1),
)


_CONTENT = ("bounded_json.py", "safetensors_header.py", "gguf_header.py")
"""Here other exceptions tell that a file's content is bad, which is remembered with its size and time."""


def error_for(site: Site, kinds: int, *, only_exceptions: bool = False) -> BaseException:
    """What a site fails with: by turns, so that over sites and profiles all kinds come up."""
    if site.module.endswith(_CONTENT) and site.code.co_name != "read":
        return MemoryError()
    number = zlib.crc32(f"{site.module}{site.offset}{site.after}".encode()) + kinds + site.turn
    error = EXCEPTIONS[number % len(EXCEPTIONS)]()
    return MemoryError() if only_exceptions and not isinstance(error, Exception) else error


LEFT_ALONE = {
    Read("p", "extra_generation_params"): "the infotext itself: without it there is no place to say anything",
    Read("p", "hr_additional_modules"): "None is the host's own 500, and what is missing for us alone is None for it",
    Read("sd_samplers_kdiffusion", "KDiffusionSampler"): "what all samplers of the host are made of",
}
"""Fields that are not made to fail, and why."""


PROMPTS = {Read("p", name) for name in ("prompt", "main_negative_prompt", "hr_negative_prompt")}
"""Where a text is a prompt like any other."""
ASKS_TO_STOP = Read("shared.opts", "hypersd_stop")
"""What is true here ends a generation that can't be planned, as it is to."""


def _values() -> tuple[Any, ...]:
    """What a field may hold that nobody expects; an exception is raised by reading it."""
    return (
        AttributeError("no such field"),
        None,
        RuntimeError("it can't be read"),
        Odd(),
        "text",
        [None],
        -1,
    )


def values_for(read: Read, kinds: int, count: int) -> list[Any]:
    """Up to `count` of them for a field: always missing, then by turns."""
    values = _values()
    if read == ASKS_TO_STOP:
        values = tuple(value for value in values if not value or isinstance(value, Exception))
    if read in PROMPTS:
        values = tuple(value for value in values if not isinstance(value, str))
    first = zlib.crc32(f"{read.owner}.{read.field}".encode()) + kinds * (count - 1)
    return [values[0], *(values[1 + (first + i) % (len(values) - 1)] for i in range(min(count, len(values)) - 1))]
