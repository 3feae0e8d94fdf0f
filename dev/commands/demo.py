"""`python3 run.py demo`: the same prompts stock and with Hyper-SD, a table, and a sheet to look at."""

from __future__ import annotations

import argparse

from PIL import Image, ImageDraw, ImageFont
from tqdm import tqdm

from dev.miniature.scenes import prompts

from .arms import DEMO_ARMS, PROMPT_SEED, Arm, Result, draw_all, write_json
from .server import PROJECT, running_webui

SHEET = PROJECT / "outputs" / "comparison.png"
COLUMNS = 10
CELL, LABEL, HEAD, GAP = 128, 210, 74, 6


def main() -> None:
    parser = argparse.ArgumentParser(prog="run.py demo", description=__doc__)
    parser.add_argument("--prompts", type=int, default=128, help="how many, half explicit, half vague (default: 128)")
    parser.add_argument("--json", metavar="FILE", help="also write the figures here")
    parser.add_argument("--storage", help="as of `run.py ui`: nf4, fp8, q8_0 or q4_0 (default: float32)")
    args = parser.parse_args()
    storage = ("--storage", args.storage) if args.storage else ()
    half = max(1, args.prompts // 2)
    texts = [
        t
        for pair in zip(prompts("explicit", half, PROMPT_SEED), prompts("vague", half, PROMPT_SEED + 1), strict=False)
        for t in pair
    ]
    with (
        running_webui("--profile", "forge", "--nowebui", *storage) as url,
        tqdm(total=len(DEMO_ARMS) * len(texts)) as bar,
    ):
        results = draw_all(url, DEMO_ARMS, texts, bar)
    print_table(results)
    SHEET.parent.mkdir(exist_ok=True)
    sheet(texts[:COLUMNS], results).save(SHEET)
    write_json(args.json, {key: result.figures() for key, result in results.items()})
    print(f"\nThe pictures side by side: {SHEET.relative_to(PROJECT)}")


def print_table(results: dict[str, Result]) -> None:
    """Times a picture; "shows the prompt" is the judge's word, "sharpness" the pictures' edge energy."""
    labels = {arm.key: arm.label for arm in DEMO_ARMS}
    print(f"\n{'':28}{'evaluations':>12}{'sampling s':>12}{'total s':>10}{'shows the prompt':>18}{'sharpness':>11}")
    for key, r in results.items():
        print(
            f"{labels[key]:28}{r.evaluations:>12.1f}{r.seconds:>12.3f}{r.seconds_total:>10.3f}"
            f"{r.accuracy:>18.1%}{r.sharpness:>11.1f}"
        )
    faster = results["stock25"].seconds / results["hyper4"].seconds
    print(f"\nHyper-SD at 4 steps samples {faster:.1f} times as fast as stock at 25.")


def sheet(texts: list[str], results: dict[str, Result]) -> Image.Image:
    """Rows are ways to draw, columns prompts; a picture that does not show its prompt has a red frame."""
    width = LABEL + len(texts) * (CELL + GAP)
    page = Image.new("RGB", (width, HEAD + len(results) * (CELL + GAP)), "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(13)
    for column, text in enumerate(texts):
        lines = wrapped(text, 18)
        pen.multiline_text((LABEL + column * (CELL + GAP), 6), lines, fill="#222", font=font, spacing=2)
    for row, arm in enumerate(DEMO_ARMS):
        top = HEAD + row * (CELL + GAP)
        _row(page, pen, font, arm, results[arm.key], top, len(texts))
    return page


def _row(
    page: Image.Image, pen: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont, arm: Arm, r: Result, top: int, n: int
) -> None:
    told = (
        f"{wrapped(arm.label, 26)}\n\n{r.evaluations:g} evaluations\n{r.seconds * 1000:.0f} ms\n{r.accuracy:.0%} right"
    )
    pen.multiline_text((8, top + 8), told, fill="#222", font=font, spacing=4)
    for column in range(n):
        left = LABEL + column * (CELL + GAP)
        page.paste(r.pictures[column], (left, top))
        if not r.right[column]:
            pen.rectangle((left - 2, top - 2, left + CELL + 1, top + CELL + 1), outline="#d11", width=3)


def wrapped(text: str, width: int) -> str:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


if __name__ == "__main__":
    main()
