"""Builds the default models folder of a profile, once; later starts find it by its stamp."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from standins import files, headers

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
    mark = models / ".stamp"
    if mark.is_file() and mark.read_text() == stamp:
        return models
    print(f"Making the models of {profile_name} in {models}")
    root.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f"{profile_name}.", dir=root))  # its own: starts may run side by side
    checkpoints, loras = making / "Stable-diffusion", making / "Lora"
    for folder, name in ((checkpoints, "Stable-diffusion"), (loras, "Lora")):
        folder.mkdir(parents=True)
        for path in sorted((weights / name).glob("*.safetensors")):
            shutil.copyfile(path, folder / path.name)
    for name, (family, signature) in headers.CHECKPOINTS.items():
        if family in families:
            files.write_signature(checkpoints / f"{name}.safetensors", signature)
    from standins.loras import write_lookalikes

    write_lookalikes(loras, weights / "Lora" / "Hyper-SD15-8steps-lora.safetensors")
    (making / ".stamp").write_text(stamp)
    shutil.rmtree(models, ignore_errors=True)
    try:
        making.rename(models)
    except OSError:  # another start was quicker
        shutil.rmtree(making, ignore_errors=True)
    return models
