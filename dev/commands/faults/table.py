"""Faults that no failing call shows: things that are gone, of another kind, or broken for everybody. As data."""

from __future__ import annotations

import builtins
import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from .host import Host
from .scenes import LORA
from .watch import Odd


@dataclass(frozen=True)
class Fault:
    """A state of the machine for one picture, and whether the plan is made all the same.

    `scene` is the picture that is asked for; its notice holds the pattern `says`. `warm`: all has been seen whole
    before. `of_schedule_types`: it is about what a host without them lacks.
    """

    name: str
    broken: Callable[[Host], AbstractContextManager[Any]]
    whole: bool
    scene: str = "object"
    says: str = ""
    warm: bool = True
    of_schedule_types: bool = False


@contextlib.contextmanager
def _file(host: Host, spoil: Callable[[Path], object]) -> Iterator[None]:
    spoil(host.loras / f"{LORA}.safetensors")
    try:
        yield
    finally:
        host.fill()
        _list_anew()


def _list_anew() -> None:
    """As "Refresh" does: a host that lists all files anew for one that has come forgets those that are gone."""
    sys.modules["networks"].list_available_networks()


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _unreadable(host: Host) -> AbstractContextManager[Any]:
    """As without the right to read; who runs this may be root, whom nothing is refused."""
    opened = builtins.open

    def refuse(path: Any, *args: Any, **more: Any) -> Any:
        if LORA in str(path) and "r" in (args[0] if args else "r"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *args, **more)

    return mock.patch("lib_hypersd.models.headers.open", refuse, create=True)


@contextlib.contextmanager
def _moved(path: Path) -> Iterator[None]:
    aside = path.with_name(path.name + ".aside")
    path.rename(aside)
    try:
        yield
    finally:
        aside.rename(path)


@contextlib.contextmanager
def _no_folder(host: Host) -> Iterator[None]:
    with _moved(host.loras):
        yield
    _list_anew()


def _checkpoint_gone(host: Host) -> AbstractContextManager[Any]:
    from modules import shared

    return _moved(Path(shared.sd_model.sd_checkpoint_info.filename))


def _registry(change: Callable[[dict[str, Any]], Any]) -> Callable[[Host], AbstractContextManager[Any]]:
    """The host's table of LoRAs as it is for us; the host's own way to a file goes by another table."""

    def broken(host: Host) -> AbstractContextManager[Any]:
        networks = sys.modules["networks"]
        return mock.patch.object(networks, "available_networks", change(dict(networks.available_networks)))

    return broken


def _no_lora_extension(host: Host) -> AbstractContextManager[Any]:
    return mock.patch.dict(sys.modules, {"networks": None})  # type: ignore[dict-item]


def _not_listed(*names: str) -> Callable[[Host], AbstractContextManager[Any]]:
    @contextlib.contextmanager
    def broken(host: Host) -> Iterator[None]:
        from modules import sd_samplers

        from lib_hypersd.host import options

        tables = [sd_samplers.all_samplers_map]
        tables += [options.sd_schedulers.schedulers_map] if options.sd_schedulers else []
        with contextlib.ExitStack() as stack:
            for table in tables:
                rest = {k: v for k, v in table.items() if k not in names and getattr(v, "label", k) not in names}
                stack.enter_context(mock.patch.dict(table, rest, clear=True))
            yield

    return broken


def _option(name: str, value: Any) -> Callable[[Host], AbstractContextManager[Any]]:
    def broken(host: Host) -> AbstractContextManager[Any]:
        from modules import shared

        return mock.patch.dict(shared.opts.data, {name: value})

    return broken


def _console_closed(host: Host) -> AbstractContextManager[Any]:
    """The terminal that the WebUI was started from is gone, and something fails that would be told there."""
    closed = mock.Mock(
        **{"write.side_effect": OSError(errno.EIO, "Input/output error"), "flush.side_effect": OSError()}
    )

    @contextlib.contextmanager
    def broken() -> Iterator[None]:
        with (
            mock.patch("lib_hypersd.host.reading.read_request", side_effect=RuntimeError("a fault to tell of")),
            mock.patch("sys.stderr", closed),
        ):
            yield

    return broken()


