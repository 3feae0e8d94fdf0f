"""Hyper-SD LoRAs that work right in Stable Diffusion WebUIs.

One way through: request → `Settings` → `Checkpoint` and LoRA files → `make_plan()` → `Plan` → applied to the host's
`p` → infotext. Only `host/` and `scripts/` import the host's `modules`.
"""

import re
from pathlib import Path

TITLE = "Hyper-SD"
_FOLDER = Path(__file__).resolve().parent
_PROJECT_FILE = _FOLDER.parent / "pyproject.toml"


def _version() -> str:
    """What pyproject.toml says; "unknown" where somebody took the file away. Python 3.10 has no reader of TOML."""
    try:
        found = re.search(r'^version = "(.+)"$', _PROJECT_FILE.read_text(encoding="utf-8"), re.MULTILINE)
    except (OSError, ValueError):
        return "unknown"
    return found[1] if found else "unknown"


def _files() -> dict[str, tuple[int, int]]:
    """Each file of the code, with its time and size."""
    stats = {str(path): path.stat() for path in (*_FOLDER.rglob("*.py"), _PROJECT_FILE) if path.is_file()}
    return {path: (stat.st_mtime_ns, stat.st_size) for path, stat in stats.items()}


VERSION = _version()
_LOADED = _files()


def is_up_to_date() -> bool:
    """Whether this code is still what is on the disk. Checked once, when the host loads its scripts anew."""
    return _files() == _LOADED
