"""POST /hypersd/v1/plan: the plan for a txt2img request. It changes nothing."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from ..host import checkpoints, lists, page_texts, reading
from ..host.threads import off_the_loop
from ..plan.decide import Activation, decide, read_activation
from ..plan.how_applied import remark
from ..plan.result import FIELD_TITLES, Plan
from ..request.request import Request as PlanRequest
from ..text import echo
from .access import InvalidBodyError, Json, body_of, fields_of, guarded_router, json_body, json_of

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
    return await _planned(await body_of(request))


@off_the_loop
def _planned(raw: bytes) -> Response:
    body = json_of(raw)
    if not isinstance(body, dict):
        raise InvalidBodyError("The body must be an object like that of /sdapi/v1/txt2img.")
    activation = _activation(body["hypersd"]) if "hypersd" in body else Activation("tags")
    return Json(_answer(body, activation))


def _activation(values: object) -> Activation:
    if not isinstance(values, dict):
        raise InvalidBodyError(f"hypersd is {echo(values)}; it takes an object.", "hypersd")
    activation = read_activation([values], {}, lists.host_lists())
    if activation.error:
        raise InvalidBodyError(str(activation.error), "hypersd", activation.error.field)
    return activation


def _answer(body: Mapping[str, Any], activation: Activation) -> dict[str, Any]:
    overrides = body.get("override_settings")
    overrides = overrides if isinstance(overrides, dict) else {}
    values = _checked(body)
    request = reading.request_from_values(values, overrides)
    name, hr_name = overrides.get("sd_model_checkpoint"), body.get("hr_checkpoint_name")
    checkpoint = checkpoints.selected_checkpoint(name if isinstance(name, str) else None)
    hr_checkpoint = checkpoints.named_checkpoint(hr_name if isinstance(hr_name, str) else None, checkpoint)
    inputs = reading.plan_inputs(request, checkpoint, hr_checkpoint, overrides, may_plan=activation.may_plan)
    plan = decide(inputs, activation).plan or Plan.unchanged(request)
    return {
        "active": plan.active,
        "checkpoint": checkpoint.name,
        "family": checkpoint.family,
        **fields_of(plan, "lora", "weight", "summary", "eta"),
        **({"weight": str(plan.schedule)} if plan.schedule else {}),
        "remark": remark(inputs, plan),
        "applied": plan.application.way(inputs.storage) if plan.application else None,
        "values": {**_values(request, plan), **(page_texts.without_styles(values) if values.get("styles") else {})},
        "changes": [{"field": c.field, "from": c.before, "to": c.after, "reason": c.reason} for c in plan.changes],
        "notices": list(plan.notices),
    }


def _values(request: PlanRequest, plan: Plan) -> dict[str, Any]:
    """The request's fields after the plan; those that the host does not have are left out."""
    values = {name: getattr(request, name, None) for name in FIELD_TITLES}
    values.update({c.field: c.after for c in plan.settings_changes})
    values["prompt"] = plan.prompts[0]
    values["hr_prompt"] = plan.hr_prompts[0] if plan.hr_prompts else None
    return {name: value for name, value in values.items() if value is not None}


_NUMBERS = (
    "steps cfg_scale distilled_cfg_scale denoising_strength hr_scale hr_second_pass_steps hr_cfg hr_distilled_cfg "
    "hr_resize_x hr_resize_y width height batch_size n_iter seed"
).split()
_DECIMALS = ("cfg_scale", "distilled_cfg_scale", "denoising_strength", "hr_scale", "hr_cfg", "hr_distilled_cfg")
_LARGEST = 2**64
"""Above any seed; NaN and infinities are above it too."""
_MAY_BE_NEGATIVE = ("seed", "hr_cfg")
_TEXTS = ("prompt", "negative_prompt", "sampler_name", "scheduler", "hr_upscaler", "hr_sampler_name")
_MORE_TEXTS = ("hr_scheduler", "hr_prompt", "hr_negative_prompt", "sampler_index", "refiner_checkpoint")


def _checked(body: Mapping[str, Any]) -> dict[str, Any]:
    """A txt2img body with the host's own defaults, its types checked. Raises InvalidBodyError."""
    values = {**reading.txt2img_defaults(), **{k: v for k, v in body.items() if v is not None}}
    for key in _NUMBERS:
        if values.get(key) is not None:
            values[key] = _number(key, values[key])
    for key in (*_TEXTS, *_MORE_TEXTS):
        if not isinstance(values.get(key), str | None):
            raise InvalidBodyError(f"{key} is {echo(values[key])}; it takes a text.", key)
    if not isinstance(values.get("enable_hr", False), bool):
        raise InvalidBodyError(f"enable_hr is {echo(values['enable_hr'])}; it takes true or false.", "enable_hr")
    styles = values.get("styles", [])
    if not isinstance(styles, list) or not all(isinstance(style, str) for style in styles):
        raise InvalidBodyError(f"styles is {echo(styles)}; it takes a list of names.", "styles")
    return values


def _number(key: str, value: object) -> float | int:
    whole = key not in _DECIMALS
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise InvalidBodyError(f"{key} is {echo(value)}; it takes a number.", key)
    if value < 0 and key not in _MAY_BE_NEGATIVE or (whole and value != int(value)):
        what = "a whole number" if whole else "a number"
        raise InvalidBodyError(f"{key} is {echo(value)}; it takes {what} from 0.", key)
    return int(value) if whole else float(value)
