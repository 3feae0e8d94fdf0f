"""The panel's control for distilled CFG is there where the value means something, and nowhere else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from plans import build_request

from lib_hypersd.models.checkpoint import Checkpoint, describe
from lib_hypersd.panel.listeners import Listeners, PanelBackend
from lib_hypersd.panel.outlook import Preview
from lib_hypersd.panel.page_components import PageComponents
from lib_hypersd.plan.draft import Inputs
from lib_hypersd.request.settings import KEYS, PANEL_DEFAULTS, Choices

FLUX, SD15 = describe("flux1-dev", "flux-dev"), describe("dreamshaper_8", "sd15")
FLOW_SDXL, UNKNOWN = describe("rectified-xl", "sdxl", uses_shift=True), describe("old_model", "unknown")


@pytest.mark.parametrize(
    ("checkpoint", "hr_checkpoint", "value", "expected"),
    [
        (FLUX, None, 3.5, True),
        (FLUX, None, None, False),  # the host has no such field
        (SD15, None, 3.5, False),
        (SD15, FLUX, 3.5, True),
        (FLUX, SD15, 3.5, True),
        (FLOW_SDXL, None, 3.5, False),  # there the field means Shift
        (UNKNOWN, None, 3.5, True),
        (UNKNOWN, None, None, False),
    ],
)
def test_it_is_there_for_flux_on_hosts_that_have_the_field(
    checkpoint: Checkpoint, hr_checkpoint: Checkpoint | None, value: float | None, expected: bool
) -> None:
    request = build_request(
        prompts=("a",), main_prompt="a", steps=8, cfg_scale=1.0, sampler_name="Euler", distilled_cfg_scale=value
    )
    assert Inputs(request, checkpoint, hr_checkpoint=hr_checkpoint).has_distilled_cfg == expected


def answers(*, is_there: bool, query: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The marks of an answer, and its update of the control."""
    backend = PanelBackend(
        preview=lambda tab, page, panel: Preview(has_distilled_cfg=is_there),
        choices=Choices,
        checkpoint=lambda: "any",
        memory=lambda: None,
        download=lambda variant: pytest.fail("nothing is downloaded"),
        folder=lambda variant: "",
    )
    panel = [getattr(PANEL_DEFAULTS, key) for key in KEYS]
    lines = Listeners(PageComponents("txt2img"), backend).answer(json.dumps(query), *panel)
    marks = json.loads(lines[0].split("'")[1].replace("&quot;", '"'))
    return marks, lines[4 + KEYS.index("distilled_cfg")]


@pytest.mark.parametrize("is_there", [True, False])
def test_the_first_answer_shows_or_hides_it_and_the_next_ones_leave_it(is_there: bool) -> None:
    marks, update = answers(is_there=is_there, query={"number": 1})
    assert update["visible"] is is_there
    marks, update = answers(is_there=is_there, query={**marks, "number": 2})
    assert "visible" not in update
    _, update = answers(is_there=not is_there, query={**marks, "number": 3})
    assert update["visible"] is not is_there
