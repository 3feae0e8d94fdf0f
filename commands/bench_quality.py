"""Accuracy of stock and Hyper-SD on prompts that say shape, colour and place, and on vague ones."""

from __future__ import annotations

import math

from tqdm import tqdm

from miniature.scenes import prompts

from .arms import PROMPT_SEED, QUALITY_ARMS, draw_all, write_json
from .server import running_webui


def run(n: int, json_file: str | None) -> None:
    """n prompts of each kind by each arm. JSON: the arms' accuracy on explicit ones, `vague_…` on vague ones."""
    texts = {kind: prompts(kind, n, PROMPT_SEED) for kind in ("explicit", "vague")}
    figures: dict[str, float] = {}
    with running_webui("--profile", "forge", "--nowebui") as url, tqdm(total=2 * n * len(QUALITY_ARMS)) as bar:
        for kind, prefix in (("explicit", ""), ("vague", "vague_")):
            for key, result in draw_all(url, QUALITY_ARMS, texts[kind], bar).items():
                figures[prefix + key] = round(result.accuracy, 4)
    print(f"\n{'accuracy ± standard error':28}{'explicit':>17}{'vague':>17}   ({n} prompts each)")
    for arm in QUALITY_ARMS:
        cells = (figures[arm.key], figures[f"vague_{arm.key}"])
        print(f"{arm.label:28}" + "".join(f"{a:>9.3f} ± {math.sqrt(a * (1 - a) / n):.3f}" for a in cells))
    write_json(json_file, figures)
