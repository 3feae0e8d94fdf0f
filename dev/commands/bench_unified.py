"""Accuracy of the unified LoRA by steps and sampler, as the WebUI draws it."""

from __future__ import annotations

import math

from tqdm import tqdm

from dev.miniature.scenes import prompts

from .arms import PROMPT_SEED, Arm, draw_all, write_json
from .server import running_webui

STEPS = (1, 2, 4, 8)
SAMPLERS = {
    "tcd": ("Hyper-SD TCD", "Hyper-SD TCD"),
    "euler": ("Euler", "SGM Uniform"),
    "euler_a": ("Euler a", "SGM Uniform"),
}
"""Key → sampler and schedule type."""


def _arm(key: str, steps: int) -> Arm:
    sampler, scheduler = SAMPLERS[key]
    wish = {"lora": "Hyper-SD15-1step-lora", "steps": steps, "sampler": sampler, "scheduler": scheduler}
    return Arm(f"{key}{steps}", f"{sampler}, {steps} steps", {"alwayson_scripts": {"Hyper-SD": {"args": [wish]}}})


ARMS = {(key, steps): _arm(key, steps) for key in SAMPLERS for steps in STEPS}


def run(n: int, json_file: str | None) -> None:
    """n explicit prompts by each arm. JSON: accuracy under sampler and steps, `tcd1` … `euler_a8`."""
    with running_webui("--profile", "forge", "--nowebui") as url, tqdm(total=n * len(ARMS)) as bar:
        results = draw_all(url, list(ARMS.values()), prompts("explicit", n, PROMPT_SEED), bar)
    print("\naccuracy ± standard error" + "".join(f"{steps:>9} step{'s' if steps > 1 else ' '}" for steps in STEPS))
    for key, (sampler, _) in SAMPLERS.items():
        cells = [results[f"{key}{steps}"].accuracy for steps in STEPS]
        print(f"{sampler:25}" + "".join(f"{a:>8.3f} ± {math.sqrt(a * (1 - a) / n):.3f}" for a in cells))
    write_json(json_file, {key: round(result.accuracy, 4) for key, result in results.items()})
