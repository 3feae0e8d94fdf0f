"""Hyper-SD's sampler and schedule types in the host's lists, and what a run with them needs of the host."""

import contextlib
import functools
from collections.abc import Callable
from typing import Any

from modules import sd_samplers, sd_samplers_common, sd_samplers_kdiffusion, shared
from torch import Tensor

from ..models.recipes import EULER, SGM_UNIFORM
from ..plan import infotext
from ..sampling.names import AUTOMATIC, ONE_STEP_UNET, SCHEDULES, TCD, TCD_ETA, is_own, tcd_eta
from ..sampling.noise_levels import is_flow, model_sigmas, unit_variance
from ..sampling.schedules import ScheduleError, one_step_sigmas, tcd_sigmas
from ..sampling.tcd import sample_tcd
from .notices import say
from .options import option, report, sd_schedulers

OPTION_ETA = "hypersd_tcd_eta"
_ETA = "_hypersd_eta"

_SIGMAS: dict[str, Callable[[int, Tensor], Tensor]] = {TCD: tcd_sigmas, ONE_STEP_UNET: one_step_sigmas}
_INNER_NAMES = {TCD: "hypersd_tcd", ONE_STEP_UNET: "hypersd_1step_unet"}
"""The hosts cut a schedule's label, name or alias off the end of a sampler's name, after a space: none of these may
be how the name of one of Hyper-SD's samplers ends."""
_MARK = "hypersd"
"""An attribute of the functions that are registered here, by which they are known again after "Reload UI"."""


# In the host's lists -------------------------------------------------------------------------------------------


def register_sampling() -> None:
    """Add Hyper-SD's to the host's lists; again after "Reload UI", where scripts are run anew and modules are not.

    A name that another extension has registered stays that extension's.
    """
    unregister_sampling()
    try:
        _add_all()
    except Exception:
        unregister_sampling()
        raise


def _add_all() -> None:
    for name in SCHEDULES if sd_schedulers is None else (TCD,):
        if name not in sd_samplers.all_samplers_map:
            _add_sampler(name)
    if sd_schedulers is not None:
        for label in SCHEDULES:
            if not {label, _INNER_NAMES[label]} & set(sd_schedulers.schedulers_map):
                _add_schedule(label)
    sd_samplers.set_samplers()
    _keep_sampler_name()


def unregister_sampling() -> None:
    """Remove Hyper-SD's from the host's lists."""
    lookup: Any = getattr(sd_samplers, "get_sampler_and_scheduler", None)
    if hasattr(lookup, _MARK):
        sd_samplers.get_sampler_and_scheduler = lookup.__wrapped__
    sd_samplers.all_samplers[:] = [s for s in sd_samplers.all_samplers if not _is_own(s)]
    for name in own_samplers():
        del sd_samplers.all_samplers_map[name]
    if sd_schedulers is not None:
        sd_schedulers.schedulers[:] = [s for s in sd_schedulers.schedulers if not _is_own(s)]
        for name in [name for name, s in sd_schedulers.schedulers_map.items() if _is_own(s)]:
            del sd_schedulers.schedulers_map[name]
    sd_samplers.set_samplers()


def own_samplers() -> frozenset[str]:
    """Hyper-SD's samplers, by name, that this host lists as such."""
    return frozenset(name for name in SCHEDULES if _is_own(sd_samplers.all_samplers_map.get(name)))


def own_schedules() -> frozenset[str]:
    """Hyper-SD's schedule types, by label, that this host lists as such."""
    known = sd_schedulers.schedulers_map if sd_schedulers is not None else {}
    return frozenset(label for label in SCHEDULES if _is_own(known.get(label)))


def _is_own(entry: Any) -> bool:
    made_by = getattr(entry, "constructor", None) or getattr(entry, "function", None)
    return hasattr(made_by, _MARK)


