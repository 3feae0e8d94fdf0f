"""The list of samplers, and how a name of old becomes a sampler and a schedule type."""

from __future__ import annotations

import functools
import logging

from modules import sd_samplers_common, sd_samplers_kdiffusion, shared
from modules.profiles import PROFILE
from modules.sd_samplers_common import sample_to_image, samples_to_image_grid  # noqa: F401

if PROFILE.schedule_types:
    from modules import sd_schedulers

all_samplers = [*sd_samplers_kdiffusion.samplers_data_k_diffusion, *sd_samplers_kdiffusion.samplers_data_bound]
all_samplers_map = {x.name: x for x in all_samplers}

samplers: list[sd_samplers_common.SamplerData] = []
samplers_for_img2img: list[sd_samplers_common.SamplerData] = []
samplers_map: dict[str, str] = {}
samplers_hidden: set[str] = set()


def find_sampler_config(name):
    return all_samplers[0] if name is None else all_samplers_map.get(name)


def create_sampler(name, model):
    config = find_sampler_config(name)
    assert config is not None, f"bad sampler name: {name}"
    if model.is_sdxl and config.options.get("no_sdxl", False):
        raise Exception(f"Sampler {config.name} is not supported for SDXL")
    sampler = config.constructor(model)
    sampler.config = config
    return sampler


def set_samplers():
    """Renew the lists that pages and infotexts look names up in."""
    global samplers, samplers_for_img2img, samplers_hidden
    samplers_hidden = set(shared.opts.hide_samplers)
    samplers = samplers_for_img2img = all_samplers
    samplers_map.clear()
    for sampler in all_samplers:
        for alias in (sampler.name, *sampler.aliases):
            samplers_map[alias.lower()] = sampler.name


if PROFILE.add_sampler:

    def add_sampler(sampler):
        global all_samplers_map
        if sampler.name not in [x.name for x in all_samplers]:
            all_samplers.append(sampler)
            all_samplers_map = {x.name: x for x in all_samplers}
            set_samplers()


def visible_sampler_names():
    return [x.name for x in samplers if x.name not in samplers_hidden]


def visible_samplers():
    return [x for x in samplers if x.name not in samplers_hidden]


def get_sampler_from_infotext(d):
    return get_sampler_and_scheduler(d.get("Sampler"), d.get("Schedule type"))[0]


def get_scheduler_from_infotext(d):
    return get_sampler_and_scheduler(d.get("Sampler"), d.get("Schedule type"))[1]


def get_hr_sampler_and_scheduler(d):
    """The hires pass's, with "Use same …" where they are the first pass's."""
    sampler, scheduler = d.get("Sampler"), d.get("Schedule type")
    hr_sampler = d.get("Hires sampler", "Use same sampler")
    hr_scheduler = d.get("Hires schedule type", "Use same scheduler")
    found_sampler, found_scheduler = get_sampler_and_scheduler(
        sampler if hr_sampler == "Use same sampler" else hr_sampler,
        scheduler if hr_scheduler == "Use same scheduler" else hr_scheduler,
    )
    return (
        "Use same sampler" if found_sampler == sampler else found_sampler,
        "Use same scheduler" if found_scheduler == scheduler else found_scheduler,
    )


def get_hr_sampler_from_infotext(d):
    return get_hr_sampler_and_scheduler(d)[0]


def get_hr_scheduler_from_infotext(d):
    return get_hr_sampler_and_scheduler(d)[1]


def _ends_with(name, suffix):
    if PROFILE.any_case_scheduler_suffix:
        name, suffix = name.lower(), suffix.lower()
    return name.endswith(" " + suffix)


@functools.cache
def get_sampler_and_scheduler(sampler_name, scheduler_name, *, convert_automatic=True):
    """("DPM++ 2M Karras", None) -> ("DPM++ 2M", "Automatic"): a schedule's name at the end is cut off; an
    unknown sampler becomes the first, an unknown schedule Automatic."""
    default_sampler = samplers[0]
    found = sd_schedulers.schedulers_map.get(scheduler_name, sd_schedulers.schedulers[0])
    name = sampler_name or default_sampler.name
    for scheduler in sd_schedulers.schedulers:
        for option in (scheduler.label, scheduler.name, *(scheduler.aliases or [])):
            if _ends_with(name, option):
                found, name = scheduler, name[: -(len(option) + 1)]
                break
    sampler = all_samplers_map.get(name, default_sampler)
    if convert_automatic and sampler.options.get("scheduler", None) == found.name:
        found = sd_schedulers.schedulers[0]
    return sampler.name, found.label


def fix_p_invalid_sampler_and_scheduler(p):
    given = p.sampler_name, p.scheduler
    p.sampler_name, p.scheduler = get_sampler_and_scheduler(*given, convert_automatic=False)
    if (p.sampler_name, p.scheduler) != given:
        logging.warning(
            'Sampler Scheduler autocorrection: "%s" -> "%s", "%s" -> "%s"',
            given[0],
            p.sampler_name,
            given[1],
            p.scheduler,
        )


if not PROFILE.schedule_types:  # there a name is a sampler's or nothing, and an infotext's goes into the page as it is
    del get_sampler_from_infotext, get_scheduler_from_infotext
    del get_hr_sampler_and_scheduler, get_hr_sampler_from_infotext, get_hr_scheduler_from_infotext
    del get_sampler_and_scheduler, fix_p_invalid_sampler_and_scheduler

set_samplers()
