"""How exact the samplers and schedules are, what a step costs, and what passes through a WebUI evaluate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from . import fidelity
from .arms import write_json
from .fidelity import AS_HOSTS, DDIM, EULER, LIMIT_FLOAT32, LIMIT_FLOAT64, EulerWays, tcd_cases, worst_euler_rms
from .fidelity_nets import PROMPT, Net, miniature_net
from .server import get, running_webui, txt2img

BEGIN, END = "<!-- begin: figures -->", "<!-- end: figures -->"
Figures = dict[str, float]
Part = tuple[Figures, str]
"""Figures by JSON key, and the same for people, in Markdown."""


def run(document: str | None, json_file: str | None) -> None:
    """Print all tables; write the figures to `json_file` and the tables into `document`, between its markers."""
    if document:
        _split(document)
    torch.set_num_threads(1)  # latents this small are ten times as fast
    figures: Figures = {}
    told = []
    for part in tqdm((_tcd, _euler, _one_step, _step_cost, _webuis)):
        found, text = part()
        figures |= found
        told.append(text)
    text = "\n\n".join([*told, _versions()])
    print(f"\n{text}")
    write_json(json_file, figures)
    if document:
        before, after = _split(document)
        Path(document).write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def _split(document: str) -> tuple[str, str]:
    """What stands before and after the figures of a document; SystemExit where it has no place for them."""
    path = Path(document)
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"error: no file {document} with lines {BEGIN} and {END} to write the figures between")
    return before, after


def _versions() -> str:
    packages = ("diffusers", "k-diffusion", "torch")
    return "Measured with " + ", ".join(f"{name} {version(name)}" for name in packages) + ", on a CPU."


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join([f"**{title}**", "", *("| " + " | ".join(line) + " |" for line in lines)])


def _numbers(values: Iterable[float]) -> list[str]:
    return [f"{value:.1e}" for value in values]


# --- against diffusers


TCD_COLUMNS: dict[str, tuple[str, dict[str, Any]]] = {
    "tcd_rms_mixture_max": ("mixture", {}),
    "tcd_rms_hosts_table_max": ("mixture, hosts' noise levels", {"hosts_table": True, "rounds": False}),
    "ztsnr_rms": ("mixture, zero terminal SNR, v", {"predictions": ("v_prediction",), "zero_snr": True}),
    "tcd_rms_miniature_max": ("miniature UNet, eps", {"predictions": ("epsilon",)}),
    "tcd_rms_float64_max": ("mixture, float64", {"dtype": torch.float64}),
}
"""JSON key of the worst -> the column's head, and the cases in it."""


def _tcd() -> Part:
    miniature = miniature_net(1)
    nets: dict[str, Net] = {"tcd_rms_miniature_max": miniature}
    columns = {key: _tcd_column(nets.get(key), cases) for key, (_, cases) in TCD_COLUMNS.items()}
    figures = {key: max(column) for key, column in columns.items()}
    limits = [LIMIT_FLOAT64 if "float64" in key else LIMIT_FLOAT32 for key in columns]
    figures["tcd_rms_max"] = max(value for key, value in figures.items() if "float64" not in key)
    rows = [[str(n), *_numbers(column[i] for column in columns.values())] for i, n in enumerate(fidelity.STEPS)]
    rows.append(["limit", *_numbers(limits)])
    title = "Hyper-SD TCD against TCDScheduler, the worst of eta 0, 0.3, 0.7, 1, eps and v prediction, batch 1 and 4"
    return figures, _table(title, ["steps", *(head for head, _ in TCD_COLUMNS.values())], rows)


def _tcd_column(net: Net | None, cases: Mapping[str, Any]) -> list[float]:
    return [max(fidelity.tcd_rms(case, net) for case in tcd_cases(steps, **cases)) for steps in fidelity.STEPS]


EULER_ROWS: tuple[tuple[str, fidelity.Published, EulerWays], ...] = (
    ("Euler, as A1111 and reForge run it", EULER, AS_HOSTS[0]),
    ("Euler, as Forge runs it", EULER, AS_HOSTS[1]),
    ("Euler, with its timesteps", EULER, EulerWays(timesteps=True)),
    ("DDIM, as A1111 and reForge run it", DDIM, AS_HOSTS[0]),
    ("DDIM, as Forge runs it", DDIM, AS_HOSTS[1]),
    ("DDIM, with its end", DDIM, EulerWays(end=True)),
    ("DDIM, with its end and start", DDIM, EulerWays(end=True, start=True)),
    ("DDIM, with its end, start and timesteps", DDIM, EulerWays(end=True, start=True, timesteps=True)),
)


def _euler() -> Part:
    nets = {steps: miniature_net(steps) for steps in fidelity.TRAILING_STEPS}
    rows = []
    for label, made, ways in EULER_ROWS:
        mixture = [fidelity.euler_rms(made, steps, ways) for steps in nets]
        miniature = max(fidelity.euler_rms(made, steps, ways, net) for steps, net in nets.items())
        rows.append([label, *_numbers([*mixture, miniature])])
    figures = {
        "euler_sgm_vs_trailing_rms": worst_euler_rms(EULER, *AS_HOSTS),
        "euler_sgm_vs_trailing_same_ways_rms": worst_euler_rms(EULER, EulerWays(timesteps=True)),
        "euler_sgm_vs_ddim_rms": worst_euler_rms(DDIM, *AS_HOSTS),
        "euler_sgm_vs_ddim_same_ways_rms": worst_euler_rms(DDIM, EulerWays(timesteps=True, start=True, end=True)),
    }
    heads = [
        "published scheduler, and how Euler was run",
        "1 step",
        "2 steps",
        "4 steps",
        "8 steps",
        "miniature, worst",
    ]
    return figures, _table("Euler on SGM Uniform against diffusers at trailing timesteps, mixture", heads, rows)


