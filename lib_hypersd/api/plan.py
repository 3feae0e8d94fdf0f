"""The three endpoints under /hypersd/v1: status, catalog, plan. None of them changes anything."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import gradio
from fastapi import FastAPI, Request
from fastapi.responses import Response

from .. import VERSION
from ..host import checkpoints, lists, loras, options, reading, sampling, server
from ..models import catalog
from ..models.recipes import Dial
from ..plan.decide import Activation, decide, read_activation
from ..plan.result import FIELD_TITLES, PROMPT_FIELDS, Plan
from ..request.request import Request as PlanRequest
from ..request.settings import SettingsError
from ..sampling.names import SCHEDULES
from ..text import echo
from .access import Json, guarded_router, json_body, json_of, unprocessable


def add_routes(app: FastAPI) -> None:
    """Add the endpoints to the host's app, behind its credentials.

    "Reload UI" makes a new app each time, so there is nothing to take out.
    """
    router = guarded_router()
    router.add_api_route("/status", status, methods=["GET"])
    router.add_api_route("/catalog", catalog_entries, methods=["GET"])
    router.add_api_route("/plan", plan, methods=["POST"], openapi_extra=_PLAN_BODY)
    app.include_router(router)


async def status() -> Response:
    """Version, host, gradio, the selected checkpoint and its family, the Hyper-SD LoRA files found."""
    checkpoint, index = checkpoints.selected_checkpoint(), loras.lora_index()
    answer = {
        "version": VERSION,
        "host": server.host_name(),
        "gradio": gradio.__version__,
        "checkpoint": checkpoint.name,
        "family": checkpoint.family,
        "loras": [
            {"name": f.name, "family": f.family, "steps": f.steps, "kind": f.kind, "damaged": index.damage(f)}
            for f in index.files
        ],
        "samplers": [name for name in SCHEDULES if name in sampling.own_samplers()],
        "schedulers": [name for name in SCHEDULES if name in sampling.own_schedules()],
    }
    return Json(answer)


async def catalog_entries() -> Response:
    """Every published LoRA with its recipe, presence, size in bytes, licence and source; and the checkpoints."""
    index = loras.lora_index()
    checkpoints = [
        {"name": name, "family": "sdxl", "steps": 1, "size": size, "licence": catalog.CARD_LICENCE, "source": _CARD}
        for name, size in catalog.ONE_STEP_UNETS.items()
    ]
    variants = [{**_variant(v), "present": index.has(v)} for v in catalog.VARIANTS]
    return Json({"variants": variants, "checkpoints": checkpoints})


_CARD = f"https://huggingface.co/{catalog.REPO}"


def _variant(variant: catalog.Variant) -> dict[str, Any]:
    recipe = options.preferences().recipe(
        variant.family, variant.kind, variant.steps, file=variant.name, unified=variant.unified
    )
    return {
        "name": variant.name,
        "file": variant.file,
        "family": variant.family,
        "steps": variant.steps,
        "kind": variant.kind,
        "size": variant.size,
        "licence": variant.licence,
        "source": f"https://huggingface.co/{variant.repo}",
        "recipe": {
            "weight": recipe.weight,
            "steps": variant.steps,
            "cfg": _dial(recipe.cfg),
            "distilled_cfg": _dial(recipe.distilled_cfg) if recipe.distilled_cfg else None,
            "sampler": recipe.sampler,
            "scheduler": recipe.scheduler,
        },
    }


def _dial(dial: Dial) -> dict[str, float]:
    return {"value": dial.value, "low": dial.low, "high": dial.high}


# Plan ----------------------------------------------------------------------------------------------------------

_PLAN_BODY = json_body(
    {
        "description": "A /sdapi/v1/txt2img body; the settings stand under `hypersd`.",
        "properties": {"hypersd": {"type": "object"}},
    },
    {"prompt": "a red circle", "steps": 20, "hypersd": {"lora": "auto"}},
)


async def plan(request: Request) -> Response:
    """What would be done to a txt2img request; 422 with the field's name where the input is bad."""
    try:
        body = await json_of(request)
    except ValueError:
        return unprocessable((), "The body is not JSON.")
    if not isinstance(body, dict):
        return unprocessable((), "The body must be an object like that of /sdapi/v1/txt2img.")
    requested = body.get("hypersd")
    if "hypersd" in body and not isinstance(requested, dict):
        return unprocessable(("hypersd",), f"hypersd is {echo(requested)}; it takes an object.")
    activation = read_activation([requested], {}, lists.host_lists()) if requested is not None else Activation("tags")
    if activation.error:
        return unprocessable(("hypersd", activation.error.field), str(activation.error))
    try:
        plan_request = _request(body)
    except SettingsError as error:
        return unprocessable((error.field,), str(error))
    return Json(_answer(body, plan_request, activation))


def _answer(body: Mapping[str, Any], request: PlanRequest, activation: Activation) -> dict[str, Any]:
    overrides = body.get("override_settings")
    overrides = overrides if isinstance(overrides, dict) else {}
    name = overrides.get("sd_model_checkpoint")
    checkpoint = checkpoints.selected_checkpoint(name if isinstance(name, str) else None)
    hr_name = body.get("hr_checkpoint_name")
    hr_checkpoint = checkpoints.named_checkpoint(hr_name if isinstance(hr_name, str) else None, checkpoint)
    decision = decide(reading.plan_inputs(request, checkpoint, hr_checkpoint, overrides), activation)
    plan = decision.plan or Plan.unchanged(request)
    return {
        "active": plan.active,
        "checkpoint": checkpoint.name,
        "family": checkpoint.family,
        "lora": plan.lora,
        "weight": plan.weight,
        "summary": plan.summary,
        "eta": plan.eta,
        "values": _values(request, plan),
        "changes": [{"field": c.field, "from": c.before, "to": c.after, "reason": c.reason} for c in plan.changes],
        "notices": list(plan.notices),
    }


def _values(request: PlanRequest, plan: Plan) -> dict[str, Any]:
    """The request's fields as they will be; those that the host does not have are left out."""
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
    """A PlanRequest from a txt2img body, with the host's own defaults. Raises SettingsError."""
    values = {**reading.txt2img_defaults(), **{k: v for k, v in body.items() if v is not None}}
    for key, kind in _NUMBERS.items():
        if values.get(key) is not None:
            values[key] = _number(key, values[key], kind)
    for key in (*_TEXTS, *_MORE_TEXTS):
        if not isinstance(values.get(key), str | None):
            raise SettingsError(key, f"{key} is {echo(values[key])}; it takes a text.")
    if not isinstance(values.get("enable_hr", False), bool):
        raise SettingsError("enable_hr", f"enable_hr is {echo(values['enable_hr'])}; it takes true or false.")
    return reading.request_from_values(values)


def _number(key: str, value: object, kind: type) -> float | int:
    whole = kind is int
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        raise SettingsError(key, f"{key} is {echo(value)}; it takes a number.")
    if value < 0 and key not in _MAY_BE_NEGATIVE or (whole and value != int(value)):
        raise SettingsError(
            key, f"{key} is {echo(value)}; it takes {'a whole number' if whole else 'a number'} from 0."
        )
    return int(value) if whole else float(value)


assert {f.name for f in dataclasses.fields(PlanRequest)} >= set(FIELD_TITLES) - set(PROMPT_FIELDS)
