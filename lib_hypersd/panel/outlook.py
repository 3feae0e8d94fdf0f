"""What the panel shows of a plan: one state, one row for each setting that will differ, and what to do about a refusal.

Pure, like the plan. The page's JavaScript only shows what is read from it, and knows no rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..models.catalog import Variant
from ..plan.result import FIELD_TITLES, PROMPT_FIELDS, Change, Plan
from ..request.request import Request
from ..request.settings import Settings

State = Literal["off", "hint", "ready", "changes", "missing", "unfit", "pending", "bad"]
"""Off; off, though a tag's settings will look bad; on, and the page is right as it is; on, and settings will change;
a file is missing; not for this checkpoint; the checkpoint is not known until it is loaded; not possible for another
reason."""

KEEPS: dict[str, str] = {
    "steps": "steps",
    "cfg_scale": "cfg",
    "hr_cfg": "cfg",
    "distilled_cfg_scale": "distilled_cfg",
    "hr_distilled_cfg": "distilled_cfg",
    "sampler_name": "sampler",
    "hr_sampler_name": "sampler",
    "scheduler": "scheduler",
    "hr_scheduler": "scheduler",
    "hr_second_pass_steps": "hires_steps",
    "denoising_strength": "hires_denoise",
    "hr_scale": "hires_scale",
    "hr_upscaler": "hires_upscaler",
}
"""The host's field → the setting whose "keep" leaves it alone."""
KEEP = "keep"


@dataclass(frozen=True)
class Row:
    """One setting of the page: what it is now, what it will be, and why.

    `key` is the setting of the panel that a tick sets to "keep" and back, None where there is none (a prompt's tag).
    A `kept` row would be changed, were the setting not on "keep".
    """

    change: Change
    key: str | None = None
    kept: bool = False


@dataclass(frozen=True)
class Outlook:
    """All that the panel shows. `text` is the header's line; `by_tag`: with the panel off, a tag in the prompt counts;
    `missing` is the published file that is needed and not on this machine; `remark` says how the LoRA is applied."""

    state: State = "off"
    text: str = ""
    by_tag: bool = False
    rows: tuple[Row, ...] = ()
    notices: tuple[str, ...] = ()
    missing: Variant | None = None
    remark: str = ""

    @property
    def settings_changed(self) -> int:
        """How many of the page's settings will differ; prompts and kept ones don't count."""
        return sum(not row.kept and row.change.field not in PROMPT_FIELDS for row in self.rows)


@dataclass(frozen=True)
class Preview:
    """An outlook; the settings behind it, None where the panel is off; and the values, by the host's field, that the
    page's controls would need for the plan to change nothing. `has_distilled_cfg`: the control for it has a use."""

    outlook: Outlook = field(default_factory=Outlook)
    settings: Settings | None = None
    page_values: Mapping[str, Any] = field(default_factory=dict)
    has_distilled_cfg: bool = True


def outlook(
    plan: Plan, request: Request, would_be: Plan | None = None, *, by_tag: bool = False, remark: str = ""
) -> Outlook:
    """The outlook on a plan. `would_be` is the plan with nothing on "keep"."""
    if not plan.active:
        reasons: tuple[tuple[State, bool], ...] = (
            ("missing", plan.missing is not None),
            ("unfit", plan.unfit),
            ("pending", plan.pending),
        )
        state: State = next((state for state, holds in reasons if holds), "bad")
        return Outlook(state, plan.notice or "nothing to do", by_tag, missing=plan.missing)
    rows = [Row(c, _key(c.field, request)) for c in plan.settings_changes]
    rows += _kept(plan, request, would_be)
    rows.sort(key=lambda row: list(FIELD_TITLES).index(row.change.field))  # a tick must not move its row
    rows += [Row(c) for c in plan.changes if c.field in PROMPT_FIELDS]
    shown = Outlook("ready", plan.summary, by_tag, tuple(rows), plan.notices, remark=remark)
    return replace(shown, state="changes") if shown.settings_changed else shown


def nothing_kept(settings: Settings) -> Settings | None:
    """`settings` with each "keep" of a row at its default; None where there is none."""
    defaults = Settings()
    kept = {key: getattr(defaults, key) for key in set(KEEPS.values()) if getattr(settings, key) == KEEP}
    return replace(settings, **kept) if kept else None


def _key(field: str, request: Request) -> str | None:
    if field == "denoising_strength" and request.mode == "img2img":
        return "steps"  # changed only so that the steps are trained ones
    return KEEPS.get(field)


def _kept(plan: Plan, request: Request, would_be: Plan | None) -> list[Row]:
    if would_be is None:
        return []
    changed = {c.field for c in plan.settings_changes}
    candidates = (c for c in would_be.settings_changes if c.field not in changed)
    return [Row(c, key, kept=True) for c in candidates if (key := _key(c.field, request))]
