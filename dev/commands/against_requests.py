"""The 60 requests whose pictures `run.py bench against` compares between two checkouts: a table of data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SD15, SDXL, LIGHTNING, SD21 = "miniature-sd15", "miniature-sdxl", "miniature-sdxl-lightning", "miniature-sd21"
SD3, FLUX = "miniature-sd3", "miniature-flux-dev"
PROMPT = "a red circle on a green background"
TWO_STEPS, FOUR_STEPS, ONE_STEP = "Hyper-SD15-2steps-lora", "Hyper-SD15-4steps-lora", "Hyper-SD15-1step-lora"
TCD, ONE_STEP_UNET = "Hyper-SD TCD", "Hyper-SD 1-step UNet"
QUICK = {"lora": TWO_STEPS}
HIRES = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "None", "denoising_strength": 0.55}
STYLES = """name,prompt,negative_prompt
shiny,"{prompt}, shiny",dull
fast,"{prompt} <lora:Hyper-SD15-2steps:0.5>",
"""
"""The styles.csv of both WebUIs."""
PASTED = f"""{PROMPT} <lora:{FOUR_STEPS}:0.9>
Negative prompt: blur
Steps: 4, Sampler: Euler, Schedule type: SGM Uniform, CFG scale: 1.25, Seed: 11, Size: 64x64, \
Hyper-SD: {FOUR_STEPS}, Hyper-SD weight: 0.9, Hyper-SD changes: "steps 20 → 4 (trained for 4)\""""
DEFAULTS: Mapping[str, Any] = {
    "prompt": PROMPT,
    "seed": 7,
    "subseed": 7,
    "steps": 5,
    "cfg_scale": 7.0,
    "sampler_name": "Euler a",
    "scheduler": "Karras",
    "width": 64,
    "height": 64,
    "save_images": False,
    "do_not_save_samples": True,
    "do_not_save_grid": True,
}
"""A page's settings, of which no recipe keeps any."""


@dataclass(frozen=True)
class Request:
    """One generation. A host that lacks the checkpoint takes its selected one, the first of SD 1.5."""

    name: str
    args: tuple[Any, ...] | None = None
    """The script's arguments: the API object alone, or the panel's values by position; None leaves them out."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    checkpoint: str = SD15
    over: str = ""
    """"picture" is img2img over a fixed picture, "mask" with a mask over its left half."""
    axis: tuple[str, str] | None = None
    """X/Y/Z plot's axis and its values."""


def _object(name: str, hypersd: Any, fields: Mapping[str, Any] | None = None, **more: Any) -> Request:
    return Request(name, (hypersd,), fields or {}, **more)


def _prompt(name: str, words: str, args: tuple[Any, ...] | None = None, **fields: Any) -> Request:
    return Request(name, args, {"prompt": f"{PROMPT} {words}", **fields})


