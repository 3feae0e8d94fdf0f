"""What the page's settings would become: the plan behind the panel's lines, made as for a generation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from . import TITLE, host
from .plan import make_plan
from .request import Plan
from .settings import SettingsError, from_script_args, with_listed_names


def preview(tab: str, page: Mapping[str, Any], panel: Sequence[Any]) -> Plan | str:
    """The plan for the page as it stands, for the panel's lines; a text where the panel's input is bad."""
    try:
        settings = with_listed_names(from_script_args([True, *panel[1:]]), host.host_lists())
        values = {**host.txt2img_defaults(), **{k: v for k, v in page.items() if v is not None}}
        request = host.request_from_values(values)
        checkpoint = host.selected_checkpoint()
        if tab == "img2img":
            request = replace(request, mode="img2img", img2img_fixed_steps=host.img2img_fixed_steps())
        hr_checkpoint = host.named_checkpoint(page.get("hr_checkpoint_name"), checkpoint)
        return make_plan(request, settings, checkpoint, host.lora_index(), hr_checkpoint)
    except SettingsError as error:
        return str(error)
    except Exception as fault:
        host.report(f"{TITLE}: no preview", exc_info=True)
        return f"no preview ({type(fault).__name__}); see the console"
