"""One generation through the hooks: read, decide, apply, explain. Faults end here, never in the picture."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from . import TITLE
from .host import application, checkpoints, lists, notices, options, reading, sampling, uncond, writing, xyz
from .models.catalog import parse_alias
from .plan import infotext
from .plan.decide import Activation, Decision, decide, hint, read_activation, requester
from .plan.make import refused
from .request.prompt_tags import find_tags
from .request.settings import SettingsError, panel_eta
from .sampling.names import TCD, TCD_ETA

_PLAN = "_hypersd_plan"
_GENERATED = "_hypersd_generated"


def begin(p: Any) -> None:
    """Remove whatever an earlier run left on this `p`; all cells of an X/Y/Z plot share the infotext's dict, in which
    one without a plan may have left a message."""
    application.end(p)
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
        options.report(f"{TITLE} stopped a generation that it could not plan")  # plots and loops drop p's comments


def _is_copy_in_mid_run(p: Any) -> bool:
    """Whether this is no new run: ADetailer has all scripts process a copy of `p` again, between two batches of it.

    The plan is in effect there already. A new run of a copy begins with the prompts as they were typed.
    """
    generated = getattr(p, _GENERATED, None)
    return generated is not None and generated[0] != id(p) and generated[1] == p.all_prompts


def _is_idle(p: Any, args: Sequence[Any]) -> bool:
    """Whether nothing can request a plan: the panel is off, and there is no tag and no sampler of Hyper-SD's."""
    if requester(args, xyz.values_set_by_axes(p)) != "tags":
        return False
    return not any("<l" in prompt for prompt in _prompts(p)) and not sampling.names_own_sampling(p)


def _process(p: Any, args: Sequence[Any]) -> bool:
    """Plan and apply; False where a plan is requested and could not be made."""
    activation = read_activation(args, xyz.values_set_by_axes(p), lists.host_lists())
    names_own = sampling.names_own_sampling(p)
    decision = _decide(p, activation) if activation.may_plan or names_own else Decision("nothing")
    plan = decision.plan
    if activation.error:
        nothing = "Nothing else" if plan is not None and plan.changes else "Nothing"
        notices.say(p, infotext.ERROR, f"{activation.error} {nothing} was changed.")
    if plan is not None:
        unlisted = writing.unlisted_name(plan)
        if unlisted:
            missing = f"{unlisted} is in none of this WebUI's lists: nothing was changed; choose another in Details."
            notices.say(p, infotext.NOTICE, missing)
            return False
        script_args = writing.inner_script_args(plan, p)
        explained = plan if script_args is None else plan.with_inner_pass()
        entries, text = infotext.entries(explained), infotext.comment(explained)
        writing.apply(plan, p, script_args)
        application.begin(plan, p)
        setattr(p, _PLAN, plan)
        p.extra_generation_params.update(entries)
        if text:
            notices.show(p, text)
    if sampling.names_own_sampling(p):
        _settle_eta(p, args, unticked=activation.by == "tags")
    return not activation.failed and not (decision.kind == "plan" and plan is not None and not plan.active)


def _decide(p: Any, activation: Activation) -> Decision:
    checkpoint = checkpoints.generation_checkpoint(p)
    request, hr_checkpoint = reading.read_request(p), checkpoints.hires_checkpoint(p, checkpoint)
    inputs = reading.plan_inputs(request, checkpoint, hr_checkpoint, may_plan=activation.may_plan)
    decision = decide(inputs, activation)
    why = application.prepare(decision.plan, p) if decision.plan else None
    if why:
        decision = replace(decision, plan=refused(inputs, (), why))
    text = hint(inputs) if decision.kind == "hint" else None
    if text:
        notices.show(p, text)
    return decision


