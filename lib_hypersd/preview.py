"""What would be done, made as for a generation: for the plan endpoint and for the panel's lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from . import TITLE, host
from .families import Checkpoint
from .generation import hint
from .panel.outlook import Outlook, Preview, nothing_kept, outlook
from .plan import make_plan, plan_for_own_sampling, plan_for_tags
from .request import Plan, Request
from .settings import Settings, SettingsError, from_script_args, with_listed_names
from .tagging import what_tags_ask


@dataclass(frozen=True)
class Asked:
    """What a page or a client asks about: a request, the checkpoints it would run on, the options it brings along."""

    request: Request
    checkpoint: Checkpoint
    hr_checkpoint: Checkpoint | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)


def plan_now(asked: Asked, settings: Settings | None) -> Plan:
    """The plan, as a generation would find it; `settings` None where the panel is off and only tags can ask.

    What the plan endpoint answers, and what the page shows.
    """
    request, checkpoint, hr_checkpoint = asked.request, asked.checkpoint, asked.hr_checkpoint
    index, preferences = host.lora_index(), host.preferences(asked.overrides)
    if settings is not None and settings.enabled:
        return make_plan(request, settings, checkpoint, index, hr_checkpoint, preferences)
    if settings is None and _tags_ask(asked) == "plan":
        return plan_for_tags(request, checkpoint, index, hr_checkpoint, preferences)
    untouched = Plan(
        active=False, prompts=request.prompts, main_prompt=request.main_prompt, hr_prompts=request.hr_prompts
    )
    return plan_for_own_sampling(request, checkpoint, hr_checkpoint) or untouched


def _tags_ask(asked: Asked) -> str:
    request, reaction = asked.request, host.prompt_tag_reaction(asked.overrides)
    return what_tags_ask(request.prompts + request.hr_prompts, host.lora_index(), reaction, comments=request.comments)


def preview(tab: str, page: Mapping[str, Any], panel: Sequence[Any]) -> Preview:
    """What would be done, were Generate pressed now.

    `page` is the page's values by the host's field names, `panel` the panel's components in the contract's order.
    """
    try:
        asked = _asked(tab, page)
        found = _by_panel(asked, panel) if panel[0] else _by_tags(asked)
        return replace(found, page_values=_page_values(page, asked.request, found.plan))
    except SettingsError as error:
        return Preview(Outlook("bad", str(error)))
    except Exception as fault:
        host.report(f"{TITLE}: no preview", exc_info=True)
        return Preview(Outlook("bad", f"no preview ({type(fault).__name__}); see the console"))


def _asked(tab: str, page: Mapping[str, Any]) -> Asked:
    request = host.request_from_values({**host.txt2img_defaults(), **{k: v for k, v in page.items() if v is not None}})
    if tab == "img2img":
        request = replace(request, mode="img2img", img2img_fixed_steps=host.img2img_fixed_steps())
    checkpoint = host.selected_checkpoint()
    return Asked(request, checkpoint, host.named_checkpoint(page.get("hr_checkpoint_name"), checkpoint))


def _by_panel(asked: Asked, panel: Sequence[Any]) -> Preview:
    settings = with_listed_names(from_script_args([True, *panel[1:]]), host.host_lists())
    plan, unkept = plan_now(asked, settings), nothing_kept(settings)
    would_be = plan_now(asked, unkept) if unkept and plan.active else None
    return Preview(outlook(plan, asked.request, would_be), settings, plan)


def _by_tags(asked: Asked) -> Preview:
    plan, ask = plan_now(asked, None), _tags_ask(asked)
    if ask == "plan":
        return Preview(outlook(plan, asked.request, by_tag=True), None, plan)
    told = hint(asked.request, asked.checkpoint, host.lora_index()) if ask == "hint" else plan.notice
    return Preview(Outlook("hint", told)) if told else Preview()


_SAME: dict[str, str] = {"hr_sampler_name": "Use same sampler", "hr_scheduler": "Use same scheduler"}
"""What the page's controls hold where the hires pass has the first one's."""


def _page_values(page: Mapping[str, Any], request: Request, plan: Plan | None) -> Mapping[str, Any]:
    if plan is None or not plan.active:
        return {}
    values = {c.field: _SAME.get(c.field) if c.after is None else c.after for c in plan.settings_changes}
    if plan.prompts[0] != request.prompts[0]:
        values["prompt"] = plan.prompts[0]
    if page.get("hr_prompt") and plan.hr_prompts and plan.hr_prompts[0] != page["hr_prompt"]:
        values["hr_prompt"] = plan.hr_prompts[0]
    return values
