"""Starts the server. Other modules ask it for the version, as the real hosts' do.

    python launch.py [--profile forge|neo|reforge|classic|a1111] [the server's own arguments]

Kept to the standard library until the profile is known: it decides which libraries stand on sys.path.
"""

import argparse
import atexit
import importlib
import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent

THREADS = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0", "GRADIO_ANALYTICS_ENABLED": "False"}
"""OpenMP threads that spin while they wait make a net this small several times slower on a busy machine."""


def git_tag():
    """The host's version, for `Version:` in infotexts."""
    from modules.profiles import PROFILE

    return PROFILE.version


def commit_hash():
    return "<none>"


def is_installed(package: str) -> bool:
    """What extensions' install.py asks."""
    return importlib.util.find_spec(package) is not None


def run_pip(command: str, desc: str | None = None, live: bool = False) -> None:
    print(f"Installing {desc or command}")
    subprocess.check_call([sys.executable, "-m", "pip", *command.split(), "--prefer-binary"])


def run_extension_installers(folders: list[str]) -> None:
    """Run each extension's install.py before anything is imported, as the hosts do; a failing one is reported."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for folder in folders:
        script = Path(folder) / "install.py"
        if script.is_file():
            done = subprocess.run([sys.executable, str(script)], env=environment, cwd=ROOT, check=False)
            if done.returncode != 0:
                print(f"*** Error running install.py for extension {folder}.", file=sys.stderr)


def prepare_path(profile) -> None:
    """Put the profile's own packages, and gradio 3 where it needs it, first on sys.path."""
    if profile.gradio_major == 3:
        overlay = Path(sys.prefix) / "gradio3"
        if overlay.is_dir():
            sys.path.insert(0, str(overlay))
    if profile.packages:
        sys.path.insert(1, str(ROOT / "host_packages" / profile.packages))


def parse_arguments(argv: list[str]) -> tuple[str, list[str]]:
    """(profile, arguments for the server), with a data folder of this run's own where none is given."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--profile", default="forge")
    parser.add_argument("--data-dir", default=None)
    known, rest = parser.parse_known_args(argv)
    folder = known.data_dir
    if folder is None:
        folder = tempfile.mkdtemp(prefix="miniwebui-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the folder goes then too
    return known.profile, [*rest, "--data-dir", folder]


def default_models(argv: list[str], profile) -> list[str]:
    """`--models-dir` with this profile's own models, where no other was given."""
    if any(x == "--models-dir" or x.startswith("--models-dir=") for x in argv):
        return []
    from standins.build import ensure_models

    project = ROOT.parents[1]
    folder = ensure_models(
        project / "outputs" / "models", project / "dev" / "miniature" / "weights", profile.name, profile.families
    )
    return ["--models-dir", str(folder)]


def require_storage(argv: list[str], profile) -> None:
    """End here, in one sentence, where the host has no such storage for a net's weights."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--storage", default="")
    wanted = parser.parse_known_args(argv)[0].storage
    if wanted and wanted not in profile.loras.storages:
        has = ", ".join(sorted(profile.loras.storages)) or "none"
        sys.exit(f"error: {profile.name} has no {wanted} storage; it has {has}")


def prepare() -> None:
    """Set the profile, the module path and the arguments from sys.argv; the server's modules can be imported then."""
    profile_name, rest = parse_arguments(sys.argv[1:])
    sys.argv = [sys.argv[0], *rest]
    sys.path.insert(0, str(ROOT))
    from modules import profiles

    try:
        profile = profiles.find_profile(profile_name)
    except ValueError as error:
        sys.exit(f"error: {error}")
    require_storage(rest, profile)
    os.environ[profiles.VARIABLE] = profile.name
    os.environ.update({k: os.environ.get(k, v) for k, v in THREADS.items()})
    profiles.PROFILE = profile
    sys.modules["launch"] = sys.modules[__name__]
    run_extension_installers([b for a, b in itertools.pairwise(rest) if a == "--extra-extension"])
    prepare_path(profile)
    if profile.packages:
        importlib.import_module("modules_forge.forge_version")
    if not profile.schedule_types:
        sys.modules["modules.sd_schedulers"] = None  # not to be imported
    sys.argv += default_models(sys.argv, profile)


def main() -> None:
    prepare()
    import webui

    webui.start()


if __name__ == "__main__":
    main()
