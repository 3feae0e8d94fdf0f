"""`python3 run.py ui`: the page and the API of miniwebui at 127.0.0.1."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="run.py ui", description="Start miniwebui with this extension.")
    parser.add_argument("--port", type=int, default=7860, help="port at 127.0.0.1; 0 means 7860 (default: 7860)")
    parser.add_argument("--profile", default="forge", help="forge, neo, reforge, classic or a1111 (default: forge)")
    parser.add_argument("--api-auth", metavar="U:P", help="credentials that the API asks for")
    parser.add_argument("--gradio-auth", metavar="U:P", help="credentials that the page asks for; U:P,U:P for several")
    parser.add_argument("--gradio-auth-path", metavar="FILE", help="a file of such credentials")
    parser.add_argument("--cors-allow-origins", metavar="ORIGIN", help="sites whose pages may call the server")
    parser.add_argument("--without-extension", action="store_true", help="leave this project's extension out")
    parser.add_argument(
        "--extra-extension", metavar="DIR", action="append", default=[], help="one more extension; may be repeated"
    )
    parser.add_argument("--lora-dir", metavar="DIR", help="LoRAs from here instead")
    parser.add_argument(
        "--models-dir", metavar="DIR", help="models from here instead: its Stable-diffusion/ and Lora/, or its files"
    )
    parser.add_argument("--data-dir", metavar="DIR", help="settings and pictures here (default: a temporary folder)")
    parser.add_argument(
        "--storage", help="keep the net's weights in few bits: nf4, fp8, q8_0 or q4_0 (default: float32)"
    )
    parser.add_argument("--nowebui", action="store_true", help="the API without the page")
    parser.add_argument("--api-server-stop", action="store_true", help="let the API restart and stop it")
    return parser


def _existing(path: str, parser: argparse.ArgumentParser) -> str:
    folder = Path(path).expanduser().resolve()
    if not folder.is_dir():
        parser.error(f"no such folder: {path}")
    return str(folder)


def server_arguments(args: argparse.Namespace, parser: argparse.ArgumentParser) -> list[str]:
    """The command line of miniwebui/launch.py."""
    result = ["--profile", args.profile, "--port", str(args.port or 7860)]
    if args.models_dir:
        models = Path(_existing(args.models_dir, parser))
        result += ["--models-dir", str(models)]
        if not any((models / name).is_dir() for name in ("Stable-diffusion", "Lora")):
            result += ["--ckpt-dir", str(models), "--lora-dir", str(models)]
    if args.lora_dir:
        result += ["--lora-dir", _existing(args.lora_dir, parser)]
    extensions = [] if args.without_extension else [str(PROJECT)]
    for folder in extensions + [_existing(x, parser) for x in args.extra_extension]:
        result += ["--extra-extension", folder]
    for name in ("api_auth", "gradio_auth", "cors_allow_origins", "storage"):
        if getattr(args, name):
            result += [f"--{name.replace('_', '-')}", getattr(args, name)]
    if args.gradio_auth_path:
        result += ["--gradio-auth-path", os.path.abspath(args.gradio_auth_path)]
    if args.data_dir:
        os.makedirs(args.data_dir, exist_ok=True)
        result += ["--data-dir", os.path.abspath(args.data_dir)]
    if args.nowebui:
        result.append("--nowebui")
    if args.api_server_stop:
        result.append("--api-server-stop")
    return result


def main() -> None:
    parser = build_parser()
    args = parser.parse_args()
    for option, given in (("--api-auth", args.api_auth), ("--gradio-auth", args.gradio_auth)):
        if given and ":" not in given:
            parser.error(f"{option} wants USER:PASSWORD")
    server = PROJECT / "dev" / "miniwebui" / "launch.py"
    command = [sys.executable, "-u", str(server), *server_arguments(args, parser)]
    # The hosts don't have an extension's root on the module path; run.py's own setting must not put it there.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    if os.name == "nt":
        sys.exit(subprocess.call(command, env=environment))
    os.execve(sys.executable, command, environment)


if __name__ == "__main__":
    main()