def _one_step() -> Part:
    as_hosts = {"start_as_published": False}
    samplers = {"Euler": fidelity.ONE_STEP_SAMPLERS[0], "Euler a": fidelity.ONE_STEP_SAMPLERS[1]}
    cells = {
        name: [fidelity.one_step_rms(sampler), fidelity.one_step_rms(sampler, **as_hosts)]
        for name, sampler in samplers.items()
    }
    rows = [[name, *_numbers(values)] for name, values in cells.items()]
    title = "Hyper-SD 1-step UNet, 1 step, against LCMScheduler at timestep 800, mixture"
    heads = ["sampler", "start of unit variance, as the extension has it", "start of noise · sigma"]
    return {"onestep_rms": max(values[0] for values in cells.values())}, _table(title, heads, rows)


def _step_cost() -> Part:
    ratio = fidelity.step_ratio()
    text = (
        f"**Cost**: a step of Hyper-SD TCD takes {ratio:.2f} times as long as one of k-diffusion's Euler (four latents "
        "of 128 × 128, a net that costs nothing, noise drawn in both)."
    )
    return {"tcd_vs_euler_step_ratio": ratio}, text


# --- through a WebUI


TRAINED = tuple(1000 * (8 - i) // 8 - 1 for i in range(8))
"""Timesteps of the 8-step LoRA: 999, 874, 749, …"""
LORA = "Hyper-SD15-8steps-lora"
SMALL = {"prompt": PROMPT, "width": 64, "height": 64, "seed": 1}
BY_HAND = {"steps": 8, "cfg_scale": 1.0, "sampler_name": "Euler", "scheduler": "SGM Uniform"}
HIRES = {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "None", "denoising_strength": 0.55}
HOSTS: dict[str, tuple[str, dict[str, Any]]] = {
    "a1111": ("A1111", HIRES),
    "forge": ("Forge", {**HIRES, "hr_additional_modules": ["Use same choices"]}),  # without it Forge's API fails
}
"""Profile -> its name, and what turns a hires pass on."""


def _webuis() -> Part:
    figures: Figures = {}
    passes = {}
    for profile, (name, hires) in HOSTS.items():
        with running_webui("--profile", profile, "--nowebui") as url:
            passes[name] = _second_pass(url, hires)
            if profile == "a1111":
                figures |= _cfg_one(url)
    figures["second_pass_evals"] = max(evaluations for evaluations, _ in passes.values())
    figures["second_pass_timestep_error_max"] = max(_timestep_error(timesteps) for _, timesteps in passes.values())
    rows = [
        [name, str(evaluations), ", ".join(f"{t:g}" for t in timesteps)]
        for name, (evaluations, timesteps) in passes.items()
    ]
    rows.append(["trained", "", ", ".join(map(str, TRAINED[-5:]))])
    title = "The hires pass of an 8-step LoRA at denoising strength 0.55, in miniwebui"
    return figures, "\n\n".join([_table(title, ["host", "evaluations", "timesteps"], rows), _told_of_cfg_one(figures)])


def _told_of_cfg_one(figures: Mapping[str, float]) -> str:
    ratio, difference = figures["a1111_cfg1_eval_ratio"], figures["a1111_cfg1_pixel_difference_max"]
    return (
        f"**CFG 1 on A1111**: {ratio:g} times the evaluations of the same request by hand; the pictures differ by "
        f"{difference:g} of 255 at the most, by rounding."
    )


def _cfg_one(url: str) -> Figures:
    """An object request at CFG 1 over the same by hand, with the extension off."""
    asked = {**SMALL, "steps": 8, "cfg_scale": 1.0, **_hyper({"lora": LORA})}
    typed = {**SMALL, **BY_HAND, "prompt": f"{PROMPT} <lora:{LORA}:1>", **_hyper({"enabled": False})}
    (by_object, fewer), (by_hand, all_of_them) = _evaluated(url, asked), _evaluated(url, typed)
    return {
        "a1111_cfg1_eval_ratio": fewer / all_of_them,
        "a1111_cfg1_pixel_difference_max": float(np.abs(by_object - by_hand).max()),
    }


def _second_pass(url: str, hires: Mapping[str, Any]) -> tuple[int, list[float]]:
    """Evaluations of an object request's hires pass, and the timesteps of its calls."""
    asked = {**SMALL, "steps": 8, "cfg_scale": 1.0, **_hyper({"lora": LORA})}
    _, first = _evaluated(url, asked)
    calls = len(get(f"{url}/miniwebui/v1/stats")["timesteps"])
    _, both = _evaluated(url, {**asked, **hires})
    return both - first, get(f"{url}/miniwebui/v1/stats")["timesteps"][calls:]


def _timestep_error(timesteps: Sequence[float]) -> float:
    """The largest distance from the last trained ones, each from its own."""
    return max(abs(t - trained) for t, trained in zip(timesteps, TRAINED[-len(timesteps) :], strict=True))


def _hyper(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {"alwayson_scripts": {"Hyper-SD": {"args": [settings]}}}


def _evaluated(url: str, request: Mapping[str, Any]) -> tuple[np.ndarray[Any, Any], int]:
    """A request's first picture [h, w, 3] in 0..255, and how often the net was evaluated for it, per picture row."""
    before = get(f"{url}/miniwebui/v1/stats")["evaluations"]
    picture, _ = txt2img(url, request)
    return np.asarray(picture, dtype=np.int16), get(f"{url}/miniwebui/v1/stats")["evaluations"] - before
