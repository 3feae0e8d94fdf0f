"""Which WebUI miniwebui plays, as one table: the fields, flags and habits in which the real ones differ."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import Literal

from modules import profile_loras
from modules.profile_loras import LoraHabits

LEGACY_FAMILIES = frozenset({"sd15", "sd21", "sdxl", "sdxl-refiner", "sd3"})
SDXL_FLOW_FAMILIES = frozenset({"sdxl-flow", "mugen"})
FLUX_FAMILIES = frozenset({"flux-dev", "flux-schnell", "chroma"})


@dataclass(frozen=True)
class Profile:
    """One host. A flag names what that host does; code asks for the flag, never for the name."""

    name: str
    version: str
    """`Version:` in the infotext."""
    gradio_major: int
    schedule_types: bool
    """Has `modules.sd_schedulers` and the fields `scheduler`, `hr_scheduler`; else a sampler brings its schedule."""
    model_loading: Literal["at_start", "on_access", "before_generation"]
    """When the checkpoint is read; "before_generation" hosts show a FakeInitialModel until then."""
    families: frozenset[str]
    """What this host can load."""
    packages: str
    """Folder of `host_packages/` with the top-level packages that only this host has; "" for none."""
    forge_engine: bool
    """Forge's backend: its model classes, rounded timesteps, managed checkpoint option, patched LoRA set."""
    whole_timesteps: bool
    """k-diffusion's wrapper gives the net the nearest whole timestep, whatever the option says."""
    distilled_cfg: bool
    """Has `distilled_cfg_scale`, `hr_distilled_cfg` and `hr_additional_modules`."""
    hires_cfg: Literal["none", "plain", "zero_is_same"]
    """`hr_cfg`: absent; taken as it is; or 0 for "as the first pass", negative for "no uncond"."""
    model_flags: tuple[str, ...]
    """Family flags that a model object has."""
    skips_uncond_at_cfg_one: bool
    denoiser_keeps_uncond: bool
    """The denoiser can scale CFG and keep the uncond's noise for a sampler (`cond_scale_miltiplier`, …)."""
    missing_lora: Literal["pass_over", "drop_all"]
    loras: LoraHabits
    adds_new_loras: bool
    """`update_available_networks_by_names` looks for files that have come, without a rescan."""
    lora_hash: Literal["addnet", "sha256"]
    sampling_hook_twice_in_hires: bool
    ordered_sampling_hook: bool
    """`process_before_every_sampling` heeds the callback order of metadata.ini."""
    ordered_callbacks: bool
    """Callbacks have names, by which metadata.ini may order them, and hooks with them."""
    comments: Literal["script", "styles"]
    """`#` comments fall in a script after the extensions, or already where styles are applied."""
    c_style_comments: bool
    comments_stay_in_hires_prompts: bool
    prints_hires_prompt_as_asked: bool
    """The infotext has the request's hires prompt; else the one that was drawn."""
    comments_always_off_infotext: bool
    """The infotext's prompts are stripped of comments once more."""
    any_case_scheduler_suffix: bool
    sorted_ui_scripts: bool
    image_args_have_index: bool
    init_images_hook: bool
    add_sampler: bool
    skip_early: Literal["from_first", "spares_first", "first_always"]
    """Whether the option skip_early_cond counts the first step in, spares it, or, at 0 too, never guides it."""
    always_prints_clip_skip_and_rng: bool
    normal_schedule_for_flow: bool
    """"Automatic" means Normal for families that A1111 never knew."""
    hires_fields_from_second_pass: bool
    """The infotext's hires fields are written when the second pass begins, not in `init`."""
    api_handles_errors: bool
    """The API's own middleware turns exceptions into JSON, with the text under `errors`."""
    api_lists_script_options: bool
    """GET options tells of options that extensions add; else a built-in script has loaded the API's models before."""
    hires_multiple: int
    """What a hires pass's width and height are rounded to."""
    plot_tells_all_cells: bool
    """X/Y/Z plot answers with each cell's infotext, also where it does not answer with its picture."""
    latent_upscalers: bool
    """A hires pass may enlarge latents, and does so where no upscaler is named; else only pictures."""
    unknown_sampler_status: int
    """The API's answer to a sampler that the host does not list."""
    samplers: tuple[str, ...]
    schedulers: tuple[str, ...]
    plot_title: str = "X/Y/Z plot"


