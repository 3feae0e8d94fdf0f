"""Bring a plan's LoRA to the model: by the host's merge, looking whether it arrived, or as branches beside the layers.

In the order of a run: `prepare` where the plan is made, `begin` before the host activates LoRAs, `begin_pass` after
that and before the first evaluation; `end` undoes what is left. The branches are on the net only while a sampler
runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from .. import TITLE
from ..lora.arrival import Arrival
from ..lora.bypass import Bypass
from ..lora.factors import UnfitError
from ..lora.tensors import UnheldError, forget, require_numbers, tensors_of
from ..plan import infotext
from ..plan.application import Application
from ..plan.result import Plan, Reason
from ..request.prompt_tags import LoraTag
from ..request.weight_schedule import Weight, WeightSchedule
from . import activation, layers, room
from .arrival import arrival, places_taken
from .loras import names_file
from .notices import say
from .options import OPTION_STOP, is_ticked, report
from .sampler_runs import has_bypass, leave_alone, run_beside
from .storage import storage_of
from .writing import stop_generation

_RUN = "_hypersd_run"
BYPASS = "bypass"


@dataclass
class _Run:
    """One generation: the applications of its passes, whether the host has been left to do it after all, and the files
    of the passes whose sampler has a bypass and has not run yet."""

    first: Application
    hires: Application | None
    left_to_host: bool = False
    awaited: list[str] = field(default_factory=list)

    def of(self, *, hires: bool) -> Application | None:
        return self.hires if hires else self.first


# Where the plan is made ----------------------------------------------------------------------------------------


def prepare(plan: Plan, p: Any) -> Reason | None:
    """Make ready what `plan` needs before anything is changed; why nothing may be changed, or None.

    Reads the file once where a bypass is due.
    """
    first = plan.application
    if not plan.active or first is None or getattr(p, "disable_extra_networks", False):
        return None
    try:
        if first.way(storage_of(p.sd_model)) == BYPASS:
            _bypass(p.sd_model, first)
        else:
            require_numbers(first.file.path)
    except UnfitError as error:
        return Reason(f"{first.file.name} {error}", "choose another file")
    except UnheldError:
        pass  # said where the pass begins, when the host has taken it or not
    except OSError as error:
        return Reason(f"{first.file.name} can't be read ({error.strerror})")
    return None


def begin(plan: Plan, p: Any) -> None:
    """Note what the passes of `p` are to have; takes tags out of what the host activates where a bypass brings them."""
    if not plan.active or plan.application is None or getattr(p, "disable_extra_networks", False):
        return
    run = _Run(plan.application, plan.hr_application)
    setattr(p, _RUN, run)
    activation.take_tags(p, partial(_takes, run))
    if plan.leaves_out_standing:
        activation.leave_out_standing_lora(p)


def end(p: Any) -> None:
    """Undo what is left of a run on `p`, or on what it is a copy of."""
    if vars(p).pop(_RUN, None) is not None:
        activation.leave_tags(p)
    activation.end(p)


def _takes(run: _Run, p: Any, hires: bool, name: str) -> bool:
    """Whether a tag is brought by a bypass, and so is not the host's to activate."""
    app = run.of(hires=hires)
    if app is None or run.left_to_host:
        return False
    try:
        if not names_file(name, app.file.path):
            return False
        # A hires pass on another checkpoint: how that one stores its weights is not known before it is loaded.
        own_model = hires and app is not run.first and app.file is not run.first.file
        if app.way(None if own_model else storage_of(p.sd_model)) != BYPASS:
            return False
        if not own_model:
            _bypass(p.sd_model, app)
    except UnheldError as error:
        say(p, infotext.NOTICE, f"{app.file.name} {error}: it was left to the WebUI's own merge.")
        return False
    except Exception:
        report(f"{TITLE}: a LoRA can't be applied beside the layers", exc_info=True)
        return False
    return True


# Before the first evaluation of a pass -------------------------------------------------------------------------


def begin_pass(p: Any) -> None:
    """Bring the LoRA of the pass that is about to run, or say that it did not reach the model. Never raises."""
    try:
        run, app, hires = _at_hand(p)
        if run is not None and app is not None and not has_bypass(p.sampler):
            _bring(p, run, app, hires=hires)
    except Exception as fault:
        report(f"{TITLE}: could not see to it that the LoRA reaches the model", exc_info=True)
        try:
            _after_fault(p, fault)
        except Exception:
            report(f"{TITLE}: could not leave a LoRA to the WebUI", exc_info=True)


def _at_hand(p: Any) -> tuple[_Run | None, Application | None, bool]:
    """The run, what is to reach the model of the pass that is about to begin, and whether that is the hires pass."""
    run: _Run | None = getattr(p, _RUN, None)
    hires = bool(getattr(p, "is_hr_pass", False))
    return run, run.of(hires=hires) if run else None, hires


