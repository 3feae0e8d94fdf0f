"""Another extension's schedule that is called TCD, by which the hosts cut sampler names."""

import json
from pathlib import Path

import k_diffusion.sampling
from modules import script_callbacks, sd_schedulers

how = json.loads((Path(__file__).parents[1] / "how.json").read_text())


def register(*_):
    schedule = sd_schedulers.Scheduler(
        how["name"], how["label"], k_diffusion.sampling.get_sigmas_exponential, aliases=how["aliases"]
    )
    sd_schedulers.schedulers.append(schedule)
    sd_schedulers.schedulers_map.update({schedule.name: schedule, schedule.label: schedule})


if how["when"] == "load":
    register()
else:
    getattr(script_callbacks, f"on_{how['when']}")(register)