def _settle_eta(p: Any, args: Sequence[Any], *, unticked: bool) -> None:
    """The panel's Eta serves the sampler wherever that was chosen, ticked or not; a bad option gets a notice."""
    try:
        if unticked:
            sampling.set_eta(p, panel_eta(args))
    except SettingsError as error:
        notices.say(p, infotext.ERROR, f"{error} It was not used.")
    if sampling.option_eta() is None:
        notice = f"Settings > {TITLE}: the eta of {TCD} is no number from 0 to 1; {TCD_ETA:g} was taken."
        notices.say(p, infotext.NOTICE, notice)


# After a fault -------------------------------------------------------------------------------------------------


def _undone(p: Any, args: Sequence[Any], fault: Exception) -> bool:
    """Take back what was done to `p` before a fault, and say so where a plan is requested; False there."""
    options.report(f"{TITLE}: a generation is not planned", exc_info=True)
    begin(p)
    if not _is_requested(p, args):
        return True
    notice = f"{TITLE} met a fault ({type(fault).__name__}) and changed nothing; see the console."
    notices.say(p, infotext.NOTICE, notice)
    return False


def _is_requested(p: Any, args: Sequence[Any]) -> bool:
    """Whether a plan is requested, as far as can be known after a fault: the files may be unknown."""
    by = requester(args, xyz.values_set_by_axes(p))
    if by != "tags":
        return by == "settings"
    with suppress(Exception):  # the option may be the very fault
        if options.prompt_tag_reaction() == "none":
            return False
    return any(parse_alias(tag.name) for prompt in _prompts(p) for tag in find_tags(prompt))


def _prompts(p: Any) -> tuple[str, ...]:
    return (*p.all_prompts, *(getattr(p, "all_hr_prompts", None) or ()))


# Later hooks ---------------------------------------------------------------------------------------------------


def before_process_batch(p: Any, kwargs: Mapping[str, Any]) -> None:
    """The `before_process_batch` hook: see that the tag is still there; other extensions rewrite prompts."""
    plan = getattr(p, _PLAN, None)
    if plan is None:
        return
    try:
        writing.keep_tags(plan, p, kwargs["prompts"], int(kwargs["batch_number"]))
        setattr(p, _GENERATED, (id(p), p.all_prompts))
    except Exception as fault:
        options.report(f"{TITLE}: could not check the prompts of a batch", exc_info=True)
        notice = f"A fault ({type(fault).__name__}) kept {TITLE} from checking that the tag is still in the prompts"
        notices.say(p, infotext.NOTICE, f"{notice}; see the console.")


def after_batch(p: Any) -> None:
    """The `postprocess_batch` hook: the batch is sampled, its infotexts are not written yet."""
    try:
        application.end_batch(p)
    except Exception:
        options.report(f"{TITLE}: could not check whether the LoRA of a batch reached the model", exc_info=True)


def before_sampling(p: Any, kwargs: Mapping[str, Any]) -> None:
    """The `process_before_every_sampling` hook, once or twice for each pass; `noise` is what the pass starts from."""
    application.begin_pass(p)
    plan = getattr(p, _PLAN, None)
    try:
        learnt = checkpoints.learn_of_hires(p) if plan is not None and plan.active else None
        if learnt is not None:
            notice = f"{learnt.name} is {learnt.title}: the next hires pass on it is planned for that."
            notices.say(p, infotext.NOTICE, notice)
    except Exception:  # then it stays unknown
        options.report(f"{TITLE}: could not note what a hires checkpoint is", exc_info=True)
    try:
        if sampling.names_own_sampling(p):
            sampling.start_from_unit_variance(p, kwargs["noise"])
    except Exception as fault:
        options.report(f"{TITLE}: could not scale the noise of a pass", exc_info=True)
        notice = f"A fault ({type(fault).__name__}) kept the noise from being scaled for {p.sampler_name}"
        notices.say(p, infotext.NOTICE, f"{notice}: the picture is a little different; see the console.")
    try:
        if plan is not None and plan.active:
            uncond.skip_idle_uncond(p)
    except Exception:  # it saves time alone
        options.report(f"{TITLE}: could not leave out the uncond", exc_info=True)
