"""Builds the default models folder of a profile, once; later starts find it by its stamp."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from filelock import FileLock

from standins import files, headers
from standins.loras import write_lookalikes

PACKAGE = Path(__file__).parent


def _stamp(weights: Path) -> str:
    """Changes with the code here and with the trained weights."""
    digest = hashlib.sha256()
    for path in [*sorted(PACKAGE.glob("*.py")), *sorted(weights.rglob("*.safetensors"))]:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def ensure_models(root: Path, weights: Path, profile_name: str, families: frozenset[str]) -> Path:
    """The models folder of a profile below `root`, with what its host can load."""
    models, stamp = root / profile_name, _stamp(weights)
    if not _is_made(models, stamp):
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / f"{profile_name}.lock"):  # a start beside this one must not replace a folder in use
            if not _is_made(models, stamp):
                print(f"Making the models of {profile_name} in {models}")
                _make(models, weights, families, stamp)
    return models


def _is_made(models: Path, stamp: str) -> bool:
    mark = models / ".stamp"
    return mark.is_file() and mark.read_text() == stamp


def _make(models: Path, weights: Path, families: frozenset[str], stamp: str) -> None:
    """Beside its place, then moved there whole."""
    making = Path(tempfile.mkdtemp(prefix=f"{models.name}.", dir=models.parent))
    checkpoints, loras = making / "Stable-diffusion", making / "Lora"
    for folder, name in ((checkpoints, "Stable-diffusion"), (loras, "Lora")):
        folder.mkdir(parents=True)
        for path in sorted((weights / name).glob("*.safetensors")):
            shutil.copyfile(path, folder / path.name)
    for name, (family, signature) in headers.CHECKPOINTS.items():
        if family in families:
            files.write_signature(checkpoints / f"{name}.safetensors", signature)
    write_lookalikes(loras, weights / "Lora" / "Hyper-SD15-8steps-lora.safetensors")
    (making / ".stamp").write_text(stamp)
    shutil.rmtree(models, ignore_errors=True)
    making.rename(models)
