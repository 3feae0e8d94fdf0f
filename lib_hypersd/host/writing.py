"""Write a Plan to `p`: everything or nothing, and undo it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

from modules import shared

from ..plan.result import Plan
from ..request.tag_rule import TagRule
from .adetailer import with_tag
from .options import sampler_names, scheduler_names, sd_schedulers
from .reading import styled_hires_prompt
from .sampling import set_eta

_OWN = "_hypersd_own"
"""An attribute of `p`: field → (value that was set here, value before)."""


def restore(p: Any) -> None:
    """Undo what a plan set on this very `p`: after a fault, or in an earlier run (Loopback and SD upscale run one `p`
    several times). A field that somebody else has set since keeps their value.
    """
    set_eta(p, None)
    own: dict[str, tuple[Any, Any]] | None = getattr(p, _OWN, None)
    if own:
        for name, (written, before) in own.items():
            now = getattr(p, name, None)
            if now is written or (not _is_compared_by_identity(name) and now == written):
                setattr(p, name, before)
        setattr(p, _OWN, None)


def _is_compared_by_identity(name: str) -> bool:
    """Whether an equal value may be somebody else's: arguments of scripts may hold arrays, which have no plain ==, and
    the host fills prompts anew for each run, perhaps with equal ones."""
    return name == "script_args" or name.startswith(("all_", "main_"))


def stop_generation(p: Any) -> None:
    """End the job of `p` before its first batch, as the page's Interrupt button does.

    Everything that runs under it ends: the other cells of an X/Y/Z plot, the other rounds of Loopback. The hosts reset
    the flag for their next job.
    """
    own = getattr(p, _OWN, None) or {}
    # The hosts make a grid of no pictures where grids are made of one, and fail.
    setattr(p, _OWN, {**own, "do_not_save_grid": (True, p.do_not_save_grid)})
    p.do_not_save_grid = True
    shared.state.interrupt()


def inner_script_args(plan: Plan, p: Any) -> Sequence[Any] | None:
    """The scripts' arguments with the tag in prompts for an inner pass; None where no prompt needs it."""
    given = getattr(p, "script_args", None)
    return with_tag(plan.rule, given) if plan.active and plan.rule and given else None


def apply(plan: Plan, p: Any, script_args: Sequence[Any] | None = None) -> None:
    """Set everything in `plan`, and `script_args` where they are replaced; `restore` undoes it, even half-done."""
    own: dict[str, tuple[Any, Any]] = {}
    setattr(p, _OWN, own)
    # All cells of an X/Y/Z plot share this dict, in which the host writes what a cell has: schedule type, hires fields,
    # hashes of LoRAs. A cell after this one that is without a plan would have them in its infotext.
    p.extra_generation_params = dict(p.extra_generation_params)

    def write(name: str, value: Any) -> None:
        before = own[name][1] if name in own else getattr(p, name)
        own[name] = (value, before)
        setattr(p, name, value)

    if script_args is not None:
        write("script_args", script_args)
    for name, value in _planned_fields(plan, p):
        write(name, value)
    set_eta(p, plan.eta)


_LISTS: dict[str, Callable[[], Iterable[str]]] = {
    "sampler_name": sampler_names,
    "hr_sampler_name": sampler_names,
    "scheduler": scheduler_names,
    "hr_scheduler": scheduler_names,
}


def unlisted_name(plan: Plan) -> str | None:
    """A sampler or schedule type of the plan that the host does not list, and would raise at."""
    for change in plan.settings_changes:
        names = _LISTS.get(change.field)
        if names and change.after not in (None, *names()):
            return str(change.after)
    return None


