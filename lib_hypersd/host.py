"""The only module besides scripts/ that meets the host: reads a Request from `p`, writes a Plan to `p`.

`p` is the host's `StableDiffusionProcessing`; which fields it has differs between A1111, reForge, Forge and Forge Neo
and is asked of the object itself, never of a version.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from types import ModuleType
from typing import Any

from modules import errors, processing, scripts, sd_models, sd_samplers, shared

from .catalog import BY_NAME
from .families import (
    Architecture,
    Checkpoint,
    architecture_of_checkpoint,
    architecture_of_model,
    architecture_of_name,
    describe,
)
from .lora_files import LoraCache, LoraIndex, RegisteredLora
from .panel import Choices
from .prompt_tags import parse_alias
from .request import Plan, Request
from .safetensors_header import DamagedFileError, Header, read_header
from .settings import HostLists

try:
    from modules import sd_schedulers
except ImportError:  # "classic" has no schedule types
    sd_schedulers = None

OPTION_TAGS = "hypersd_prompt_tags"
OPTION_TRAINED_STEPS = "hypersd_trained_steps"

SAME_SAMPLER = (None, "", "Use same sampler")
SAME_SCHEDULER = (None, "", "Use same scheduler")

report = errors.report
"""Logs a fault with its traceback; the hosts swallow exceptions anyway."""


# Options and lists ---------------------------------------------------------------------------------------------


def option(name: str, default: Any) -> Any:
    return getattr(shared.opts, name, default)


def prompt_tag_reaction() -> str:
    """Which tags activate with the panel off: "aliases", "all" or "none"."""
    return str(option(OPTION_TAGS, "aliases"))


def known_steps() -> Mapping[str, int]:
    """Trained steps that the person told for files whose names don't: "my-lora = 8, other = 4"."""
    return _parse_known_steps(str(option(OPTION_TRAINED_STEPS, "")))


@lru_cache(maxsize=4)
def _parse_known_steps(text: str) -> Mapping[str, int]:
    pairs = re.findall(r"([^,=\n]+?)\s*=\s*(\d{1,2})(?!\d)", text)
    return {name.strip(): int(steps) for name, steps in pairs if 1 <= int(steps) <= 16}


def sampler_names() -> list[str]:
    return list(sd_samplers.all_samplers_map)


def scheduler_labels() -> list[str]:
    return [s.label for s in sd_schedulers.schedulers] if sd_schedulers else []


def _scheduler_names() -> list[str]:
    return list(sd_schedulers.schedulers_map) if sd_schedulers else []


def upscaler_names() -> list[str]:
    return [*shared.latent_upscale_modes, *(u.name for u in shared.sd_upscalers)]


def panel_choices() -> Choices:
    return Choices([f.name for f in lora_index().files], sampler_names(), scheduler_labels(), upscaler_names())


def host_lists() -> HostLists:
    def knows_lora(name: str) -> bool:
        return name in BY_NAME or parse_alias(name) is not None or name in lora_index()

    return HostLists(sampler_names, _scheduler_names, upscaler_names, knows_lora)


# LoRAs ---------------------------------------------------------------------------------------------------------


def _networks() -> ModuleType | None:
    """The built-in Lora extension's module, which all hosts import by this name."""
    module = sys.modules.get("networks")
    return module if hasattr(module, "available_networks") else None


def _entries() -> Iterable[object]:
    networks = _networks()
    return networks.available_networks.values() if networks else ()


def _describe_entry(entry: Any) -> RegisteredLora:
    return RegisteredLora(str(entry.name), str(getattr(entry, "alias", entry.name)), str(entry.filename))


def _refresh_loras() -> None:
    networks = _networks()
    if networks:
        networks.list_available_networks()


def _lora_roots() -> list[str]:
    options = shared.cmd_opts
    roots = [getattr(options, "lora_dir", None), *getattr(options, "lora_dirs", ())]  # the list is Forge Neo's
    return [str(root) for root in roots if root]


def lora_cache() -> LoraCache:
    """A cache over the host's registry that knows nothing yet."""
    return LoraCache(_entries, _describe_entry, _refresh_loras, _lora_roots, known_steps)


_loras = lora_cache()


def lora_index() -> LoraIndex:
    """The Hyper-SD files of this machine, as of now."""
    return _loras.index()


# Checkpoints ---------------------------------------------------------------------------------------------------

_MODEL_FLAGS = ("is_ssd", "is_sdxl", "is_sd3", "is_sd2", "is_sd1", "use_distilled_cfg_scale")


