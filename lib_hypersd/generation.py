"""One generation through the hooks: read, plan, apply, account. Faults end here, never in the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import TITLE
from .host import checkpoints, lists, notices, options, reading, sampling, uncond, writing, xyz
from .panel import paste as infotext
from .plan.decide import Asked, hint, settle
from .request.prompt_tags import find_tags, parse_alias
from .request.request import Plan
from .request.settings import Settings, SettingsError, from_script_args, panel_eta, with_listed_names
from .sampling.names import TCD, TCD_ETA

_PLAN = "_hypersd_plan"
_DRAWN = "_hypersd_drawn"


def begin(p: Any) -> None:
    """Take out whatever an earlier run left on this `p`; all cells of an X/Y/Z plot share the infotext's dict."""
    if _is_copy_in_mid_run(p):
        return
    setattr(p, _PLAN, None)
    writing.restore(p)
    params = p.extra_generation_params
    if params:
        for key in infotext.OWN_KEYS:
            params.pop(key, None)


def process(p: Any, args: Sequence[Any]) -> None:
    """The `process` hook: plan this generation and apply the plan, or leave everything and say why."""
    try:
        begin(p)
        if _is_idle(p, args) or _is_copy_in_mid_run(p):
            return
        done = _process(p, args)
    except Exception as fault:
        done = _undone(p, args, fault)
    if not done and options.is_ticked(options.OPTION_STOP):
        writing.stop_generation(p)
        notices.say(p, infotext.NOTICE, f"The generation was stopped, as Settings > {TITLE} asks.")
        options.report(f"{TITLE} stopped a generation that it could not plan")  # plots and loops drop what p tells


def _undone(p: Any, args: Sequence[Any], fault: Exception) -> bool:
    """Take back what was done to `p` before a fault, and say so where somebody had asked for something; False there."""
    options.report(f"{TITLE}: a generation is not planned", exc_info=True)
    begin(p)
    if not _seems_on(p, args):
        return True
    notices.say(
        p, infotext.NOTICE, f"{TITLE} met a fault ({type(fault).__name__}) and changed nothing; see the console."
    )
    return False


def _is_copy_in_mid_run(p: Any) -> bool:
    """Whether this is no new run: ADetailer has all scripts process a copy of `p` again, between two batches of it.

    The plan is in effect there already. A new run of a copy begins with the prompts as they were typed.
    """
    drawn = getattr(p, _DRAWN, None)
    return drawn is not None and drawn[0] != id(p) and drawn[1] == p.all_prompts


def _is_idle(p: Any, args: Sequence[Any]) -> bool:
    """Whether nothing asks for this extension: the panel is off, and so is all that could ask in its place."""
    if not _is_off(args) or xyz.values_set_by_axes(p):
        return False
    return not _any_tag(p) and not sampling.names_own_sampling(p)


def _seems_on(p: Any, args: Sequence[Any]) -> bool:
    """Whether panel, object, axis or tag asks for this extension, as far as can be told after a fault."""
    if _says_off(args):
        return False
    if _is_off(args) and not xyz.values_set_by_axes(p):
        named = (tag.name for prompt in _prompts(p) for tag in find_tags(prompt))
        return any(map(parse_alias, named)) and _tags_may_ask()
    return True


def _tags_may_ask() -> bool:
    try:
        return options.prompt_tag_reaction() != "none"
    except Exception:  # it may be the very fault
        return True


def _is_off(args: Sequence[Any]) -> bool:
    """Whether the panel is off; without arguments there is no panel."""
    return not args or args[0] is False


def _says_off(args: Sequence[Any]) -> bool:
    """Whether an object turns it off, whatever else it says."""
    return bool(args) and isinstance(args[0], Mapping) and args[0].get("enabled") is False


