"""What would be done to the page now, for the panel's lines."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .. import TITLE
from ..host import checkpoints, lists, options, page_texts, reading
from ..host.threads import MOST_INPUT
from ..plan.decide import Activation, decide, hint, read_activation
from ..plan.draft import Inputs
from ..plan.how_applied import remark
from ..plan.make import make_plan
from ..plan.result import PROMPT_FIELDS, Plan
from ..request.request import Request
from ..request.tag_rule import TagRule
from .outlook import Outlook, Preview, nothing_kept, outlook


def preview(tab: str, page: Mapping[str, Any], panel: Sequence[Any]) -> Preview:
    """What would be done, were Generate pressed now.

    `page` is the page's values by the host's field names, `panel` the panel's components in the contract's order.
    """
    length = sum(len(value) for value in page.values() if isinstance(value, str))
    if length > MOST_INPUT:
        return Preview(Outlook("bad", _TOO_LONG.format(length, MOST_INPUT)))
    try:
        inputs = _inputs(tab, page)
        seen = _by_panel(inputs, panel, page) if panel[0] else _by_tags(inputs, page)
        return replace(seen, has_distilled_cfg=inputs.has_distilled_cfg)
    except Exception as fault:
        options.report(f"{TITLE}: no preview", exc_info=True)
        return Preview(Outlook("bad", f"no preview ({type(fault).__name__}); see the console"))


_TOO_LONG = "The page's prompts have {:,} characters, a preview takes {:,}: shorten them, or generate without one."


def _inputs(tab: str, page: Mapping[str, Any]) -> Inputs:
    overrides = page_texts.override_settings(page.get("override_settings"))
    values = {**reading.txt2img_defaults(), **{k: v for k, v in page.items() if v is not None}}
    request = reading.request_from_values(values, overrides)
    if tab == "img2img":
        request = replace(request, mode="img2img")
    checkpoint = checkpoints.selected_checkpoint(overrides.get("sd_model_checkpoint"))
    hr_checkpoint = checkpoints.named_checkpoint(page.get("hr_checkpoint_name"), checkpoint)
    return reading.plan_inputs(request, checkpoint, hr_checkpoint, overrides)


def _by_panel(inputs: Inputs, panel: Sequence[Any], page: Mapping[str, Any]) -> Preview:
    activation = read_activation([True, *panel[1:]], {}, lists.host_lists())
    if activation.error:
        return Preview(Outlook("bad", str(activation.error)))
    plan, unkept = make_plan(inputs, activation.settings), nothing_kept(activation.settings)
    would_be = make_plan(inputs, unkept) if unkept and plan.active else None
    shown = outlook(plan, inputs.request, would_be, remark=remark(inputs, plan))
    return Preview(shown, activation.settings, _page_values(page, inputs.request, plan))


def _by_tags(inputs: Inputs, page: Mapping[str, Any]) -> Preview:
    decision = decide(inputs, Activation("tags"))
    plan = decision.plan
    if decision.kind == "plan" and plan is not None:
        shown = outlook(plan, inputs.request, by_tag=True, remark=remark(inputs, plan))
        return Preview(shown, page_values=_page_values(page, inputs.request, plan))
    notice = hint(inputs) if decision.kind == "hint" else plan.notice if plan else None
    return Preview(Outlook("hint", notice)) if notice else Preview()


_SAME: dict[str, str] = {"hr_sampler_name": "Use same sampler", "hr_scheduler": "Use same scheduler"}
"""What the page's controls hold where the hires pass has the first one's."""


def _page_values(page: Mapping[str, Any], request: Request, plan: Plan) -> Mapping[str, Any]:
    if not plan.active:
        return {}
    values: dict[str, Any] = {}
    for change in plan.settings_changes:
        values[change.field] = _SAME.get(change.field) if change.after is None else change.after
    values["prompt"] = _own_prompt(page.get("prompt") or "", plan.rule, request.prompts)
    if page.get("hr_prompt") and plan.hr_prompts:  # an empty one means the first pass's
        values["hr_prompt"] = _own_prompt(page["hr_prompt"], plan.hr_rule, request.hr_prompts_if_on)
    return {
        name: value for name, value in values.items() if name not in PROMPT_FIELDS or value != (page.get(name) or "")
    }


def _own_prompt(typed: str, rule: TagRule | None, styled: Sequence[str]) -> str:
    """A prompt of the page as it has to be typed: the styles stay chosen, and a tag that one of them brings is there
    already."""
    if rule is None:
        return typed
    is_added = ("", rule.tag) in rule.apply(styled[0]).edits
    return rule.apply(typed, adds=is_added).prompt
