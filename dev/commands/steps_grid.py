"""`.venv/bin/python -m dev.commands.steps_grid`: docs/steps.png, the step counts and stock side by side.

Drawn as a person would: one request to miniwebui's X/Y/Z plot, the axis `[Hyper-SD] Steps` across, the prompts down.
"""

from __future__ import annotations

import argparse
import base64
import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .arms import NOISE_SEED, STOCK_CFG
from .server import PROJECT, get, post, running_webui

STEPS = ("1", "2", "4", "8", "off")
PROMPTS = (
    "a small yellow star at the top, purple background",
    "a big red circle on the left, blue background",
    "a green ring in the centre, black background",
    "a white square on the right, red background",
    "a big orange triangle at the bottom, green background",
)
STOCK_STEPS, MARGIN = 25, 4


def main() -> None:
    parser = argparse.ArgumentParser(prog="dev.commands.steps_grid", description=__doc__)
    parser.add_argument("file", nargs="?", default=str(PROJECT / "docs" / "steps.png"), help="default: docs/steps.png")
    args = parser.parse_args()
    with running_webui("--profile", "forge") as url:
        answer = post(f"{url}/sdapi/v1/txt2img", request(plot_arguments(url)))
    Path(args.file).write_bytes(base64.b64decode(answer["images"][0]))
    print(f"{args.file}: {', '.join(STEPS)} by {len(PROMPTS)} prompts")


def request(plot: list[Any]) -> dict[str, Any]:
    """Stock's own settings are the miniature's best; Hyper-SD sets its own."""
    return {
        "prompt": PROMPTS[0],
        "seed": NOISE_SEED,
        "width": 128,
        "height": 128,
        "steps": STOCK_STEPS,
        "cfg_scale": STOCK_CFG,
        "sampler_name": "Euler",
        "scheduler": "SGM Uniform",
        "script_name": "x/y/z plot",
        "script_args": plot,
    }


def plot_arguments(url: str) -> list[Any]:
    """The plot's arguments: for each axis its place in the list, its values as text and as a list; then the rest."""
    scripts = get(f"{url}/sdapi/v1/script-info")
    plot = next(entry for entry in scripts if entry["name"] == "x/y/z plot" and not entry["is_img2img"])
    axes, named = plot["args"][0]["choices"], {argument["label"]: argument["value"] for argument in plot["args"][9:]}
    nothing = [axes.index("Nothing"), "", []]
    across = [axes.index("[Hyper-SD] Steps"), _csv(STEPS), list(STEPS)]
    down = [axes.index("Prompt S/R"), _csv(PROMPTS), list(PROMPTS)]
    return [*across, *down, *nothing, *(named | {"Grid margins (px)": MARGIN}).values()]


def _csv(values: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()


if __name__ == "__main__":
    main()