def _process(p: Any, args: Sequence[Any]) -> bool:
    """Plan and apply; False where it is on and could not be done."""
    done = True
    try:
        settings = _settings(p, args)
        if settings is not None:
            settings = with_listed_names(settings, lists.host_lists())
    except SettingsError as error:
        notices.say(p, infotext.ERROR, f"{error} Nothing was changed.")
        settings, done = Settings(enabled=False), _says_off(args)
    plan, asked = _plan(p, settings)
    unlisted = writing.unlisted_name(plan) if plan is not None else None
    if unlisted:
        missing = f"{unlisted} is in none of this WebUI's lists: nothing was changed; choose another in Details."
        notices.say(p, infotext.NOTICE, missing)
        return False
    if plan is not None:
        script_args = writing.inner_script_args(plan, p)
        told = plan if script_args is None else plan.with_inner_pass()
        account, text = infotext.entries(told), infotext.comment(told)
        writing.apply(plan, p, script_args)
        setattr(p, _PLAN, plan)
        p.extra_generation_params.update(account)
        if text:
            notices.show(p, text)
    if sampling.names_own_sampling(p):
        _settle_eta(p, args, unticked=settings is None)
    return done and not (asked and plan is not None and not plan.active)


def _settle_eta(p: Any, args: Sequence[Any], *, unticked: bool) -> None:
    """The panel's Eta serves the sampler wherever that was chosen, ticked or not; a bad option is told."""
    try:
        if unticked:
            sampling.set_eta(p, panel_eta(args))
    except SettingsError as error:
        notices.say(p, infotext.ERROR, f"{error} It was not used.")
    if sampling.option_eta() is None:
        told = f"Settings > {TITLE}: the eta of {TCD} is no number from 0 to 1; {TCD_ETA:g} was taken."
        notices.say(p, infotext.NOTICE, told)


def _plan(p: Any, settings: Settings | None) -> tuple[Plan | None, bool]:
    """What is to be done to `p`, None for nothing; and whether somebody asked for a recipe."""
    if settings is not None and not settings.enabled and not sampling.names_own_sampling(p):
        return None, False
    checkpoint = checkpoints.generation_checkpoint(p)
    asked = Asked(reading.read_request(p), checkpoint, checkpoints.hires_checkpoint(p, checkpoint))
    wish, plan = settle(asked, settings)
    told = hint(asked) if wish == "hint" else None
    if told:
        notices.show(p, told)
    return plan, wish == "plan"


def _settings(p: Any, args: Sequence[Any]) -> Settings | None:
    """The settings of an object or of a ticked panel; None where the panel is off and only tags can activate.

    A cell of a plot along one of our axes is drawn with the panel's settings and the cell's, unless it says off.
    """
    axes, is_off = xyz.values_set_by_axes(p), _is_off(args)
    if axes:
        return from_script_args(args).naming({**({"enabled": True} if is_off else {}), **axes})
    return None if is_off else from_script_args(args)


def before_process_batch(p: Any, kwargs: Mapping[str, Any]) -> None:
    """Other extensions rewrite prompts in their own `process`: see that the tag is still there."""
    plan = getattr(p, _PLAN, None)
    if plan is None:
        return
    try:
        writing.keep_tags(plan, p, kwargs["prompts"], int(kwargs["batch_number"]))
        setattr(p, _DRAWN, (id(p), p.all_prompts))
    except Exception as fault:
        options.report(f"{TITLE}: could not check the prompts of a batch", exc_info=True)
        told = f"A fault ({type(fault).__name__}) kept {TITLE} from checking that the tag is still in the prompts"
        notices.say(p, infotext.NOTICE, f"{told}; see the console.")


def before_sampling(p: Any, kwargs: Mapping[str, Any]) -> None:
    """The `process_before_every_sampling` hook, once or twice for each pass; `noise` is what the pass starts from."""
    plan = getattr(p, _PLAN, None)
    try:
        if sampling.names_own_sampling(p):
            sampling.start_from_unit_variance(p, kwargs["noise"])
    except Exception as fault:
        options.report(f"{TITLE}: could not scale the noise of a pass", exc_info=True)
        told = f"A fault ({type(fault).__name__}) kept the noise from being scaled for {p.sampler_name}"
        notices.say(p, infotext.NOTICE, f"{told}: the picture is a little different; see the console.")
    try:
        if plan is not None and plan.active:
            uncond.skip_idle_uncond(p)
    except Exception:  # it saves time alone
        options.report(f"{TITLE}: could not leave out the uncond", exc_info=True)


def _any_tag(p: Any) -> bool:
    return any("<l" in prompt for prompt in _prompts(p))


def _prompts(p: Any) -> tuple[str, ...]:
    return (*p.all_prompts, *(getattr(p, "all_hr_prompts", None) or ()))