def _unloaded_meanwhile(host: Host) -> AbstractContextManager[Any]:
    """The model is there when the plan begins, and gone when it is read for the second time."""
    from lib_hypersd.host import checkpoints

    def half(model: Any) -> Any:
        raise AttributeError("'NoneType' object has no attribute 'sd_checkpoint_info'")

    return mock.patch.object(checkpoints, "_of_model", half)


def _disk_full_on_apply(host: Host) -> AbstractContextManager[Any]:
    return mock.patch(
        "lib_hypersd.host.writing.inner_script_args", side_effect=OSError(errno.ENOSPC, "No space left on device")
    )


def _half_applied(field: str) -> Callable[[Host], AbstractContextManager[Any]]:
    """`field` can't be set, when others have been set already."""

    def broken(host: Host) -> AbstractContextManager[Any]:
        from modules.api import api

        def refuse(p: Any, value: Any) -> None:
            if p.__dict__.get("_hypersd_own") is not None and value != p.__dict__.get(field):
                raise RuntimeError(f"{field} can't be set")
            p.__dict__[field] = value

        there = property(lambda p: p.__dict__.get(field), refuse)
        return mock.patch.object(api.StableDiffusionProcessingTxt2Img, field, there, create=True)

    return broken


_GONE = "is gone|is not on this machine"
"""Still listed, or not by a host that has listed all files anew since."""

FAULTS = (
    Fault("file deleted after the scan", lambda h: _file(h, os.unlink), False, says=_GONE),
    Fault("file emptied after the scan", lambda h: _file(h, _emptied), False, says="is empty"),
    Fault("file cut after the scan", lambda h: _file(h, _cut), False, says="is truncated"),
    Fault("folder in the file's place", lambda h: _file(h, _a_folder), False, says=f"is not a file|{_GONE}"),
    Fault("file not to be read", _unreadable, False, says="may read it", warm=False),
    Fault("file of an alias deleted", lambda h: _file(h, os.unlink), True, scene="alias", warm=False),
    Fault("LoRA folder gone", _no_folder, False, says=_GONE),
    Fault("checkpoint file gone, model loaded", _checkpoint_gone, True, warm=False),
    Fault("LoRA registry is None", _registry(lambda known: None), False),
    Fault("LoRA registry is a list", _registry(lambda known: list(known)), False),
    Fault("LoRA registry has None", _registry(lambda known: {**known, "a": None}), True),
    Fault("LoRA registry has something odd", _registry(lambda known: {**known, 7: Odd(), "b": "b"}), True),
    Fault("LoRA registry is empty", _registry(lambda known: {}), True),
    Fault("no Lora extension", _no_lora_extension, False, warm=False),
    Fault("Euler is not listed", _not_listed("Euler", "Euler SGMUniform"), False, says="Euler is in none"),
    Fault(
        "SGM Uniform is not listed",
        _not_listed("SGM Uniform"),
        False,
        says="SGM Uniform is in none",
        of_schedule_types=True,
    ),
    Fault("model unloaded in mid-plan", _unloaded_meanwhile, False, says="fault"),
    Fault("console closed", _console_closed, False, says="fault"),
    Fault("disk full in mid-plan", _disk_full_on_apply, False, says=r"fault \(OSError\)"),
    *(
        Fault(
            f"{field} can't be set",
            _half_applied(field),
            False,
            scene=scene,
            says="fault",
            of_schedule_types=field == "scheduler",
        )
        for scene, fields in {
            "object": ("steps", "cfg_scale", "sampler_name", "scheduler", "all_prompts", "main_prompt"),
            "hires": ("hr_second_pass_steps", "denoising_strength", "all_hr_prompts"),
            "hires turned on": ("enable_hr", "hr_prompt", "hr_scale", "all_hr_negative_prompts"),
        }.items()
        for field in fields
    ),
)


def option_faults() -> list[Fault]:
    """Each option of ours with values that only a broken file holds. What they say is left to the judge."""
    from modules import shared

    names = [
        name for name, info in shared.opts.data_labels.items() if name.startswith("hypersd_") and not info.do_not_save
    ]
    odd = (None, {"a": 1}, ["x", None], "\x00" * 10_000, -1, 10**30, float("nan"), True)
    return [
        Fault(f"option {name} is {str(value)[:12]!r}", _option(name, value), True, scene=scene)
        for i, name in enumerate(names)
        for j, value in enumerate(odd)
        for scene in (("object", "own sampler", "alias")[(i + j) % 3],)
        if name != "hypersd_stop"
    ]
