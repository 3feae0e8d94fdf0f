"""Paste: whatever a picture's text holds, the panel gets values that it takes; and ours come back as they were."""

from __future__ import annotations

import pytest
from mutation import ATOMS, ODD, Case
from runs import run_cases

from lib_hypersd.models.catalog import ONE_STEP_UNETS, VARIANTS
from lib_hypersd.models.checkpoint import Checkpoint
from lib_hypersd.models.lora_index import LoraIndex
from lib_hypersd.panel import paste
from lib_hypersd.plan import infotext
from lib_hypersd.plan.draft import Inputs
from lib_hypersd.plan.make import make_plan
from lib_hypersd.request.preferences import NO_PREFERENCES, Preferences
from lib_hypersd.request.request import Request
from lib_hypersd.request.settings import KEYS, PANEL_DEFAULTS, Settings, from_positional

OURS = {
    "Hyper-SD": "Hyper-SD15-8steps-lora",
    "Hyper-SD weight": "1",
    "Hyper-SD changes": "steps 20 → 8 (trained for 8)",
}
PASTED: tuple[dict[str, str], ...] = (
    {"Prompt": "a cat", "Steps": "20", "Sampler": "Euler a", "CFG scale": "7", "Seed": "1", "Size": "512x512"},
    {**OURS, "Prompt": "a cat <lora:Hyper-SD15-8steps-lora:1>", "Steps": "8", "Sampler": "Euler", "CFG scale": "1"},
    {**OURS, "Steps": "8", "Hires upscale": "1.5", "Hires steps": "5", "Denoising strength": "0.56", "CFG scale": "1"},
    {**OURS, "Hyper-SD": "Hyper-SD15-1step-lora", "Steps": "1", "Sampler": "Hyper-SD TCD", "Hyper-SD eta": "0.5"},
    {"Hyper-SD": "Hyper-FLUX.1-dev-8steps-lora", "Distilled CFG Scale": "3.5", "Schedule type": "SGM Uniform"},
    {"Hyper-SD": "none", "Hyper-SD notice": "CFG 9 is outside", "Hyper-SD error": "steps is 99", "Steps": "8"},
)
FIELDS = (
    *dict.fromkeys(key for params in PASTED for key in params),
    "Hires CFG Scale",
    "Hires sampler",
    "Hires resize",
)
WORDS = (
    *(
        *FIELDS,
        *(v.name for v in VARIANTS[:4]),
        *ONE_STEP_UNETS,
        "none",
        "auto",
        "8",
        "16",
        "17",
        "0.55",
        "1e999",
        "nan",
    ),
    *("-1", "inf", "9" * 5000, "\u00b2", "\u0663", "8.0", " 8 ", "<lora:", "Use same sampler", "Euler"),
)
PREFERENCES = (
    NO_PREFERENCES,
    Preferences.read(
        {"sd15": ["keep CFG", "hires always"], "flux": ["recipe CFG", "recipe distilled CFG"]}, "sd15: cfg 2"
    ),
)


def test_pasted_parameters() -> None:
    def check(case: Case) -> None:
        params = dict(case.choice(PASTED))
        for _ in range(case.randint(0, 4)):
            key = case.choice(FIELDS)
            params[key] = case.text((params.get(key, ""),), (*WORDS, *ODD))
        if case.random() < 0.1:
            params[case.choice(FIELDS)] = case.choice(ATOMS)
        preferences = case.choice(PREFERENCES)
        values = {key: paste.panel_value(key, params, preferences) for key in KEYS}
        values["eta"] = paste.panel_eta(params, case.choice((None, 0.3, 1.0)))
        assert all(isinstance(value, str | int | float) for key, value in values.items() if key != "enabled")
        assert values["enabled"] is ("Hyper-SD" in params)
        from_positional(list(values.values()))
        if not values["enabled"]:
            assert {key: getattr(PANEL_DEFAULTS, key) for key in KEYS} == {**values, "eta": "auto"}

    run_cases("pasted parameters", check)


def test_our_own_entries_come_back(everything: LoraIndex) -> None:
    """What a plan wrote, pasted, makes the panel ask for a plan that changes nothing."""
    titles = {"steps": "Steps", "cfg_scale": "CFG scale", "sampler_name": "Sampler", "scheduler": "Schedule type"}

    def check(case: Case) -> None:
        prompt = case.text(("a cat", "a cat, <lora:hyper-sd15:0.5>", "# a\na cat"), ("<lora:x>", "#", "\n", ", "))
        steps, weight = case.choice(("auto", 2, 4, 8, 16)), case.choice(("auto", 0.5, 1.25))
        settings = Settings(steps=steps, weight=weight, cfg=case.choice(("clamp", "recipe", "keep", 1.0)))
        before = Request((prompt,), prompt, case.randint(1, 60), case.randint(1, 20) / 2, "Euler a", "Automatic")
        checkpoint = Checkpoint("a", "sd15")
        plan = make_plan(Inputs(before, checkpoint, everything), settings)
        after = {name: getattr(before, name) for name in titles} | {c.field: c.after for c in plan.settings_changes}
        params = {titles[name]: str(value) for name, value in after.items()} | infotext.entries(plan)
        values = [paste.panel_value(key, {"Prompt": plan.prompts[0], **params}) for key in KEYS]
        pasted = Request(plan.prompts, plan.prompts[0], **after)
        again = make_plan(Inputs(pasted, checkpoint, everything), from_positional(values))
        assert not again.changes, (prompt, settings, again.changes)
        assert again.prompts == plan.prompts
        assert (again.lora, again.weight) == (plan.lora, plan.weight)

    run_cases("own entries", check)


@pytest.mark.parametrize("steps", ["\u00b2", "9" * 5000, "nan", ""])
def test_odd_numbers_are_kept(steps: str) -> None:
    params = {**OURS, "Steps": steps, "Denoising strength": "nan", "Hires upscale": "2"}
    assert paste.panel_value("steps", params) == "keep"
    assert paste.panel_value("hires_denoise", params) == "keep"
