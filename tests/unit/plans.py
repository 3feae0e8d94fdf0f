"""Requests and plans for the tests, in short calls."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from lib_hypersd.models.checkpoint import Checkpoint
from lib_hypersd.models.lora_index import LoraIndex
from lib_hypersd.plan import make
from lib_hypersd.plan.draft import Inputs
from lib_hypersd.plan.result import Plan
from lib_hypersd.request.preferences import NO_PREFERENCES, Preferences
from lib_hypersd.request.request import HostTraits, Request
from lib_hypersd.request.settings import Settings

_TRAITS = {field.name for field in fields(HostTraits)}


def build_request(**values: Any) -> Request:
    """A request of these fields; those of `HostTraits` are the host's."""
    traits = {name: values.pop(name) for name in _TRAITS & values.keys()}
    return Request(**values, host=HostTraits(**traits))


def request_with(request: Request, **values: Any) -> Request:
    """`request` with other fields; those of `HostTraits` are the host's."""
    traits = {name: values.pop(name) for name in _TRAITS & values.keys()}
    return replace(request, host=replace(request.host, **traits), **values)


def make_plan(
    request: Request,
    settings: Settings,
    checkpoint: Checkpoint,
    index: LoraIndex,
    hr_checkpoint: Checkpoint | None = None,
    preferences: Preferences = NO_PREFERENCES,
) -> Plan:
    return make.make_plan(Inputs(request, checkpoint, index, hr_checkpoint, preferences), settings)


def plan_for_tags(
    request: Request,
    checkpoint: Checkpoint,
    index: LoraIndex,
    hr_checkpoint: Checkpoint | None = None,
    preferences: Preferences = NO_PREFERENCES,
) -> Plan:
    return make.plan_for_tags(Inputs(request, checkpoint, index, hr_checkpoint, preferences))


def plan_for_own_sampling(request: Request, checkpoint: Checkpoint) -> Plan | None:
    return make.plan_for_own_sampling(Inputs(request, checkpoint))
