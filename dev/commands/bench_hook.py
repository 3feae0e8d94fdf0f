"""What the hooks cost a picture, measured in a host that is prepared but serves nobody.

`process` and `before_process_batch` of the real script on real `p` objects, batch size 8, 1,000 files in the LoRA
folder: off (panel off), on (panel on; each request new to the plan). The first scan includes opening what is named
like a Hyper-SD file; later ones find nothing changed.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from safetensors.torch import save_file

from .arms import write_json
from .server import PROJECT

FILES, BATCH, ROUNDS = 1000, 8, 2000


def run(json_file: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        loras = Path(folder) / "Lora"
        fill_lora_folder(loras)
        prepare(loras, Path(folder) / "data")
        figures = {**_hooks(), **_scans()}
    told = {
        "on_ms_p50": "on, median",
        "on_ms_p99": "on, 99th percentile",
        "off_ms_p50": "off, median",
        "scan_cold_ms": f"first scan of {FILES:,} files",
        "scan_warm_ms": "later scans",
    }
    for key, text in told.items():
        print(f"{text:32}{figures[key]:>10.3f} ms")
    write_json(json_file, {key: round(figures[key], 4) for key in told})


def fill_lora_folder(folder: Path) -> None:
    """The miniature's Hyper-SD LoRAs and a crowd of others, in a few subfolders."""
    source = PROJECT / "dev" / "miniature" / "weights" / "Lora"
    published = sorted(source.glob("*.safetensors"))
    for number in range(FILES):
        target = folder / f"shelf-{number % 10}"
        target.mkdir(parents=True, exist_ok=True)
        if number < len(published):
            shutil.copy(published[number], target)
        else:
            save_file({"lora_unet_mid.alpha": torch.ones(1)}, target / f"style-{number:04}.safetensors")


def prepare(loras: Path, data: Path) -> None:
    """Everything that miniwebui does before it serves."""
    sys.path.insert(0, str(PROJECT / "dev" / "miniwebui"))
    sys.argv = ["launch.py", "--profile", "forge", "--nowebui", "--extra-extension", str(PROJECT)]
    sys.argv += ["--lora-dir", str(loras), "--data-dir", str(data)]
    import launch

    launch.prepare()
    from modules import initialize, sd_models

    initialize.imports()
    initialize.initialize()
    sd_models.forge_model_reload()


def _hooks() -> dict[str, float]:
    from modules import scripts

    runner = scripts.scripts_txt2img
    runner.initialize_scripts(is_img2img=False)
    script = next(s for s in runner.alwayson_scripts if s.title() == "Hyper-SD")
    on, off = [], []
    for number in range(ROUNDS):
        on.append(_time(_picture(script, number, {"cfg": 1.0 + number % 5 / 10})))
        off.append(_time(_picture(script, number, False)))
    on.sort()
    return {
        "on_ms_p50": median(on),
        "on_ms_p99": on[int(0.99 * len(on))],
        "off_ms_p50": median(off),
    }


def _picture(script: Any, number: int, first_argument: Any) -> Callable[[], None]:
    """One generation's two hooks, everything else being ready."""
    from modules import processing

    p = processing.StableDiffusionProcessingTxt2Img(
        prompt=[f"a red circle, number {number}, picture {i}" for i in range(BATCH)],
        negative_prompt="blue",
        batch_size=BATCH,
        steps=20,
        cfg_scale=7.0,
        sampler_name="DPM++ 2M",
        scheduler="Karras",
    )
    p.setup_prompts()

    def hooks() -> None:
        script.process(p, first_argument)
        prompts = p.all_prompts[:BATCH]
        script.before_process_batch(p, first_argument, batch_number=0, prompts=prompts, seeds=[], subseeds=[])

    return hooks


def _scans() -> dict[str, float]:
    """The first index of the registry, and later ones."""
    from lib_hypersd.host import loras
    from lib_hypersd.models import headers

    cold, warm = [], []
    for _ in range(5):
        headers.forget()
        cache = loras.lora_cache()
        cold.append(_time(cache.index))
        warm += [_time(cache.index) for _ in range(20)]
    return {"scan_cold_ms": median(cold), "scan_warm_ms": median(warm)}


def _time(action: Callable[[], Any]) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1000
