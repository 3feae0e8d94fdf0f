"""POST /hypersd/v1/plan: the plan for a txt2img request. It changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from ..host import checkpoints, lists, reading
from ..plan.decide import Asked, settle
from ..request.request import FIELD_TITLES, Plan
from ..request.request import Request as PlanRequest
from ..request.settings import Settings, SettingsError, echo, from_object, with_listed_names
from .access import InvalidBodyError, Json, fields_of, guarded_router, json_body, json_of

router = guarded_router()
_BODY = json_body(
    {
        "description": "A /sdapi/v1/txt2img body; the settings stand under `hypersd`.",
        "properties": {"hypersd": {"type": "object"}},
    },
    {"prompt": "a red circle", "steps": 20, "hypersd": {"lora": "auto"}},
)


@router.post("/plan", openapi_extra=_BODY)
async def plan(request: Request) -> Response:
    """What would be done to a txt2img request; 422 with the field's name where the input is bad."""
    body = await json_of(request)
    if not isinstance(body, dict):
        raise InvalidBodyError("The body must be an object like that of /sdapi/v1/txt2img.")
    settings = _settings(body["hypersd"]) if "hypersd" in body else None
    return Json(_answer(body, _request(body), settings))


def _settings(values: object) -> Settings:
    if not isinstance(values, dict):
        raise InvalidBodyError(f"hypersd is {echo(values)}; it takes an object.", "hypersd")
    try:
        return with_listed_names(from_object(values), lists.host_lists())
    except SettingsError as error:
        raise InvalidBodyError(str(error), "hypersd", error.field) from None


def _answer(body: Mapping[str, Any], request: PlanRequest, settings: Settings | None) -> dict[str, Any]:
    overrides = body.get("override_settings")
    overrides = overrides if isinstance(overrides, dict) else {}
    name, hr_name = overrides.get("sd_model_checkpoint"), body.get("hr_checkpoint_name")
    checkpoint = checkpoints.selected_checkpoint(name if isinstance(name, str) else None)
    hr_checkpoint = checkpoints.named_checkpoint(hr_name if isinstance(hr_name, str) else None, checkpoint)
    _, plan = settle(Asked(request, checkpoint, hr_checkpoint, overrides), settings)
    made = plan or Plan(False, prompts=request.prompts, main_prompt=request.main_prompt, hr_prompts=request.hr_prompts)
    return {
        "active": made.active,
        "checkpoint": checkpoint.name,
        "family": checkpoint.family,
        **fields_of(made, "lora", "weight", "summary", "eta"),
        "values": _values(request, made),
        "changes": [{"field": c.field, "from": c.before, "to": c.after, "reason": c.reason} for c in made.changes],
        "notices": list(made.notices),
    }


def _values(request: PlanRequest, plan: Plan) -> dict[str, Any]:
    """The request's fields after the plan; those that the host does not have are left out."""
    values = {name: getattr(request, name, None) for name in FIELD_TITLES}
    values.update({c.field: c.after for c in plan.settings_changes})
    values["prompt"] = plan.prompts[0]
    values["hr_prompt"] = plan.hr_prompts[0] if plan.hr_prompts else None
    return {name: value for name, value in values.items() if value is not None}


_NUMBERS = {
    "steps": int,
    "cfg_scale": float,
    "distilled_cfg_scale": float,
    "denoising_strength": float,
    "hr_scale": float,
    "hr_second_pass_steps": int,
    "hr_cfg": float,
    "hr_distilled_cfg": float,
    "hr_resize_x": int,
    "hr_resize_y": int,
    "width": int,
    "height": int,
    "batch_size": int,
    "n_iter": int,
    "seed": int,
}
_LARGEST = 2**64
"""Above any seed; NaN and infinities are above it too."""
_MAY_BE_NEGATIVE = ("seed", "hr_cfg")
_TEXTS = ("prompt", "negative_prompt", "sampler_name", "scheduler", "hr_upscaler", "hr_sampler_name")
_MORE_TEXTS = ("hr_scheduler", "hr_prompt", "sampler_index", "refiner_checkpoint")


def _request(body: Mapping[str, Any]) -> PlanRequest:
    """A PlanRequest from a txt2img body, with the host's own defaults. Raises InvalidBodyError."""
    values = {**reading.txt2img_defaults(), **{k: v for k, v in body.items() if v is not None}}
    for key, kind in _NUMBERS.items():
        if values.get(key) is not None:
            values[key] = _number(key, values[key], kind)
    for key in (*_TEXTS, *_MORE_TEXTS):
        if not isinstance(values.get(key), str | None):
            raise InvalidBodyError(f"{key} is {echo(values[key])}; it takes a text.", key)
    if not isinstance(values.get("enable_hr", False), bool):
        raise InvalidBodyError(f"enable_hr is {echo(values['enable_hr'])}; it takes true or false.", "enable_hr")
    return reading.request_from_values(values)


def _number(key: str, value: object, kind: type) -> float | int:
    whole = kind is int
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise InvalidBodyError(f"{key} is {echo(value)}; it takes a number.", key)
    if value < 0 and key not in _MAY_BE_NEGATIVE or (whole and value != int(value)):
        what = "a whole number" if whole else "a number"
        raise InvalidBodyError(f"{key} is {echo(value)}; it takes {what} from 0.", key)
    return int(value) if whole else float(value)