_COMMON_SAMPLERS = (
    "DPM++ 2M",
    "DPM++ SDE",
    "DPM++ 2M SDE",
    "DPM++ 2M SDE Heun",
    "DPM++ 2S a",
    "DPM++ 3M SDE",
    "Euler a",
    "Euler",
    "LMS",
    "Heun",
    "DPM2",
    "DPM2 a",
    "DPM fast",
    "DPM adaptive",
    "LCM",
)

_A1111_SCHEDULERS = (
    "Automatic",
    "Uniform",
    "Karras",
    "Exponential",
    "Polyexponential",
    "SGM Uniform",
    "KL Optimal",
    "Align Your Steps",
    "Simple",
    "Normal",
    "DDIM",
    "Beta",
)

A1111 = Profile(
    name="a1111",
    version="v1.10.1",
    gradio_major=3,
    schedule_types=True,
    model_loading="at_start",
    families=LEGACY_FAMILIES,
    packages="",
    forge_engine=False,
    whole_timesteps=False,
    distilled_cfg=False,
    hires_cfg="none",
    model_flags=("is_sd1", "is_sd2", "is_sdxl", "is_ssd", "is_sd3"),
    skips_uncond_at_cfg_one=False,
    denoiser_keeps_uncond=True,
    missing_lora="pass_over",
    loras=profile_loras.A1111,
    adds_new_loras=True,
    lora_hash="addnet",
    sampling_hook_twice_in_hires=False,
    ordered_sampling_hook=True,
    ordered_callbacks=True,
    comments="script",
    c_style_comments=False,
    comments_stay_in_hires_prompts=False,
    prints_hires_prompt_as_asked=False,
    comments_always_off_infotext=False,
    any_case_scheduler_suffix=False,
    sorted_ui_scripts=False,
    image_args_have_index=False,
    init_images_hook=False,
    add_sampler=False,
    skip_early="from_first",
    always_prints_clip_skip_and_rng=False,
    normal_schedule_for_flow=False,
    hires_fields_from_second_pass=False,
    api_handles_errors=True,
    api_lists_script_options=True,
    hires_multiple=1,
    plot_tells_all_cells=True,
    latent_upscalers=True,
    unknown_sampler_status=400,
    samplers=_COMMON_SAMPLERS,
    schedulers=_A1111_SCHEDULERS,
)

REFORGE = replace(
    A1111,
    name="reforge",
    version="f2.0.0-v1.10.1RC-latest-2.5",
    model_loading="on_access",
    packages="reforge",
    hires_cfg="zero_is_same",
    skips_uncond_at_cfg_one=True,
    missing_lora="drop_all",
    loras=profile_loras.REFORGE,
    c_style_comments=True,
    comments_always_off_infotext=True,
    any_case_scheduler_suffix=True,
    sorted_ui_scripts=True,
    init_images_hook=True,
    api_lists_script_options=False,
    plot_tells_all_cells=False,
    schedulers=(
        "Automatic",
        "Karras",
        "Exponential",
        "Polyexponential",
        "Uniform",
        "SGM Uniform",
        "KL Optimal",
        "Simple",
        "Normal",
        "DDIM",
        "Align Your Steps",
        "Beta",
        "Turbo",
    ),
)

FORGE = replace(
    A1111,
    name="forge",
    version="f2.0.1v1.10.1-previous-669-gdfdcbab6",
    gradio_major=4,
    model_loading="before_generation",
    families=LEGACY_FAMILIES | FLUX_FAMILIES,
    packages="forge",
    forge_engine=True,
    distilled_cfg=True,
    hires_cfg="plain",
    model_flags=("is_sd1", "is_sd2", "is_sdxl", "is_sd3", "use_distilled_cfg_scale"),
    skips_uncond_at_cfg_one=True,
    missing_lora="drop_all",
    loras=profile_loras.FORGE,
    lora_hash="sha256",
    sampling_hook_twice_in_hires=True,
    ordered_sampling_hook=False,
    comments="styles",
    sorted_ui_scripts=True,
    image_args_have_index=True,
    init_images_hook=True,
    add_sampler=True,
    api_handles_errors=False,
    api_lists_script_options=False,
    schedulers=(*_A1111_SCHEDULERS, "Turbo"),
)

