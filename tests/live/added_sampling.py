"""What the scenarios of the added sampler and schedule types share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .client import Drawn, Infotext, Plan
from .scenario import SkippedError, check
from .target import Target

TCD, ONE_STEP_UNET = "Hyper-SD TCD", "Hyper-SD 1-step UNet"
ETA_OPTION = "hypersd_tcd_eta"
MOST_STEPS = 50
HIRES = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "None", "denoising_strength": 0.55}
BY_PAGE = {"sampler_name": TCD, "scheduler": "Automatic", "steps": 2, "cfg_scale": 1.0}
"""A page's own settings: what draws with the sampler and the panel off."""
BY_OBJECT = {"lora": "none", "sampler": TCD, "steps": 2}


def need_noise_levels(target: Target) -> None:
    """The sampler and the schedules are for models with SD's 1000 noise levels."""
    target.need_family("sd15", "sdxl")


def unified(target: Target) -> str:
    """The LoRA for any number of steps from 1 to 8."""
    need_noise_levels(target)
    return target.variant(f"Hyper-{target.family.upper()}-1step-lora").name


def counts(target: Target) -> bool:
    """Whether the host counts its evaluations; one that does is quick, too."""
    return target.client.send("GET", "/miniwebui/v1/stats").status == 200


def evaluations(target: Target, draw: Callable[[], Any]) -> int:
    if not counts(target):
        raise SkippedError("the host does not count its evaluations")
    before = target.client.get("/miniwebui/v1/stats")["evaluations"]
    draw()
    return int(target.client.get("/miniwebui/v1/stats")["evaluations"]) - int(before)


def eta_of(infotext: Infotext) -> float:
    told = infotext.own().get("Hyper-SD eta")
    check(told is not None, f"Hyper-SD eta is missing: {infotext.own()}")
    return float(told or "nan")


def redrawn(target: Target, drawn: Drawn, **fields: Any) -> Drawn:
    """The picture of an infotext with the panel off: the host's fields, and eta by its option, as a paste sets it."""
    options = {ETA_OPTION: eta_of(drawn.infotext)}
    return target.draw_infotext(drawn.infotext, override_settings=options, **fields)


def named(drawn: Drawn) -> tuple[str | None, str | None]:
    return drawn.infotext.fields.get("Sampler"), drawn.infotext.fields.get("Schedule type")


def no_warning(plan: Plan) -> None:
    """No notice that calls sampler or schedule wrong."""
    for word in ("expect", "not the recipe"):
        check(word not in plan.notice, f"{word!r} in the notices {plan.notices}")


def says_needs_extension(notice: str) -> None:
    check("extension" in notice.lower(), f"that a WebUI without this extension can't redraw it: {notice!r}")