def generation_checkpoint(p: Any) -> Checkpoint:
    """The checkpoint that `p` is about to run on.

    Forge's quick second-pass button loads no model before `process`; there the selected one's header tells.
    """
    model = getattr(p, "sd_model", None)
    if getattr(p, "txt2img_upscale", False) or not _is_loaded(model):
        return selected_checkpoint()
    return _of_model(model)


def hires_checkpoint(p: Any, first: Checkpoint) -> Checkpoint | None:
    """The hires pass's checkpoint where it is another one than the first pass's."""
    return named_checkpoint(getattr(p, "hr_checkpoint_name", None), first)


def named_checkpoint(name: str | None, first: Checkpoint) -> Checkpoint | None:
    info = sd_models.get_closet_checkpoint_match(name) if name and name != "Use same checkpoint" else None
    if info is None:
        return None
    found = _of_info(info)
    return None if found.name == first.name else found


def selected_checkpoint(name: str | None = None) -> Checkpoint:
    """The checkpoint chosen in the options, or `name` where the host knows one of that name (its overrides do so).

    By the loaded model if it is that one, else by its header; "other" where there is none at all.
    """
    info = sd_models.checkpoint_aliases.get(name) if name else None
    info = info or sd_models.get_closet_checkpoint_match(shared.opts.sd_model_checkpoint)
    info = info or next(iter(sd_models.checkpoints_list.values()), None)
    if info is None:
        return describe("no checkpoint", "other")
    model: Any = getattr(sd_models.model_data, "sd_model", None)
    if _is_loaded(model) and model.sd_checkpoint_info.filename == info.filename:
        return _of_model(model)
    return _of_info(info)


def _is_loaded(model: Any) -> bool:
    return getattr(model, "sd_checkpoint_info", None) is not None


def _of_model(model: Any) -> Checkpoint:
    flags = {flag: bool(getattr(model, flag, False)) for flag in _MODEL_FLAGS}
    architecture = architecture_of_model(type(model).__name__, flags)
    shift = bool(getattr(model, "use_shift", False))
    return _remembered(
        model.sd_checkpoint_info.filename, _stamp(model.sd_checkpoint_info.filename), architecture, shift
    )


def _of_info(info: Any) -> Checkpoint:
    return _remembered(info.filename, _stamp(info.filename), None, False)


