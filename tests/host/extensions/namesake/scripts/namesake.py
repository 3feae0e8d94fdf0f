"""Another extension with a sampler and schedules of our names, and a sampler of its own."""

import json
from pathlib import Path

import k_diffusion.sampling
from modules import script_callbacks, sd_samplers, sd_samplers_common, sd_samplers_kdiffusion, sd_schedulers

TCD, ONE_STEP_UNET = "Hyper-SD TCD", "Hyper-SD 1-step UNet"
when = json.loads((Path(__file__).parents[1] / "when.json").read_text())


def add_sampler(name, funcname):
    data = sd_samplers_common.SamplerData(
        name, lambda model: sd_samplers_kdiffusion.KDiffusionSampler(funcname, model), [], {}
    )
    if hasattr(sd_samplers, "add_sampler"):
        sd_samplers.add_sampler(data)
        return
    sd_samplers.all_samplers.append(data)
    sd_samplers.all_samplers_map = {x.name: x for x in sd_samplers.all_samplers}
    sd_samplers.set_samplers()


def register(*_):
    add_sampler(TCD, "sample_heun")
    add_sampler("Their Heun", "sample_heun")
    for name, label in (("theirs", TCD), ("theirs_too", ONE_STEP_UNET)):
        schedule = sd_schedulers.Scheduler(name, label, k_diffusion.sampling.get_sigmas_exponential)
        sd_schedulers.schedulers.append(schedule)
        sd_schedulers.schedulers_map.update({name: schedule, label: schedule})


if when == "load":
    register()
else:
    getattr(script_callbacks, f"on_{when}")(register)
