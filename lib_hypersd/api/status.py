"""GET /hypersd/v1/status and /catalog: what is there. Neither changes anything."""

from dataclasses import asdict
from typing import Any

import gradio
from fastapi.responses import Response

from .. import VERSION
from ..host import checkpoints, loras, options, reading, sampling, server
from ..host.threads import off_the_loop
from ..models import catalog
from ..models.lora_index import LoraQuery
from ..sampling.names import SCHEDULES
from .access import Json, fields_of, guarded_router

router = guarded_router()


@router.get("/status")
@off_the_loop
def status() -> Response:
    """Version, host, gradio, the selected checkpoint, its family and storage, the Hyper-SD LoRA files found.

    `merge` is what the host's merge of the file that "auto" takes would keep on a low-bit checkpoint, else null.
    """
    checkpoint, index = checkpoints.selected_checkpoint(), loras.lora_index()
    chosen = index.choose(checkpoint.family, LoraQuery()) if checkpoint.family else None
    answer = {
        "version": VERSION,
        "host": server.host_name(),
        "gradio": gradio.__version__,
        "checkpoint": checkpoint.name,
        "family": checkpoint.family,
        "loras": [{**fields_of(f, "name", "family", "steps", "kind"), "damaged": index.damage(f)} for f in index.files],
        **reading.storage_report(checkpoint, chosen),
        "samplers": [name for name in SCHEDULES if name in sampling.own_samplers()],
        "schedulers": [name for name in SCHEDULES if name in sampling.own_schedules()],
    }
    return Json(answer)


@router.get("/catalog")
@off_the_loop
def catalog_entries() -> Response:
    """Every published LoRA with its recipe, presence, size in bytes, licence and source; and the checkpoints."""
    index = loras.lora_index()
    checkpoints = [
        {"name": name, "family": "sdxl", "steps": 1, "size": size, "licence": catalog.CARD_LICENCE, "source": _CARD}
        for name, size in catalog.ONE_STEP_UNETS.items()
    ]
    variants = [{**_variant(v), "present": index.has(v)} for v in catalog.VARIANTS]
    return Json({"variants": variants, "checkpoints": checkpoints})


_CARD = f"https://huggingface.co/{catalog.REPO}"


def _variant(variant: catalog.Variant) -> dict[str, Any]:
    recipe = options.preferences().recipe_of(variant)
    return {
        **fields_of(variant, "name", "file", "family", "steps", "kind", "size", "licence"),
        "source": f"https://huggingface.co/{variant.repo}",
        "recipe": {
            "weight": recipe.weight,
            "steps": variant.steps,
            "cfg": asdict(recipe.cfg),
            "distilled_cfg": recipe.distilled_cfg and asdict(recipe.distilled_cfg),
            **fields_of(recipe, "sampler", "scheduler"),
        },
    }
