"""`python3 run.py live URL`: the scenario suite over HTTP against any WebUI that has the extension installed.

`python3 run.py live PROFILE` does so against a miniwebui of its own: each re-runs a cell of the table in docs/hosts.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tests"))

from live import runner  # noqa: E402
from live.client import Client  # noqa: E402
from live.server import miniwebui  # noqa: E402

PROFILES = ("forge", "neo", "reforge", "a1111", "classic")


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run.py live",
        description="Check the extension's promises over HTTP against a running WebUI; its options are put back.",
    )
    parser.add_argument(
        "url",
        metavar="URL",
        help=f"the WebUI's address, e.g. http://127.0.0.1:7860; or {', '.join(PROFILES)}: a miniwebui of that profile",
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all figures here")
    parser.add_argument("--api-auth", metavar="U:P", help="credentials that the API asks for")
    parser.add_argument("--size", type=int, default=64, help="width and height of the pictures (default: 64)")
    parser.add_argument("--checkpoint", default="", help="select this one first (default: the selected one)")
    parser.add_argument(
        "--modules",
        nargs="+",
        metavar="FILE",
        default=[],
        help="VAE and text encoders for FLUX checkpoints, as the WebUI lists them (default: those that are set there)",
    )
    parser.add_argument("--only", metavar="TEXT", default="", help="scenarios whose group.name holds this text")
    parser.add_argument("--list", action="store_true", help="name the scenarios and run none")
    return parser


@contextmanager
def reached(url: str, api_auth: str | None) -> Iterator[Client]:
    """A client of the WebUI at an address, or of a new one of a profile. SystemExit where there is none."""
    if url in PROFILES:
        with miniwebui(url, auth=api_auth) as client:
            yield client
        return
    client = Client(url, api_auth)
    try:
        client.get("/hypersd/v1/status")
    except (OSError, AssertionError) as error:
        sys.exit(f"error: no WebUI with Hyper-SD at {url}: {error}")
    yield client


def main() -> None:
    args = build_parser().parse_args()
    chosen = [s for s in runner.all_scenarios() if args.only in f"{s.group}.{s.name}"]
    if args.list:
        print("\n".join(f"{s.group}.{s.name}" for s in chosen))
        return
    session = (args.size, args.checkpoint, args.modules)
    with reached(args.url, args.api_auth) as client, runner.Session(client, *session) as target:
        outcomes = runner.run_all(target, chosen)
        if args.json:
            runner.write_json(args.json, target, outcomes)
    counts = runner.summary(outcomes)
    print(", ".join(f"{count} {word}" for word, count in counts.items()))
    sys.exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    main()