def _add_sampler(name: str) -> None:
    # "Automatic" means the sampler's own schedule type; ENSD shifts the seed of the noise added at each step.
    options = {"scheduler": _INNER_NAMES[name], "uses_ensd": name == TCD}
    construct = functools.partial(_sampler, name)
    setattr(construct, _MARK, name)
    data = sd_samplers_common.SamplerData(name, construct, [_INNER_NAMES[name]], options)
    sd_samplers.all_samplers.append(data)
    sd_samplers.all_samplers_map[name] = data


def _sampler(name: str, model: Any) -> Any:
    sampler = sd_samplers_kdiffusion.KDiffusionSampler(_sample_tcd if name == TCD else "sample_euler_ancestral", model)
    if sd_schedulers is None:
        sampler.get_sigmas = lambda p, steps: _levels(name, steps, sampler.model_wrap)
    return sampler


def _add_schedule(label: str) -> None:
    def levels(n: int, sigma_min: float, sigma_max: float, inner_model: Any, device: Any) -> Tensor:
        return _levels(label, n, inner_model).to(device)

    setattr(levels, _MARK, label)
    scheduler = sd_schedulers.Scheduler(_INNER_NAMES[label], label, levels, need_inner_model=True)
    sd_schedulers.schedulers.append(scheduler)
    sd_schedulers.schedulers_map.update({label: scheduler, scheduler.name: scheduler})


def _levels(label: str, steps: int, inner_model: Any) -> Tensor:
    try:
        return _SIGMAS[label](steps, model_sigmas(inner_model))
    except ScheduleError as error:
        # Requests are adjusted before they come here: this is another extension's pass of its own.
        report(f"{error} The levels are the WebUI's own.")
    except Exception:  # the host calls this in the middle of a picture, not saying which
        report(f"{label} failed: the levels are the WebUI's own", exc_info=True)
    return _stock_levels(steps, inner_model)


def _stock_levels(steps: int, inner_model: Any) -> Tensor:
    """The model's own noise levels; on a flow model SGM Uniform's, as its own may be black (docs/hosts.md)."""
    levels: Tensor
    with contextlib.suppress(Exception):  # the model's own levels are better than none
        sigmas = model_sigmas(inner_model)
        if is_flow(sigmas) and sd_schedulers is not None:
            ends = {"sigma_min": sigmas[0].item(), "sigma_max": sigmas[-1].item(), "inner_model": inner_model}
            levels = sd_schedulers.schedulers_map[SGM_UNIFORM].function(n=steps, **ends, device=sigmas.device)
            return levels
    levels = inner_model.get_sigmas(steps)
    return levels


def _keep_sampler_name() -> None:
    """Keep the hosts from cutting the sampler's name where another extension calls a schedule type "TCD".

    They would read "Hyper-SD TCD" as a sampler "Hyper-SD" with that schedule type, and fall back to their first one.
    Such an extension may be loaded at any time, and the host looks names up before any hook.
    """
    lookup = getattr(sd_samplers, "get_sampler_and_scheduler", None)
    if lookup is None or TCD not in own_samplers():
        return

    @functools.wraps(lookup)
    def get_sampler_and_scheduler(sampler_name: Any, scheduler_name: Any, **habits: Any) -> tuple[str, str]:
        if sampler_name != TCD:
            found: tuple[str, str] = lookup(sampler_name, scheduler_name, **habits)
            return found
        schedule = lookup(EULER, scheduler_name, **habits)[1]
        own = schedule == TCD and habits.get("convert_automatic", True)
        return TCD, AUTOMATIC if own else schedule

    setattr(get_sampler_and_scheduler, _MARK, TCD)
    sd_samplers.get_sampler_and_scheduler = get_sampler_and_scheduler


# In a run ------------------------------------------------------------------------------------------------------


def names_own_sampling(p: Any) -> bool:
    """Whether `p` has one of Hyper-SD's samplers or schedule types, for either pass."""
    samplers: tuple[Any, ...] = (p.sampler_name, getattr(p, "hr_sampler_name", None))
    schedules: tuple[Any, ...] = (getattr(p, "scheduler", None), getattr(p, "hr_scheduler", None))
    if not is_own(*samplers, *schedules):  # the usual case, for next to nothing
        return False
    return not (own_samplers().isdisjoint(samplers) and own_schedules().isdisjoint(schedules))


