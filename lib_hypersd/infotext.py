"""The account in a picture's infotext, and the panel's values back from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import recipes
from .catalog import BY_NAME, ONE_STEP_UNETS, Variant
from .own_sampling import TCD_ETA, tcd_eta
from .prompt_tags import find_tags
from .request import Plan
from .second_pass import on_trained_timesteps
from .settings import KEYS, PANEL_DEFAULTS, Setting

NAME = "Hyper-SD"
WEIGHT = "Hyper-SD weight"
CHANGES = "Hyper-SD changes"
NOTICE = "Hyper-SD notice"
ERROR = "Hyper-SD error"
ETA = "Hyper-SD eta"
OWN_KEYS = (NAME, WEIGHT, CHANGES, NOTICE, ERROR, ETA)


def entries(plan: Plan) -> dict[str, str]:
    """What a plan adds to `extra_generation_params`."""
    found = {
        NAME: plan.lora if plan.active else None,
        WEIGHT: format(plan.weight, "g") if plan.weight is not None else None,
        CHANGES: account(plan),
        NOTICE: plan.notice,
    }
    return {key: value for key, value in found.items() if value}


def account(plan: Plan) -> str:
    """The changes as one compact line: "steps 20 → 8 (trained for 8), CFG 7 → 1 (recipe 1–1.5)"."""
    return ", ".join(f"{change} ({change.reason})" for change in plan.changes)


def comment(plan: Plan) -> str:
    """The notice under the picture: what was done, then what could not be done."""
    done = f"{NAME}: {plan.summary}." if plan.active else f"{NAME}:"
    changed = f" Changed: {account(plan)}." if plan.changes else ""
    notice = f" {plan.notice}" if plan.notice else ""
    return f"{done}{changed}{notice}" if plan.active or notice or changed else ""


def panel_value(key: str, params: Mapping[str, Any]) -> Any:
    """The panel component `key`'s value for a pasted infotext, so that generating again changes nothing.

    A component keeps its default wherever the default would leave the pasted value alone.
    """
    if NAME not in params:
        return False if key == "enabled" else getattr(PANEL_DEFAULTS, key)
    paste = _PASTE.get(key)
    return paste(params) if paste else getattr(PANEL_DEFAULTS, key)


def _lora(params: Mapping[str, Any]) -> str:
    name = str(params[NAME])
    return "auto" if name.endswith("-Unet") else name


def _trained(params: Mapping[str, Any]) -> int | None:
    variant = BY_NAME.get(str(params[NAME]))
    return variant.steps if variant else None


def _steps(params: Mapping[str, Any]) -> str:
    steps = str(params.get("Steps", ""))
    if steps == str(_trained(params)):
        return "auto"
    return steps if steps.isdigit() and 1 <= int(steps) <= 16 else "keep"


def _cfg(params: Mapping[str, Any]) -> str:
    variant = BY_NAME.get(str(params[NAME]))
    if variant is None:
        return "keep"
    recipe = _recipe(variant)
    pasted = [params[key] for key in ("CFG scale", "Hires CFG Scale") if key in params]
    return "clamp" if all(recipe.cfg.holds(_number(cfg)) for cfg in pasted) else "keep"


def _distilled(params: Mapping[str, Any]) -> str:
    flux = recipes.recipe_for("flux", "plain", 8).distilled_cfg
    pasted = [params[key] for key in ("Distilled CFG Scale", "Hires Distilled CFG Scale") if key in params]
    return "clamp" if flux and all(flux.holds(_number(cfg)) for cfg in pasted) else "keep"


def _recipe(variant: Variant) -> recipes.Recipe:
    return recipes.recipe_for(variant.family, variant.kind, variant.steps, unified=variant.unified)


_SAME = "Use same "
"""What the hosts' parsers put where the hires pass has the first one's."""
_STOCK_RECIPE = recipes.recipe_for("sd15", "plain", recipes.DEFAULT_STEPS)
"""What most recipes sample with."""


def _sampling(params: Mapping[str, Any]) -> str:
    """ "auto" where all passes have the recipe's sampler and schedule type, which go together."""
    variant = BY_NAME.get(str(params[NAME]))
    recipe = _recipe(variant) if variant else _STOCK_RECIPE
    if params[NAME] in ONE_STEP_UNETS:
        recipe = recipes.ONE_STEP_UNET
    for recipes_own, keys in (
        (recipe.sampler, ("Sampler", "Hires sampler")),
        (recipe.scheduler, ("Schedule type", "Hires schedule type")),
    ):
        drawn = {params[key] for key in keys if key in params and not str(params[key]).startswith(_SAME)}
        if not drawn <= {recipes_own}:
            return "keep"
    return "auto"


def panel_eta(params: Mapping[str, Any], several: float | None) -> Setting:
    """The panel's Eta for a pasted infotext; "auto" where that is what comes by itself.

    `several` is the host's option for two or more steps, None where that is no number.
    """
    eta, steps = _number(params.get(ETA, -1)), 1 if params.get("Steps") == "1" else 2
    return "auto" if eta < 0 or eta == tcd_eta(steps, TCD_ETA if several is None else several) else params[ETA]


def _weight(params: Mapping[str, Any]) -> str:
    # The weight comes back with the tag in the prompt; without one, the number is told.
    tagged = any(tag.name == params[NAME] for tag in find_tags(str(params.get("Prompt", ""))))
    return "auto" if tagged or WEIGHT not in params else str(params[WEIGHT])


def _second_pass(params: Mapping[str, Any]) -> str:
    """ "auto" where there is no hires pass, or where it stands on the trained timesteps as it is."""
    if "Hires upscale" not in params and "Hires resize" not in params:
        return "auto"
    steps, denoise = _steps(params), _number(params.get("Denoising strength"))
    trained = int(steps) if steps.isdigit() else _trained(params)
    second = on_trained_timesteps(trained, denoise) if trained else None
    pasted = (_number(params.get("Hires steps")), denoise)
    return "auto" if second is not None and (second.steps, second.denoise) == pasted else "keep"


def _number(text: Any) -> float:
    try:
        return float(text)
    except (TypeError, ValueError):
        return -1.0


_PASTE: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "enabled": lambda params: True,
    "lora": _lora,
    "steps": _steps,
    "weight": _weight,
    "cfg": _cfg,
    "distilled_cfg": _distilled,
    "sampler": _sampling,
    "scheduler": _sampling,
    "hires_steps": _second_pass,
    "hires_denoise": _second_pass,
}
assert set(_PASTE) <= set(KEYS)
