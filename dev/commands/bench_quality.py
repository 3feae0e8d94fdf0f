"""Accuracy of stock and Hyper-SD on prompts that say shape, colour and place, and on vague ones."""

from __future__ import annotations

import math

from tqdm import tqdm

from dev.miniature.scenes import prompts

from .arms import PROMPT_SEED, QUALITY_ARMS, draw_all, write_json
from .server import running_webui


def run(n: int, json_file: str | None) -> None:
    """n explicit and n/2 vague prompts by each arm. JSON: the arms' accuracy on explicit ones, `vague_…` on vague."""
    kinds = {"explicit": ("", n), "vague": ("vague_", max(1, n // 2))}
    total = sum(count for _, count in kinds.values()) * len(QUALITY_ARMS)
    figures: dict[str, float] = {}
    with running_webui("--profile", "forge", "--nowebui") as url, tqdm(total=total) as bar:
        for kind, (prefix, count) in kinds.items():
            results = draw_all(url, QUALITY_ARMS, prompts(kind, count, PROMPT_SEED), bar)
            figures.update({prefix + key: round(result.accuracy, 4) for key, result in results.items()})
    print("\naccuracy ± standard error" + "".join(f"{f'{kind} ({c})':>19}" for kind, (_, c) in kinds.items()))
    for arm in QUALITY_ARMS:
        cells = [(figures[prefix + arm.key], count) for prefix, count in kinds.values()]
        print(f"{arm.label:25}" + "".join(f"{a:>11.3f} ± {math.sqrt(a * (1 - a) / c):.3f}" for a, c in cells))
    write_json(json_file, figures)
