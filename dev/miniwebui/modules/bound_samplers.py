"""The samplers of a host without schedule types: each brings its schedule, by an option or by a method of its own."""

from __future__ import annotations

import k_diffusion.sampling

from modules import devices, noise_levels
from modules.shared import opts

_KARRAS, _EXPONENTIAL, _ENSD = {"scheduler": "karras"}, {"scheduler": "exponential"}, {"uses_ensd": True}
_SECOND, _BROWNIAN, _DISCARD = {"second_order": True}, {"brownian_noise": True}, {"discard_next_to_last_sigma": True}
_HEUN = {"solver_type": "heun"}

SAMPLERS = [
    ("DPM++ 2M Karras", "sample_dpmpp_2m", ["k_dpmpp_2m_ka"], _KARRAS),
    ("DPM++ SDE Karras", "sample_dpmpp_sde", ["k_dpmpp_sde_ka"], {**_KARRAS, **_SECOND, **_BROWNIAN}),
    ("DPM++ 2M SDE Exponential", "sample_dpmpp_2m_sde", ["k_dpmpp_2m_sde_exp"], {**_EXPONENTIAL, **_BROWNIAN}),
    ("DPM++ 2M SDE Karras", "sample_dpmpp_2m_sde", ["k_dpmpp_2m_sde_ka"], {**_KARRAS, **_BROWNIAN}),
    ("Euler a", "sample_euler_ancestral", ["k_euler_a", "k_euler_ancestral"], _ENSD),
    ("Euler", "sample_euler", ["k_euler"], {}),
    ("LMS", "sample_lms", ["k_lms"], {}),
    ("Heun", "sample_heun", ["k_heun"], _SECOND),
    ("DPM2", "sample_dpm_2", ["k_dpm_2"], {**_DISCARD, **_SECOND}),
    ("DPM2 a", "sample_dpm_2_ancestral", ["k_dpm_2_a"], {**_DISCARD, **_ENSD, **_SECOND}),
    ("DPM++ 2S a", "sample_dpmpp_2s_ancestral", ["k_dpmpp_2s_a"], {**_ENSD, **_SECOND}),
    ("DPM++ 2M", "sample_dpmpp_2m", ["k_dpmpp_2m"], {}),
    ("DPM++ SDE", "sample_dpmpp_sde", ["k_dpmpp_sde"], {**_SECOND, **_BROWNIAN}),
    ("DPM++ 2M SDE", "sample_dpmpp_2m_sde", ["k_dpmpp_2m_sde_ka"], _BROWNIAN),
    ("DPM++ 2M SDE Heun", "sample_dpmpp_2m_sde", ["k_dpmpp_2m_sde_heun"], {**_BROWNIAN, **_HEUN}),
    (
        "DPM++ 2M SDE Heun Karras",
        "sample_dpmpp_2m_sde",
        ["k_dpmpp_2m_sde_heun_ka"],
        {**_KARRAS, **_BROWNIAN, **_HEUN},
    ),
    (
        "DPM++ 2M SDE Heun Exponential",
        "sample_dpmpp_2m_sde",
        ["k_dpmpp_2m_sde_heun_exp"],
        {**_EXPONENTIAL, **_BROWNIAN, **_HEUN},
    ),
    ("DPM++ 3M SDE", "sample_dpmpp_3m_sde", ["k_dpmpp_3m_sde"], {**_DISCARD, **_BROWNIAN}),
    ("DPM++ 3M SDE Karras", "sample_dpmpp_3m_sde", ["k_dpmpp_3m_sde_ka"], {**_KARRAS, **_DISCARD, **_BROWNIAN}),
    (
        "DPM++ 3M SDE Exponential",
        "sample_dpmpp_3m_sde",
        ["k_dpmpp_3m_sde_exp"],
        {**_EXPONENTIAL, **_DISCARD, **_BROWNIAN},
    ),
    ("DPM fast", "sample_dpm_fast", ["k_dpm_fast"], _ENSD),
    ("DPM adaptive", "sample_dpm_adaptive", ["k_dpm_ad"], _ENSD),
    ("LMS Karras", "sample_lms", ["k_lms_ka"], _KARRAS),
    ("DPM2 Karras", "sample_dpm_2", ["k_dpm_2_ka"], {**_KARRAS, **_DISCARD, **_ENSD, **_SECOND}),
    ("DPM2 a Karras", "sample_dpm_2_ancestral", ["k_dpm_2_a_ka"], {**_KARRAS, **_DISCARD, **_ENSD, **_SECOND}),
    ("DPM++ 2S a Karras", "sample_dpmpp_2s_ancestral", ["k_dpmpp_2s_a_ka"], {**_KARRAS, **_ENSD, **_SECOND}),
]
"""Name, function, aliases, options. As on the other profiles without those that k-diffusion does not have."""

OWN_SCHEDULES = {
    "Euler A Turbo": ("sample_euler_ancestral", ["euler_ancestral_turbo"], noise_levels.turbo_scheduler),
    "DPM++ 2M Turbo": ("sample_dpmpp_2m", ["dpmpp_2m_turbo"], noise_levels.turbo_scheduler),
    "DPM++ 2M SDE Turbo": ("sample_dpmpp_2m_sde", ["dpmpp_2m_sde_turbo"], noise_levels.turbo_scheduler),
    "Euler SGMUniform": ("sample_euler", ["euler_sgm_uniform"], noise_levels.sgm_uniform),
    "Euler A SGMUniform": ("sample_euler_ancestral", ["euler_ancestral_sgm_uniform"], noise_levels.sgm_uniform),
    "DPM++ 2M SGMUniform": ("sample_dpmpp_2m", ["dpmpp_2m_sgm_uniform"], noise_levels.sgm_uniform),
    "DPM++ 2M SDE SGMUniform": ("sample_dpmpp_2m_sde", ["dpmpp_2m_sde_sgm_uniform"], noise_levels.sgm_uniform),
}
"""By name: function, aliases, and the schedule that no option of the host changes."""

SCHEDULE_OPTION = "k_sched_type"
SCHEDULES = {
    "Automatic": None,
    "karras": k_diffusion.sampling.get_sigmas_karras,
    "exponential": k_diffusion.sampling.get_sigmas_exponential,
    "polyexponential": k_diffusion.sampling.get_sigmas_polyexponential,
}


def levels_by_options(p, steps, wrap, name):
    """The levels of a sampler whose own schedule is `name` (None: the wrapper's), which an option may override.

    A value of the option that is in no list is a KeyError, as on the host.
    """
    if opts.k_sched_type != "Automatic":
        name = p.extra_generation_params["Schedule type"] = opts.k_sched_type
    elif name not in SCHEDULES:  # another extension's
        name = None
    if name is None:
        return wrap.get_sigmas(steps)
    lowest, highest = wrap.sigmas[0].item(), wrap.sigmas[-1].item()
    low, high = (0.1, 10) if opts.use_old_karras_scheduler_sigmas and name != "exponential" else (lowest, highest)
    return SCHEDULES[name](n=steps, sigma_min=low, sigma_max=high, device=devices.cpu)
