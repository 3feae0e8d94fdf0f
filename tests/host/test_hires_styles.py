"""A hires pass that is turned on has the request's styles in its prompts, as one that the request asked for has."""

from __future__ import annotations

from pathlib import Path

import pytest
from live.runner import Session
from live.server import miniwebui

LORA = "Hyper-SD15-2steps-lora"
STYLES = 'name,prompt,negative_prompt\nblue,"{prompt}, blue background",green\n'
HIRES = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "None", "denoising_strength": 0.55}


@pytest.mark.parametrize("profile", ["forge", "a1111"])
def test_styles_reach_the_prompts_of_a_pass_that_is_turned_on(profile: str, tmp_path: Path) -> None:
    (tmp_path / "styles.csv").write_text(STYLES, encoding="utf-8")
    own = {"hr_prompt": "a small yellow star", "hr_negative_prompt": "red"}
    with miniwebui(profile, "--data-dir", str(tmp_path)) as client, Session(client) as target:
        for request in ({}, own):
            # A guided pass, in which the negative prompt counts.
            hypersd = {"lora": LORA, "cfg": 3}
            asked = target.draw(hypersd=hypersd, styles=["blue"], fresh=True, **HIRES, **request)
            turned_on = target.draw(hypersd=hypersd | {"hires": "always"}, styles=["blue"], fresh=True, **request)
            assert turned_on.picture.pixels == asked.picture.pixels, request
            told = turned_on.infotext.fields.get("Hires prompt", turned_on.infotext.prompt)
            assert "blue background" in told
