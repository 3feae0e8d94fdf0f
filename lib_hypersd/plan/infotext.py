"""A plan as text: the infotext's keys, its entries, and the notice under the picture."""

from ..request.weight_schedule import Weight, WeightSchedule
from .result import Plan

NAME = "Hyper-SD"
WEIGHT = "Hyper-SD weight"
CHANGES = "Hyper-SD changes"
NOTICE = "Hyper-SD notice"
ERROR = "Hyper-SD error"
ETA = "Hyper-SD eta"
HIRES_WEIGHT = "Hyper-SD hires weight"
APPLIED = "Hyper-SD applied"
"""How the LoRA reached the model, where that was not the host's own merge; written once it is there."""
OWN_KEYS = (NAME, WEIGHT, HIRES_WEIGHT, APPLIED, CHANGES, NOTICE, ERROR, ETA)


def entries(plan: Plan) -> dict[str, str]:
    """What a plan adds to `extra_generation_params`."""
    values = {
        NAME: plan.lora if plan.active else None,
        WEIGHT: _weight(plan.schedule or plan.weight),
        HIRES_WEIGHT: _weight(plan.hires_weight),
        CHANGES: changes(plan),
        NOTICE: plan.notice,
    }
    return {key: value for key, value in values.items() if value}


def _weight(weight: Weight | None) -> str | None:
    return str(weight) if isinstance(weight, WeightSchedule) else None if weight is None else format(weight, "g")


def changes(plan: Plan) -> str:
    """A plan's changes as one compact line: "steps 20 → 8 (trained for 8), CFG 7 → 1 (recipe 1–1.5)"."""
    return ", ".join(f"{change} ({change.reason})" for change in plan.changes)


def comment(plan: Plan) -> str:
    """The notice under the picture: what was done, then what could not be done."""
    done = f"{NAME}: {plan.summary}." if plan.active else f"{NAME}:"
    changed = f" Changed: {changes(plan)}." if plan.changes else ""
    notice = f" {plan.notice}" if plan.notice else ""
    return f"{done}{changed}{notice}" if plan.active or notice or changed else ""