def _stamp(path: str) -> tuple[int, int]:
    try:
        stat = os.stat(path)
    except OSError:
        return (0, 0)
    return (stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _remembered(path: str, stamp: tuple[int, int], loaded: Architecture | None, uses_shift: bool) -> Checkpoint:
    """What is known of the file, by the loaded model's architecture where there is one; once per size and mtime."""
    stem = os.path.splitext(os.path.basename(path))[0]
    header: Header | None = None
    with contextlib.suppress(DamagedFileError, OSError):
        header = read_header(path)
    by_header = architecture_of_checkpoint(header.shapes) if header else architecture_of_name(os.path.basename(path))
    architecture = loaded or by_header
    # What flags can't tell apart.
    if (loaded, by_header) in (("sdxl", "sdxl-refiner"), ("sd3", "sd35")):
        architecture = by_header
    return describe(stem, architecture, header, uses_shift=uses_shift)


# Reading a request ---------------------------------------------------------------------------------------------


def read_request(p: Any) -> Request:
    """`p`, as it stands in `process`, in the terms of the plan."""
    hires = bool(getattr(p, "enable_hr", False))
    img2img = hasattr(p, "init_images")
    return Request(
        prompts=tuple(map(str, p.all_prompts)),
        main_prompt=str(p.main_prompt),
        negative_prompt=any(str(n).strip() for n in p.all_negative_prompts),
        mode="img2img" if img2img else "txt2img",
        hr_prompts=tuple(map(str, p.all_hr_prompts or ())) if hires else (),
        img2img_fixed_steps=img2img and img2img_fixed_steps(),
        explicit=getattr(p, _EXPLICIT, frozenset()),
        **_fields(lambda name: getattr(p, name, None)),
        hires_obstacle=_hires_obstacle(lambda name: getattr(p, name, None)),
    )


def txt2img_defaults() -> dict[str, Any]:
    """The txt2img fields of this host's API with their defaults."""
    plain = (dataclasses.MISSING, None)
    return {f.name: f.default for f in dataclasses.fields(_txt2img()) if f.default not in plain}


def request_from_values(values: Mapping[str, Any]) -> Request:
    """The Request of a txt2img body that was filled up with `txt2img_defaults`; types are checked before."""
    known = {f.name for f in dataclasses.fields(_txt2img())}
    prompt = values.get("prompt") or ""
    hires = bool(values.get("enable_hr", False))
    return Request(
        prompts=(prompt,),
        main_prompt=prompt,
        negative_prompt=bool((values.get("negative_prompt") or "").strip()),
        hr_prompts=(values.get("hr_prompt") or prompt,) if hires else (),
        **_fields(lambda name: values.get(name) if name in known else None),
        hires_obstacle=_hires_obstacle(values.get),
    )


def _fields(get: Callable[[str], Any]) -> dict[str, Any]:
    """The fields that page, API and `p` have alike; None for those that this host does not have."""
    return {
        "steps": int(get("steps")),
        "cfg_scale": float(get("cfg_scale")),
        "sampler_name": get("sampler_name") or get("sampler_index") or "Euler",  # the hosts' own fallback
        "scheduler": _scheduler_label(get("scheduler")) if sd_schedulers else None,
        "distilled_cfg_scale": _optional_float(get("distilled_cfg_scale")),
        "denoising_strength": _optional_float(get("denoising_strength")),
        "enable_hr": bool(get("enable_hr")),
        "hr_scale": float(get("hr_scale") or 2.0),
        "hr_upscaler": get("hr_upscaler"),
        "hr_second_pass_steps": int(get("hr_second_pass_steps") or 0),
        "hr_cfg": _optional_float(get("hr_cfg")),
        "hr_distilled_cfg": _optional_float(get("hr_distilled_cfg")),
        "hr_sampler_name": _unless_same(get("hr_sampler_name"), SAME_SAMPLER),
        "hr_scheduler": _hires_scheduler(get("hr_scheduler")),
        # reForge, alone in having a hires CFG but no distilled one.
        "hr_cfg_zero_is_same": get("hr_cfg") is not None and get("distilled_cfg_scale") is None,
        "refiner": get("refiner_checkpoint") not in (None, "", "None", "none"),
        "comments": comments_are_on(),
    }


def img2img_fixed_steps() -> bool:
    """The option "do exactly the amount of steps the slider specifies"."""
    return bool(option("img2img_fix_steps", False))


def comments_are_on() -> bool:
    """Whether the host's Comments script takes `#…` out of prompts; hosts without it have no such option."""
    return bool(option("enable_prompt_comments", False))


def _hires_obstacle(get: Callable[[str], Any]) -> str | None:
    if get("hr_resize_x") or get("hr_resize_y"):
        return "the request resizes by pixels (hr_resize_x, hr_resize_y)"
    if get("firstpass_image") is not None:
        return "the request brings its own first-pass image"
    return None


def _hires_scheduler(name: str | None) -> str | None:
    name = _unless_same(name, SAME_SCHEDULER)
    return _scheduler_label(name) if name and sd_schedulers else None


def _scheduler_label(name: str | None) -> str:
    found = sd_schedulers.schedulers_map.get(name or "Automatic")
    return str(found.label) if found else str(name)


def _unless_same(name: str | None, same: tuple[str | None, ...]) -> str | None:
    return None if name in same else name


def _optional_float(value: Any) -> float | None:
    return None if value is None else float(value)


# X/Y/Z plot ----------------------------------------------------------------------------------------------------

_AXES: dict[str, str] = {
    "Steps": "steps",
    "Hires steps": "hr_second_pass_steps",
    "CFG Scale": "cfg_scale",
    "Distilled CFG Scale": "distilled_cfg_scale",
    "Sampler": "sampler_name",
    "Hires sampler": "hr_sampler_name",
    "Schedule type": "scheduler",
    "Denoising": "denoising_strength",
    "Hires upscaler": "hr_upscaler",
}
"""X/Y/Z plot's axes, by label, and the field that each one sets."""
_EXPLICIT = "_hypersd_explicit"


def watch_axes() -> None:
    """See to it that a value which an X/Y/Z axis has set can be told from a slider's. Idempotent."""
    for script in scripts.scripts_data:
        for option in getattr(script.module, "axis_options", ()):
            name = _AXES.get(getattr(option, "label", ""))
            if name and not hasattr(option.apply, "hypersd_field"):
                option.apply = _noted(option.apply, name)


def _noted(apply_axis: Callable[..., Any], name: str) -> Callable[..., Any]:
    def apply_and_note(p: Any, *values: Any) -> None:
        apply_axis(p, *values)
        setattr(p, _EXPLICIT, getattr(p, _EXPLICIT, frozenset()) | {name})

    apply_and_note.hypersd_field = name  # type: ignore[attr-defined]
    return apply_and_note


# Writing a plan ------------------------------------------------------------------------------------------------

_OWN = "_hypersd_own"


def restore(p: Any) -> None:
    """Undo what an earlier plan set on this very `p` (Loopback and SD upscale run one `p` several times).

    A field that somebody else has set since is theirs.
    """
    for name, (ours, before) in getattr(p, _OWN, {}).items():
        if getattr(p, name, None) == ours:
            setattr(p, name, before)
    setattr(p, _OWN, {})


def apply(plan: Plan, p: Any) -> None:
    """Set everything that `plan` says, or, if anything fails, nothing; then the exception goes on."""
    with _all_or_nothing(p) as write:
        for name, value in _planned_fields(plan, p):
            write(name, value)


@contextlib.contextmanager
def _all_or_nothing(p: Any) -> Iterator[Any]:
    own: dict[str, tuple[Any, Any]] = {}

    def write(name: str, value: Any) -> None:
        before = getattr(p, name)
        own[name] = (value, own[name][1] if name in own else before)
        setattr(p, name, value)

    try:
        yield write
    except BaseException:
        for name, (_, before) in own.items():
            setattr(p, name, before)
        raise
    # Prompts are filled anew by the host for each run; the rest is remembered for `restore`.
    setattr(p, _OWN, {name: pair for name, pair in own.items() if not name.startswith(("all_", "main_"))})


def _planned_fields(plan: Plan, p: Any) -> Iterator[tuple[str, Any]]:
    """(field, value) in the order of setting; `enable_hr` last, so that a half-made hires set-up never runs."""
    yield "all_prompts", list(plan.prompts)
    yield "main_prompt", plan.main_prompt
    changes = {c.field: c for c in plan.settings_changes}
    turned_on = changes.pop("enable_hr", None)
    if turned_on:
        yield from _hires_set_up(plan, p)
    elif getattr(p, "enable_hr", False):
        yield "all_hr_prompts", list(plan.hr_prompts)
    for change in changes.values():
        yield change.field, change.after
    if turned_on:
        yield "enable_hr", True


def _hires_set_up(plan: Plan, p: Any) -> Iterator[tuple[str, Any]]:
    """What `setup_prompts` would have done, had hires been on: it has returned early by the time of `process`."""
    yield "hr_prompt", p.prompt if isinstance(p.prompt, str) else plan.main_prompt
    negative = p.negative_prompt
    yield "hr_negative_prompt", negative if isinstance(negative, str) else p.main_negative_prompt
    yield "all_hr_prompts", list(plan.prompts)
    yield "all_hr_negative_prompts", list(p.all_negative_prompts)
    if hasattr(p, "hr_additional_modules") and p.hr_additional_modules is None:
        yield "hr_additional_modules", ["Use same choices"]  # Forge: None is a 500 of its own


def keep_tags(plan: Plan, p: Any, prompts: list[str], batch_number: int) -> None:
    """Put the tag back where another extension has rewritten prompts since `process`.

    `prompts` is the host's slice of `p.all_prompts` for this batch; both are mended, since the infotext is built from
    the whole list and the sampling from the slice.
    """
    if plan.rule is None or plan.hr_rule is None:
        return
    first = batch_number * p.batch_size
    for i, prompt in enumerate(prompts):
        mended = plan.rule.apply(prompt).prompt
        if mended != prompt:
            prompts[i] = mended
            if first + i < len(p.all_prompts):
                p.all_prompts[first + i] = mended
    main = plan.rule.apply(p.main_prompt).prompt
    if main != p.main_prompt:
        p.main_prompt = main
    if getattr(p, "enable_hr", False) and p.all_hr_prompts:
        for i, prompt in enumerate(p.all_hr_prompts):
            mended = plan.hr_rule.apply(prompt).prompt
            if mended != prompt:
                p.all_hr_prompts[i] = mended


# Status --------------------------------------------------------------------------------------------------------


def host_name() -> str:
    """ "Forge Neo", "Forge", "reForge" or "A1111", with the version that the host prints."""
    return f"{_flavour()} {processing.program_version() or ''}".strip()


def _flavour() -> str:
    fields = {f.name for f in dataclasses.fields(_txt2img())}
    if "distilled_cfg_scale" in fields:
        engine = getattr(sd_models.model_data, "sd_model", None)
        release = getattr(sys.modules.get("modules_forge.forge_version"), "version", "")
        return "Forge Neo" if release == "neo" or hasattr(engine, "is_wan") else "Forge"
    return "reForge" if "hr_cfg" in fields else "A1111"


def _txt2img() -> Any:
    return processing.StableDiffusionProcessingTxt2Img


def credentials() -> Mapping[str, str]:
    """User → password of `--api-auth`; empty where the host's API asks for none."""
    text = getattr(shared.cmd_opts, "api_auth", None) or ""
    return dict(pair.split(":", 1) for pair in text.split(",") if ":" in pair)