NEO = replace(
    FORGE,
    name="neo",
    version="neo-2.26",
    packages="neo",
    families=(LEGACY_FAMILIES | FLUX_FAMILIES | SDXL_FLOW_FAMILIES) - {"sd21", "sd3"},
    model_flags=("is_sd1", "is_sdxl", "is_wan", "use_distilled_cfg_scale", "use_shift"),
    missing_lora="pass_over",
    loras=profile_loras.NEO,
    sampling_hook_twice_in_hires=False,
    comments="script",
    c_style_comments=True,
    skip_early="spares_first",
    always_prints_clip_skip_and_rng=True,
    normal_schedule_for_flow=True,
    hires_fields_from_second_pass=True,
    hires_multiple=64,
    latent_upscalers=False,
    samplers=(
        "DPM++ 2M",
        "DPM++ SDE",
        "DPM++ 2M SDE",
        "DPM++ 3M SDE",
        "Euler a",
        "Euler",
        "LCM",
        "LMS",
        "Heun",
        "DPM2",
    ),
    schedulers=(
        "Automatic",
        "Karras",
        "Exponential",
        "Polyexponential",
        "Normal",
        "Simple",
        "Uniform",
        "SGM Uniform",
        "KL Optimal",
        "DDIM",
        "Align Your Steps",
        "Beta",
        "Turbo",
    ),
)

CLASSIC = replace(
    A1111,
    name="classic",
    version="classic",
    schedule_types=False,
    model_loading="on_access",
    families=frozenset({"sd15", "sd21", "sdxl", "sdxl-refiner"}),
    packages="classic",
    whole_timesteps=True,
    model_flags=("is_sd1", "is_sd2", "is_sdxl"),
    skips_uncond_at_cfg_one=True,
    denoiser_keeps_uncond=False,
    missing_lora="drop_all",
    loras=profile_loras.CLASSIC,
    adds_new_loras=False,
    ordered_sampling_hook=False,
    ordered_callbacks=False,
    comments_stay_in_hires_prompts=True,
    prints_hires_prompt_as_asked=True,
    sorted_ui_scripts=True,
    skip_early="first_always",
    api_lists_script_options=False,
    unknown_sampler_status=404,
    samplers=(
        "DPM++ 2M Karras",
        "DPM++ SDE Karras",
        "DPM++ 2M SDE Exponential",
        "DPM++ 2M SDE Karras",
        "Euler a",
        "Euler",
        "LMS",
        "Heun",
        "DPM2",
        "DPM2 a",
        "DPM++ 2S a",
        "DPM++ 2M",
        "DPM++ SDE",
        "DPM++ 2M SDE",
        "DPM++ 2M SDE Heun",
        "DPM++ 2M SDE Heun Karras",
        "DPM++ 2M SDE Heun Exponential",
        "DPM++ 3M SDE",
        "DPM++ 3M SDE Karras",
        "DPM++ 3M SDE Exponential",
        "DPM fast",
        "DPM adaptive",
        "LMS Karras",
        "DPM2 Karras",
        "DPM2 a Karras",
        "DPM++ 2S a Karras",
        "Euler A Turbo",
        "DPM++ 2M Turbo",
        "DPM++ 2M SDE Turbo",
        "Euler SGMUniform",
        "Euler A SGMUniform",
        "DPM++ 2M SGMUniform",
        "DPM++ 2M SDE SGMUniform",
    ),
    schedulers=(),
    plot_title="X/Y/Z Plot",
)

PROFILES = {profile.name: profile for profile in (FORGE, NEO, REFORGE, A1111, CLASSIC)}

_SPELLINGS = {
    "forgeneo": "neo",
    "sdwebuiforgeneo": "neo",
    "sdwebuiforge": "forge",
    "webuiforge": "forge",
    "stablediffusionwebuiforge": "forge",
    "sdwebuireforge": "reforge",
    "stablediffusionwebuireforge": "reforge",
    "forgeclassic": "classic",
    "sdwebuiforgeclassic": "classic",
    "automatic1111": "a1111",
    "automatic": "a1111",
    "auto1111": "a1111",
    "stablediffusionwebui": "a1111",
    "webui": "a1111",
}


def find_profile(name: str) -> Profile:
    """The profile by its name or a common spelling in any case ("Forge Neo", "forge_neo", "A1111")."""
    key = re.sub(r"[^a-z0-9]", "", name.lower())
    try:
        return PROFILES[_SPELLINGS.get(key, key)]
    except KeyError:
        raise ValueError(f"unknown profile {name!r}; there are {', '.join(PROFILES)}") from None


VARIABLE = "MINIWEBUI_PROFILE"
"""Environment variable by which the launcher tells the server what to play."""

PROFILE = find_profile(os.environ.get(VARIABLE, FORGE.name))
