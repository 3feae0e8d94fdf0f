"""`python3 run.py bench NAME [--json FILE]`: what the extension costs, and what it keeps."""

from __future__ import annotations

import argparse
import importlib

BENCHMARKS = {
    "hook": ("milliseconds that the hooks add to a picture, with 1,000 LoRA files; first and later scans", ()),
    "quality": ("share of pictures that show their prompt, stock and Hyper-SD, through the API", ("prompts",)),
    "unified": (
        "share of pictures that show their prompt, by the unified LoRA at 1 to 8 steps, TCD, Euler, Euler a",
        ("prompts",),
    ),
    "sampling": (
        "samplers and schedules against the published ones; cost of a step; evaluations in a WebUI",
        ("write",),
    ),
    "soak": (
        "1,000 generations in a row and 32 clients at once: memory, LoRA re-patches, answers that are not right",
        (),
    ),
    "load": ("50 clients that plan while pictures are drawn: how soon the WebUI tells its progress", ()),
    "faults": ("every call of the host made to fail in turn, on every profile: tried and survived", ()),
    "page": ("how soon the panel answers a change, and what it adds to the page's load, files and configuration", ()),
    "arrival": ("what of a LoRA reaches a layer: the hosts' merge against the bypass, on each storage", ("device",)),
    "mutants": ("small changes of the core's code made in turn: tried, and killed by the unit tests", ("mutants",)),
    "plans": (
        "random requests and settings: plans tried, and those that break a promise, with the smallest of these",
        ("cases", "seed"),
    ),
    "against": (
        "pictures, infotexts and answers beside those of another checkout: what differs",
        ("checkout", "profile"),
    ),
}
"""What each measures, and which of the arguments its `run` takes before `--json`'s file."""
PROFILES = ("forge", "neo", "reforge", "a1111", "classic")


def main() -> None:
    told = "\n".join(f"  {name:9}{text}" for name, (text, _) in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="run.py bench", description=told, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=tuple(BENCHMARKS))
    parser.add_argument("checkout", nargs="?", metavar="CHECKOUT", help="against: the other checkout's folder")
    parser.add_argument("--json", metavar="FILE", help="also write the figures here")
    parser.add_argument(
        "--prompts",
        type=int,
        default=512,
        help="quality, unified: how many explicit ones; quality: half as many vague ones too (default: 512)",
    )
    parser.add_argument(
        "--profile",
        nargs="+",
        metavar="NAME",
        default=PROFILES,
        choices=PROFILES,
        help="against: on these (default: all)",
    )
    parser.add_argument("--cases", type=int, default=200_000, help="plans: how many (default: 200,000)")
    parser.add_argument("--seed", type=int, help="plans: other cases")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="arrival: on this (default: cpu)")
    parser.add_argument("--mutants", type=int, default=600, help="mutants: how many (default: 600)")
    parser.add_argument("--write", metavar="FILE", help="sampling: renew the tables of docs/fidelity.md, or another")
    args = parser.parse_args()
    if (args.checkout is not None) != (args.name == "against"):
        parser.error("against needs a CHECKOUT, and nothing else takes one")
    _, takes = BENCHMARKS[args.name]
    benchmark = importlib.import_module(f".bench_{args.name}", __package__)
    benchmark.run(*(getattr(args, name) for name in takes), args.json)


if __name__ == "__main__":
    main()
