"""What the page's settings would become: the plan behind the panel's lines, made as for a generation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from . import TITLE, host
from .families import Checkpoint
from .generation import hint
from .outlook import Outlook, Preview, nothing_kept, outlook
from .plan import make_plan, plan_for_tags
from .request import Plan, Request
from .settings import Settings, SettingsError, from_script_args, with_listed_names
from .tagging import what_tags_ask


@dataclass(frozen=True)
class _Page:
    """The page as a generation would find it."""

    request: Request
    checkpoint: Checkpoint
    hr_checkpoint: Checkpoint | None
    own_hr_prompt: bool


def preview(tab: str, page: Mapping[str, Any], panel: Sequence[Any]) -> Preview:
    """What would be done, were Generate pressed now.

    `page` is the page's values by the host's field names, `panel` the panel's components in the contract's order.
    """
    try:
        return _by_panel(_read(tab, page), panel) if panel[0] else _by_tags(_read(tab, page))
    except SettingsError as error:
        return Preview(Outlook("bad", str(error)))
    except Exception as fault:
        host.report(f"{TITLE}: no preview", exc_info=True)
        return Preview(Outlook("bad", f"no preview ({type(fault).__name__}); see the console"))


def _read(tab: str, page: Mapping[str, Any]) -> _Page:
    request = host.request_from_values({**host.txt2img_defaults(), **{k: v for k, v in page.items() if v is not None}})
    if tab == "img2img":
        request = replace(request, mode="img2img", img2img_fixed_steps=host.img2img_fixed_steps())
    checkpoint = host.selected_checkpoint()
    hr_checkpoint = host.named_checkpoint(page.get("hr_checkpoint_name"), checkpoint)
    return _Page(request, checkpoint, hr_checkpoint, bool(page.get("hr_prompt")))


def _by_panel(page: _Page, panel: Sequence[Any]) -> Preview:
    settings = with_listed_names(from_script_args([True, *panel[1:]]), host.host_lists())
    plan = _plan(page, settings)
    unkept = nothing_kept(settings)
    would_be = _plan(page, unkept) if unkept and plan.active else None
    return Preview(outlook(plan, page.request, would_be), settings, _page_values(page, plan))


def _plan(page: _Page, settings: Settings) -> Plan:
    index, preferences = host.lora_index(), host.preferences()
    return make_plan(page.request, settings, page.checkpoint, index, page.hr_checkpoint, preferences)


def _by_tags(page: _Page) -> Preview:
    request, index = page.request, host.lora_index()
    prompts = request.prompts + request.hr_prompts
    asked = what_tags_ask(prompts, index, host.prompt_tag_reaction(), comments=request.comments)
    if asked == "plan":
        plan = plan_for_tags(request, page.checkpoint, index, page.hr_checkpoint, host.preferences())
        return Preview(outlook(plan, request, by_tag=True), None, _page_values(page, plan))
    told = hint(request, page.checkpoint, index) if asked == "hint" else None
    return Preview(Outlook("hint", told)) if told else Preview()


_SAME: dict[str, str] = {"hr_sampler_name": "Use same sampler", "hr_scheduler": "Use same scheduler"}
"""What the page's controls hold where the hires pass has the first one's."""


def _page_values(page: _Page, plan: Plan) -> Mapping[str, Any]:
    if not plan.active:
        return {}
    values = {c.field: _SAME.get(c.field) if c.after is None else c.after for c in plan.settings_changes}
    if plan.prompts[0] != page.request.prompts[0]:
        values["prompt"] = plan.prompts[0]
    if page.own_hr_prompt and plan.hr_prompts:
        values["hr_prompt"] = plan.hr_prompts[0]
    return values
