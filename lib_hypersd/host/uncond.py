"""A1111 at CFG 1: no evaluation of the negative prompt where it cannot matter.

A1111 evaluates the negative prompt at any CFG, for cond + 0 · (cond - uncond). Its option `skip_early_cond` leaves that
out for a share of the steps; 1 is all of them. The option also turns guidance off at any other CFG, so it must never
outlive its run, and must not be seen by whoever reads or saves the options meanwhile. Therefore it is not set: for one
evaluation at a time, and only where the result is the same, the denoiser's module sees a view of the options in which
it is 1.
"""

from functools import partial
from typing import Any

from modules import script_callbacks, sd_samplers_cfg_denoiser, shared

from .options import report
from .sampler_runs import has_bypass
from .views import with_options

_OPTION, _INFOTEXT = "skip_early_cond", "Skip Early CFG"
_CALLBACKS = ("callbacks_cfg_denoiser", "callbacks_cfg_denoised", "callbacks_cfg_after_cfg")
_FIELDS = ("cond_scale_miltiplier", "need_last_noise_uncond", "combine_denoised", "get_pred_x0")
"""Attributes that the denoiser must have; an older A1111 lacks some."""
_READERS = ("forward", "combine_denoised", "get_pred_x0")
"""Methods of the denoiser that other extensions replace in order to work with the uncond."""


def skip_idle_uncond(p: Any) -> None:
    """Have the sampler of `p` leave out the uncond wherever it changes nothing; for this sampler's life only.

    Does nothing on hosts that leave it out themselves.
    """
    denoiser: Any = getattr(getattr(p, "sampler", None), "model_wrap_cfg", None)
    if denoiser is None or not _evaluates_it(p, denoiser) or _is_read(p, denoiser):
        return
    module: Any = sd_samplers_cfg_denoiser
    forward, params = denoiser.forward, p.extra_generation_params
    shown = with_options(module, **{_OPTION: 1.0})

    def without_idle_uncond(
        x: Any, sigma: Any, uncond: Any, cond: Any, cond_scale: Any, *rest: Any, **more: Any
    ) -> Any:
        evaluate = partial(forward, x, sigma, uncond, cond, cond_scale, *rest, **more)
        if not _is_idle(denoiser, cond, cond_scale):
            return evaluate()
        real, module.shared = module.shared, shown
        try:
            return evaluate()
        except Exception:
            if has_bypass(p.sampler):  # whose run begins again
                raise
            report("An evaluation without the uncond failed: the rest is evaluated with it", exc_info=True)
        finally:
            module.shared = real
            if _INFOTEXT in params:
                del params[_INFOTEXT]
        denoiser.forward = forward
        return evaluate()

    denoiser.forward = without_idle_uncond


def _is_idle(denoiser: Any, cond: Any, cond_scale: Any) -> bool:
    """Whether the uncond of an evaluation changes nothing."""
    try:
        # A sampler shows only while it samples that it reads the uncond's noise.
        guided = cond_scale != 1 or denoiser.cond_scale_miltiplier != 1
        return not guided and not denoiser.need_last_noise_uncond and _one_cond_each(cond)
    except Exception:  # in the middle of a picture
        report("Whether the uncond is idle can't be told", exc_info=True)
        return False


def _evaluates_it(p: Any, denoiser: Any) -> bool:
    """Whether this host evaluates the uncond at CFG 1, and has all that it takes to leave it out.

    Forge and its kin, whose models bring `forge_objects`, leave it out themselves; their denoisers lack some fields.
    """
    brings_own_backend = hasattr(p.sd_model, "forge_objects")
    return not brings_own_backend and hasattr(shared.opts, _OPTION) and all(hasattr(denoiser, f) for f in _FIELDS)


def _is_read(p: Any, denoiser: Any) -> bool:
    """Whether anything else may read the uncond, or an option of the person decides already."""
    opts, kind = shared.opts, type(denoiser)
    made_by = [kind.__module__, *(getattr(kind, name).__module__ for name in _READERS)]
    replaced = not all(name.startswith("modules.") for name in made_by) or any(
        name in vars(denoiser) for name in _READERS
    )
    options = opts.skip_early_cond or getattr(p, "s_min_uncond", 0) or opts.live_preview_content == "Negative prompt"
    has_callbacks = any(script_callbacks.callback_map.get(name) for name in _CALLBACKS)
    # Inpainting and unCLIP models, whose image conditioning the option leaves at twice the batch; InstructPix2Pix.
    special = shared.sd_model.model.conditioning_key != "crossattn" or shared.sd_model.cond_stage_key == "edit"
    return bool(replaced or options or has_callbacks or special)


def _one_cond_each(cond: Any) -> bool:
    """Whether every prompt of the batch has one cond of weight 1: no AND, no "prompt :0.8"."""
    return all(len(parts) == 1 and parts[0].weight == 1 for parts in cond.batch)
