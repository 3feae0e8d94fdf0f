"""What would be done to the page now, for the panel's lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .. import TITLE
from ..host import checkpoints, lists, options, reading
from ..plan.decide import Asked, hint, settle
from ..request.request import Plan, Request
from ..request.settings import SettingsError, from_script_args, with_listed_names
from .outlook import Outlook, Preview, nothing_kept, outlook


def preview(tab: str, page: Mapping[str, Any], panel: Sequence[Any]) -> Preview:
    """What would be done, were Generate pressed now.

    `page` is the page's values by the host's field names, `panel` the panel's components in the contract's order.
    """
    try:
        run = _of_page(tab, page)
        return _by_panel(run, panel, page) if panel[0] else _by_tags(run, page)
    except SettingsError as error:
        return Preview(Outlook("bad", str(error)))
    except Exception as fault:
        options.report(f"{TITLE}: no preview", exc_info=True)
        return Preview(Outlook("bad", f"no preview ({type(fault).__name__}); see the console"))


def _of_page(tab: str, page: Mapping[str, Any]) -> Asked:
    request = reading.request_from_values(
        {**reading.txt2img_defaults(), **{k: v for k, v in page.items() if v is not None}}
    )
    if tab == "img2img":
        request = replace(request, mode="img2img", img2img_fixed_steps=reading.img2img_fixed_steps())
    checkpoint = checkpoints.selected_checkpoint()
    return Asked(request, checkpoint, checkpoints.named_checkpoint(page.get("hr_checkpoint_name"), checkpoint))


def _by_panel(run: Asked, panel: Sequence[Any], page: Mapping[str, Any]) -> Preview:
    settings = with_listed_names(from_script_args([True, *panel[1:]]), lists.host_lists())
    _, plan = settle(run, settings)
    if plan is None:
        return Preview()
    unkept = nothing_kept(settings)
    would_be = settle(run, unkept)[1] if unkept and plan.active else None
    return Preview(outlook(plan, run.request, would_be), settings, _page_values(page, run.request, plan))


def _by_tags(run: Asked, page: Mapping[str, Any]) -> Preview:
    by, plan = settle(run, None)
    if by == "plan" and plan is not None:
        shown = outlook(plan, run.request, by_tag=True)
        return Preview(shown, page_values=_page_values(page, run.request, plan))
    notice = hint(run) if by == "hint" else plan.notice if plan else None
    return Preview(Outlook("hint", notice)) if notice else Preview()


_SAME: dict[str, str] = {"hr_sampler_name": "Use same sampler", "hr_scheduler": "Use same scheduler"}
"""What the page's controls hold where the hires pass has the first one's."""


def _page_values(page: Mapping[str, Any], request: Request, plan: Plan) -> Mapping[str, Any]:
    if not plan.active:
        return {}
    values = {c.field: _SAME.get(c.field) if c.after is None else c.after for c in plan.settings_changes}
    if plan.prompts[0] != request.prompts[0]:
        values["prompt"] = plan.prompts[0]
    if page.get("hr_prompt") and plan.hr_prompts and plan.hr_prompts[0] != page["hr_prompt"]:
        values["hr_prompt"] = plan.hr_prompts[0]
    return values
