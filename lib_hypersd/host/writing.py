"""A Plan to `p`: everything or nothing, and back again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from modules import shared

from ..plan.result import Plan
from .adetailer import with_tag
from .options import sampler_names, scheduler_names, sd_schedulers
from .reading import styled_hires_negative
from .sampling import ask_eta

_OWN = "_hypersd_own"


def restore(p: Any) -> None:
    """Undo what a plan set on this very `p`: after a fault, or in an earlier run (Loopback and SD upscale run one `p`
    several times).

    A field that somebody else has set since is theirs.
    """
    ask_eta(p, None)
    own: dict[str, tuple[Any, Any]] | None = getattr(p, _OWN, None)
    if own:
        for name, (ours, before) in own.items():
            now = getattr(p, name, None)
            if now is ours or (not _has_no_equals(name) and now == ours):
                setattr(p, name, before)
        setattr(p, _OWN, None)


def _has_no_equals(name: str) -> bool:
    """Whether only the very object that we set is ours: arguments of scripts may hold arrays, which have no plain ==,
    and prompts are filled anew by the host for each run, perhaps with equal ones."""
    return name == "script_args" or name.startswith(("all_", "main_"))


def stop_generation(p: Any) -> None:
    """End the job of `p` before its first batch, as the page's Interrupt button does.

    Everything that runs under it ends: the other cells of an X/Y/Z plot, the other rounds of Loopback. The hosts begin
    their next job with the flag down.
    """
    own = getattr(p, _OWN, None) or {}
    # The hosts make a grid of no pictures where grids are made of one, and fail.
    setattr(p, _OWN, {**own, "do_not_save_grid": (True, p.do_not_save_grid)})
    p.do_not_save_grid = True
    shared.state.interrupt()


def inner_script_args(plan: Plan, p: Any) -> Sequence[Any] | None:
    """The scripts' arguments with the tag in prompts that were typed for an inner pass; None where none needs it."""
    given = getattr(p, "script_args", None)
    return with_tag(plan.rule, given) if plan.active and plan.rule and given else None


def apply(plan: Plan, p: Any, script_args: Sequence[Any] | None = None) -> None:
    """Set everything that `plan` says, and `script_args` where they are to be others; `restore` undoes it, where it has
    failed in the middle too."""
    own: dict[str, tuple[Any, Any]] = {}
    setattr(p, _OWN, own)

    def write(name: str, value: Any) -> None:
        before = own[name][1] if name in own else getattr(p, name)
        own[name] = (value, before)
        setattr(p, name, value)

    if script_args is not None:
        write("script_args", script_args)
    for name, value in _planned_fields(plan, p):
        write(name, value)
    ask_eta(p, plan.eta)


_SAMPLERS, _SCHEDULES = ("sampler_name", "hr_sampler_name"), ("scheduler", "hr_scheduler")


def unlisted_name(plan: Plan) -> str | None:
    """A sampler or schedule type of the plan that the host does not have: to draw with it would be an exception."""
    for change in plan.settings_changes:
        if change.field in _SAMPLERS and change.after not in (None, *sampler_names()):
            return str(change.after)
        if change.field in _SCHEDULES and change.after not in (None, *scheduler_names()):
            return str(change.after)
    return None


def _planned_fields(plan: Plan, p: Any) -> Iterator[tuple[str, Any]]:
    """(field, value) in the order of setting; `enable_hr` last, so that a half-made hires set-up never runs."""
    yield "all_prompts", list(plan.prompts)
    yield "main_prompt", plan.main_prompt
    if getattr(shared.opts, "enable_prompt_comments_def", False) and isinstance(p.prompt, str):
        yield "prompt", plan.main_prompt  # reForge with "Save comments" prints this one
    changes = {c.field: c for c in plan.settings_changes}
    turned_on = changes.pop("enable_hr", None)
    if turned_on:
        yield from _hires_set_up(plan, p)
    elif getattr(p, "enable_hr", False):
        yield "all_hr_prompts", list(plan.hr_prompts)
    if plan.rule is not None and plan.hr_prompts and sd_schedulers is None:
        yield "hr_prompt", _told_hires_prompt(plan, p)
    for change in changes.values():
        yield change.field, change.after
    if turned_on:
        yield "enable_hr", True


def _told_hires_prompt(plan: Plan, p: Any) -> Any:
    """What the infotext of a host without schedule types will tell: there it is this field, where it is not `prompt`.

    A1111 tells what is drawn since the version that brought schedule types. A list has one entry a picture, and is told
    even where the text is that of `prompt`, which the host has taken comments out of for the first pass.
    """
    if plan.hr_prompts == plan.prompts:
        return _as_prompt(p.prompt)
    first, *others = dict.fromkeys(plan.hr_prompts)
    return list(plan.hr_prompts) if others or first == p.prompt else first


def _as_prompt(value: Any) -> Any:
    """A prompt as the hosts have it, or one for each picture. TypeError for anything else, which infotexts tell."""
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(f"a prompt of this WebUI is {value!r}")
    return value


def _hires_set_up(plan: Plan, p: Any) -> Iterator[tuple[str, Any]]:
    """What `setup_prompts` would have done, had hires been on: it has returned early by the time of `process`."""
    yield "hr_prompt", _as_prompt(p.hr_prompt or p.main_prompt)
    yield "all_hr_prompts", list(plan.hr_prompts)
    negative, count = styled_hires_negative(p), len(p.all_negative_prompts)
    yield "all_hr_negative_prompts", [negative] * count if negative else list(p.all_negative_prompts)
    yield "hr_negative_prompt", _as_prompt(p.hr_negative_prompt or p.main_negative_prompt)
    if hasattr(p, "hr_additional_modules") and p.hr_additional_modules is None:
        yield "hr_additional_modules", ["Use same choices"]  # Forge: None is a 500 of its own


def keep_tags(plan: Plan, p: Any, prompts: list[str], batch_number: int) -> None:
    """Put the tag back where another extension has rewritten prompts since `process`.

    `prompts` is the host's slice of `p.all_prompts` for this batch; both are mended, since the infotext is built from
    the whole list and the sampling from the slice. A tag that stands there twice was written so on purpose: Regional
    Prompter's Latent mode gives each region the common prompt, and a region its LoRAs by the tags in its own part.
    """
    if plan.rule is None or plan.hr_rule is None:
        return
    first = batch_number * p.batch_size
    for i, prompt in enumerate(prompts):
        mended = plan.rule.apply(prompt, doubles_stay=True).prompt
        if mended != prompt:
            prompts[i] = mended
            if first + i < len(p.all_prompts):
                p.all_prompts[first + i] = mended
    main = plan.rule.apply(p.main_prompt, doubles_stay=True).prompt
    if main != p.main_prompt:
        p.main_prompt = main
    if getattr(p, "enable_hr", False) and p.all_hr_prompts:
        for i, prompt in enumerate(p.all_hr_prompts):
            mended = plan.hr_rule.apply(prompt, doubles_stay=True).prompt
            if mended != prompt:
                p.all_hr_prompts[i] = mended