def _planned_fields(plan: Plan, p: Any) -> Iterator[tuple[str, Any]]:
    """(field, value) in the order of setting; `enable_hr` last, so that an incomplete hires set-up never runs."""
    yield "all_prompts", list(plan.prompts)
    yield "main_prompt", plan.main_prompt
    if getattr(shared.opts, "enable_prompt_comments_def", False) and isinstance(p.prompt, str):
        yield "prompt", plan.main_prompt  # reForge with "Save comments" prints this one
    changes = {c.field: c for c in plan.settings_changes}
    turns_hires_on = changes.pop("enable_hr", None)
    if turns_hires_on:
        yield from _hires_set_up(plan, p)
    elif getattr(p, "enable_hr", False):
        yield "all_hr_prompts", list(plan.hr_prompts)
    if plan.rule is not None and plan.hr_prompts and sd_schedulers is None:
        yield "hr_prompt", _hires_prompt_in_infotext(plan, p)
    for change in changes.values():
        yield change.field, change.after
    if turns_hires_on:
        yield "enable_hr", True


def _hires_prompt_in_infotext(plan: Plan, p: Any) -> Any:
    """`hr_prompt` for a host without schedule types, whose infotext has this field where it differs from `prompt`.

    A1111's infotext has the prompt in effect since the version that brought schedule types. A list has one entry for
    each picture, and is written even where it equals `prompt`, from which the host has removed comments.
    """
    if plan.hr_prompts == plan.prompts:
        return _as_prompt(p.prompt)
    first, *others = dict.fromkeys(plan.hr_prompts)
    return list(plan.hr_prompts) if others or first == p.prompt else first


def _as_prompt(value: Any) -> Any:
    """A prompt as the hosts have it, or one for each picture. TypeError for anything else."""
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(f"a prompt of this WebUI is {value!r}")
    return value


def _hires_set_up(plan: Plan, p: Any) -> Iterator[tuple[str, Any]]:
    """What `setup_prompts` would have set, had hires been on: it has returned early by the time of `process`."""
    yield "hr_prompt", _as_prompt(p.hr_prompt or p.main_prompt)
    yield "all_hr_prompts", list(plan.hr_prompts)
    negative, count = styled_hires_prompt(p, negative=True), len(p.all_negative_prompts)
    yield "all_hr_negative_prompts", [negative] * count if negative else list(p.all_negative_prompts)
    yield "hr_negative_prompt", _as_prompt(p.hr_negative_prompt or p.main_negative_prompt)
    if hasattr(p, "hr_additional_modules") and p.hr_additional_modules is None:
        yield "hr_additional_modules", ["Use same choices"]  # Forge: None is a 500 of its own


def keep_tags(plan: Plan, p: Any, prompts: list[str], batch_number: int) -> None:
    """Put the tag back where another extension has rewritten prompts since `process`.

    `prompts` is the host's slice of `p.all_prompts` for this batch; both are changed, since the infotext is built from
    the whole list and the sampling from the slice. A tag that is there twice was written so on purpose: Regional
    Prompter's Latent mode gives each region the common prompt, and a region its LoRAs by the tags in its own part.
    """
    if plan.rule is None or plan.hr_rule is None:
        return
    first, planned = batch_number * p.batch_size, {*plan.prompts, plan.main_prompt}
    for i, tagged in _retagged(plan.rule, prompts, planned):
        prompts[i] = tagged
        if first + i < len(p.all_prompts):
            p.all_prompts[first + i] = tagged
    for _, tagged in _retagged(plan.rule, [p.main_prompt], planned):
        p.main_prompt = tagged
    if getattr(p, "enable_hr", False) and p.all_hr_prompts:
        for i, tagged in _retagged(plan.hr_rule, p.all_hr_prompts, set(plan.hr_prompts)):
            p.all_hr_prompts[i] = tagged


def _retagged(rule: TagRule, prompts: Sequence[str], planned: Collection[str]) -> Iterator[tuple[int, str]]:
    """The prompts that the rule changes, by position, as they become; those that are as planned have the tag."""
    for i, prompt in enumerate(prompts):
        if prompt in planned:
            continue
        tagged = rule.apply(prompt, doubles_stay=True).prompt
        if tagged != prompt:
            yield i, tagged