def model_noise(p: Any) -> dict[str, Any]:
    """`noise_levels` and `flow` of a Request, as far as the loaded model shows them."""
    model = getattr(p, "sd_model", None)
    unet = getattr(getattr(getattr(model, "forge_objects", None), "unet", None), "model", None)
    predictor = getattr(unet, "predictor", None)
    table = getattr(predictor, "sigmas", getattr(model, "alphas_cumprod", None))
    kind = getattr(predictor, "prediction_type", None)
    return {
        "noise_levels": len(table) if isinstance(table, Tensor) else None,
        "flow": None if kind is None else kind == "const",
    }


def set_eta(p: Any, eta: float | None) -> None:
    """Have TCD generate `p` with this eta; None leaves it to the number of steps and the option."""
    setattr(p, _ETA, eta)


def start_from_unit_variance(p: Any, noise: Tensor) -> None:
    """Scale the noise [n, c, h, w] of a txt2img first pass, in place, where the published pipelines start so.

    That is with Hyper-SD's samplers, and on the 1-step UNet's schedule with any. Noise added to a picture has the
    hosts' scale in the published pipelines too.
    """
    if getattr(p, "is_hr_pass", False) or hasattr(p, "init_images") or shared.opts.sgm_noise_multiplier:
        return
    sampler, schedule = p.sampler_name, getattr(p, "scheduler", None)
    is_own_start = sampler in own_samplers() or (schedule == ONE_STEP_UNET and schedule in own_schedules())
    if is_own_start and not is_flow(model_sigmas(p.sampler.model_wrap)):
        noise.mul_(unit_variance(float(p.sampler.get_sigmas(p, p.steps)[0])))


def option_eta() -> float | None:
    """TCD's eta for several steps by the option; None where that is no number from 0 to 1."""
    value = option(OPTION_ETA, TCD_ETA)
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else None


def _eta(p: Any, steps: int) -> float:
    requested = getattr(p, _ETA, None)
    if requested is not None:
        return float(requested)
    several = option_eta()
    return tcd_eta(steps, TCD_ETA if several is None else several)


def _sample_tcd(
    model: Any, x: Tensor, sigmas: Tensor, extra_args: Any = None, callback: Any = None, disable: Any = None
) -> Tensor:
    """TCD as the host calls it, without a parameter `eta`: the host would give it that of its ancestral samplers."""
    p = model.p
    try:
        if not is_flow(model_sigmas(model)):
            return _tcd(model, x, sigmas, extra_args, callback, disable)
        report(f"{TCD} is for SD 1.5, SD 2 and SDXL: this is a flow model, drawn by {EULER}.")
    except Exception as fault:  # an interruption is none
        report(f"{TCD} failed: the picture is drawn by {EULER}", exc_info=True)
        p.extra_generation_params.pop(infotext.ETA, None)
        message = f"{TCD} met a fault ({type(fault).__name__}): drawn by {EULER} instead; see the console."
        say(p, infotext.NOTICE, message)
    euler = sd_samplers.all_samplers_map[EULER].constructor(p.sd_model).func
    latents: Tensor = euler(model, x, sigmas, extra_args=extra_args, callback=callback, disable=disable)
    return latents


def _tcd(model: Any, x: Tensor, sigmas: Tensor, extra_args: Any, callback: Any, disable: Any) -> Tensor:
    p, steps = model.p, len(sigmas) - 1
    eta = _eta(p, steps)
    if steps > 1 or infotext.ETA not in p.extra_generation_params:  # at one step it changes nothing
        p.extra_generation_params[infotext.ETA] = f"{eta:g}"

    def noise(sigma: Tensor, after: Tensor) -> Tensor:
        fresh: Tensor = p.rng.next()  # each picture of a batch from its own generator
        return fresh.to(x)

    return sample_tcd(model, x, sigmas, extra_args, callback, disable, noise, eta)