REQUESTS: tuple[Request, ...] = (
    Request("untouched"),
    _object("off by the object", {"enabled": False, "steps": 4}),
    Request("off by the panel", (False, "auto", "4")),
    _object("the recipe of the best file", {}),
    _object("1 step", {"steps": 1}),
    _object("2 steps", {"steps": 2}),
    _object("3 steps, far from any file", {"steps": 3}),
    _object("steps kept", {"steps": "keep"}),
    _object("a file by its name", QUICK),
    _object("a file by an alias", {"lora": "hyper-sd15-4steps"}),
    _object("a CFG-preserved file by an alias", {"lora": "hyper-sd15-cfg"}),
    _object("no file", {"lora": "none", "steps": 2}),
    _object("a file that is not there", {"lora": "no-such-lora"}),
    _object("a file of another family", {"lora": "Hyper-SDXL-8steps-lora"}),
    _object("weight 0.5", QUICK | {"weight": 0.5}),
    _object("weight 2, far from the recipe", QUICK | {"weight": 2}),
    _object("CFG kept", QUICK | {"cfg": "keep"}),
    _object("CFG of the recipe", QUICK | {"cfg": "recipe"}),
    _object("CFG by number", QUICK | {"cfg": 1.25}),
    _object("CFG within the range", QUICK, {"cfg_scale": 1.3}),
    _object("sampler kept", QUICK | {"sampler": "keep"}),
    _object("another sampler", QUICK | {"sampler": "Heun"}),
    _object("schedule type kept", QUICK | {"scheduler": "keep"}),
    _object("another schedule type", QUICK | {"scheduler": "Karras"}),
    _object("all kept", {"steps": "keep", "cfg": "keep", "sampler": "keep", "scheduler": "keep"}),
    _object("a negative prompt without effect", QUICK, {"negative_prompt": "blue, blur"}),
    _object("TCD by the unified file, 1 step", {"lora": ONE_STEP, "steps": 1}),
    _object("TCD by the unified file, 4 steps", {"lora": ONE_STEP, "steps": 4}),
    _object("TCD with eta", QUICK | {"sampler": TCD, "eta": 0.65}),
    Request("TCD in the page", fields={"sampler_name": TCD, "eta": 0.5}),
    Request("the 1-step UNet's schedule in the page", fields={"scheduler": ONE_STEP_UNET, "steps": 1, "cfg_scale": 1}),
    Request("the panel's values", (True, TWO_STEPS, "auto", "0.9", "1.2", "clamp", "auto", "auto", "tune")),
    _prompt("a short name", "<lora:Hyper-SD15-4steps>"),
    _prompt("a short name with a weight", "<lora:hyper-sd15-2steps:0.6>"),
    _prompt("a full name", f"<lora:{FOUR_STEPS}:0.8>"),
    _prompt("a full name and the object", f"<lora:{FOUR_STEPS}:0.8>", ({"steps": 8},)),
    _prompt("two tags", f"<lora:Hyper-SD15-4steps:0.9> <lora:{TWO_STEPS}:0.4>", ({},)),
    _prompt("a tag in a comment", "# <lora:Hyper-SD15-4steps>\n// note", ({},)),
    _prompt("a tag in the negative prompt", "", ({},), negative_prompt="<lora:Hyper-SD15-4steps> blur"),
    _prompt("short names switched off", "<lora:Hyper-SD15-2steps>", override_settings={"hypersd_prompt_tags": "none"}),
    _object("hires tuned", QUICK, HIRES),
    _object("hires always", QUICK | {"hires": "always", "hires_denoise": 0.4}),
    _object("hires kept", QUICK | {"hires": "keep"}, HIRES),
    _prompt("hires with a tag of its own", "", ({},), **HIRES, hr_prompt=f"{PROMPT} <lora:hyper-sd15-2steps>"),
    Request("img2img", (QUICK,), over="picture"),
    Request("img2img by a tag", None, {"prompt": f"{PROMPT} <lora:hyper-sd15-4steps>"}, over="picture"),
    Request("inpainting", (QUICK,), over="mask"),
    _object("an unknown key", {"bogus": 1}),
    _object("a number out of range", {"steps": 99, "weight": 3}),
    _object("a value of another type", {"enabled": 1}),
    Request("a panel value that is no number", (True, "auto", "many")),
    _object("stopped by the option", {"lora": "Hyper-SDXL-8steps-lora"}, {"override_settings": {"hypersd_stop": True}}),
    _object("a batch of 2, twice", QUICK, {"batch_size": 2, "n_iter": 2}),
    Request("styles, one with a tag", None, {"styles": ["shiny", "fast"]}),
    _object("X/Y/Z plot over steps", QUICK, axis=("Steps", "2,3")),
    _object("SDXL", {"steps": 4}, checkpoint=SDXL),
    _object("SDXL Lightning, distilled already", {}, checkpoint=LIGHTNING),
    _object("SD 3", {"steps": 4}, checkpoint=SD3),
    _object("FLUX.1", {"distilled_cfg": "recipe"}, {"distilled_cfg_scale": 9.0}, checkpoint=FLUX),
    Request("an infotext", None, {"infotext": PASTED}),  # the last: classic keeps its schedule type as an option
)  # fmt: skip
assert len(REQUESTS) == 60
