"""The models that a profile has by default are made once, also where many servers start at the same time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from live.server import PROJECT

STARTS = 4
MAKE = """
import sys
from pathlib import Path
from standins.build import ensure_models

models = ensure_models(Path(sys.argv[1]), Path(sys.argv[2]), "a1111", frozenset({"sd15", "sdxl", "sd3"}))
print(models.stat().st_ino, len(list(models.rglob("*.safetensors"))))
"""


def test_a_start_beside_another_one_leaves_its_folder_in_place(tmp_path: Path) -> None:
    """A folder replaced while a server lists it lost the server its default checkpoint."""
    command = [sys.executable, "-c", MAKE, str(tmp_path / "models"), str(PROJECT / "dev" / "miniature" / "weights")]
    starts = [
        subprocess.Popen(command, cwd=PROJECT / "dev" / "miniwebui", stdout=subprocess.PIPE, text=True)
        for _ in range(STARTS)
    ]
    found = {start.communicate()[0].splitlines()[-1] for start in starts}
    assert len(found) == 1, "one folder, whole"
    assert [path.name for path in (tmp_path / "models").iterdir() if path.suffix != ".lock"] == ["a1111"]