def _after_fault(p: Any, fault: Exception) -> None:
    run, app, hires = _at_hand(p)
    if run is not None and app is not None:
        leave_alone(p.sampler)
        _leave_to_host(p, run, app.file.name, fault, hires=hires)


def _bring(p: Any, run: _Run, app: Application, *, hires: bool) -> None:
    taken = activation.taken_tags(p, hires=hires)
    if taken:
        _stand_beside(p, run, app, taken, frozenset(), hires=hires)
        activation.write_hashes(p)
        return
    state = arrival(p.sd_model, app.file.path)
    if state.arrived:
        return
    tags = [tag for tag in activation.tags_of(p, hires=hires) if names_file(tag.name, app.file.path)]
    if app.may_bypass and not run.left_to_host and tags:
        _stand_beside(p, run, app, tags, places_taken(p.sd_model, app.file.path), hires=hires)
    else:
        _not_arrived(p, state.notice(app.file.name))


def _stand_beside(
    p: Any, run: _Run, app: Application, tags: Sequence[LoraTag], there: frozenset[layers.Place], *, hires: bool
) -> None:
    """Put the modules of the file that are not `there` yet beside the layers of the net."""
    name = app.file.name
    try:
        found = _match(p.sd_model, app)
        missing = [one for one in found.placed if layers.place_of(one) not in there]
        bypass = Bypass(missing) if there else found.whole
    except (UnfitError, UnheldError) as error:
        _not_arrived(p, f"{name} {error}: this picture was drawn without it.")
        return
    net = layers.net_of(p.sd_model)
    if net is None or not bypass.modules:
        _not_arrived(p, Arrival(len(there), found.of).notice(name))
        return
    if found.unknown:
        say(p, infotext.NOTICE, Arrival(found.of - found.unknown, found.of).notice(name))
    room.reserve(p, bypass.bytes(room.computation_dtype(p.sd_model)))
    p.extra_generation_params[infotext.APPLIED] = BYPASS
    run_beside(
        p,
        net,
        bypass,
        _weight(app, tags, hires=hires),
        ran=lambda: _check(p, run, bypass, name),
        failed=lambda fault: _leave_to_host(p, run, name, fault, hires=hires),
    )
    run.awaited.append(name)


def _weight(app: Application, tags: Sequence[LoraTag], *, hires: bool) -> Weight:
    """The pass's weight: the plan's schedule, or what the tags say; a file that is tagged twice counts twice."""
    if app.schedule is not None:
        return app.schedule
    given = (tag.hires if hires and tag.hires is not None else tag.unet for tag in tags)
    weights = list(dict.fromkeys(1.0 if weight is None else weight for weight in given))
    schedule = next((weight for weight in weights if isinstance(weight, WeightSchedule)), None)
    return schedule or sum(weight for weight in weights if not isinstance(weight, WeightSchedule))


def _check(p: Any, run: _Run, bypass: Bypass, name: str) -> None:
    """After a run: an engine that does not run the layers (TensorRT) has run without the LoRA."""
    run.awaited.clear()
    if bypass.ran < len(bypass.layers):
        _not_arrived(p, Arrival(bypass.ran, len(bypass.layers)).notice(name))


def end_batch(p: Any) -> None:
    """Before the infotexts of a batch: another sampler than the one that had the bypass has run without the LoRA."""
    run: _Run | None = getattr(p, _RUN, None)
    for name in dict.fromkeys(run.awaited if run else ()):
        p.extra_generation_params.pop(infotext.APPLIED, None)
        _not_arrived(p, f"{name} did not reach the model: another sampler ran than the one that this pass began with.")
    if run:
        run.awaited.clear()


def _not_arrived(p: Any, notice: str) -> None:
    say(p, infotext.NOTICE, notice)
    if is_ticked(OPTION_STOP):
        stop_generation(p)
        say(p, infotext.NOTICE, f"The generation was stopped, as Settings > {TITLE} asks.")


def _leave_to_host(p: Any, run: _Run, name: str, fault: Exception | None, *, hires: bool) -> None:
    """No room beside the layers, or a fault: have the host merge the file, in this pass and in those to come."""
    run.left_to_host = True
    run.awaited.clear()
    p.extra_generation_params.pop(infotext.APPLIED, None)
    forget()
    taken = activation.has_taken(p)
    if taken:
        activation.activate_all(p, hires=hires)
    why = f"There was no room for {name} beside the layers"
    if fault is not None:
        why = f"A fault ({type(fault).__name__}) kept {TITLE} from seeing to it that {name} reaches the model"
    what = ": it was merged into the model instead." if taken else "; see the console."
    say(p, infotext.NOTICE, f"{why}{what}")


# Shared --------------------------------------------------------------------------------------------------------


def _match(model: Any, app: Application) -> layers.Match:
    return layers.match(model, app.file.path, tensors_of(app.file.path))


def _bypass(model: Any, app: Application) -> Bypass:
    """The whole file beside the layers. Raises UnfitError or UnheldError."""
    return _match(model, app).whole
