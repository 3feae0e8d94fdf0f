"""Samplers and schedules as k-diffusion-style functions. torch and tqdm alone: no host, no k-diffusion."""

from .noise_levels import is_flow, model_sigmas, sd_sigmas, timestep_of, unit_variance
from .schedules import ScheduleError, one_step_sigmas, one_step_timesteps, tcd_sigmas, tcd_timesteps
from .tcd import sample_tcd

__all__ = [
    "ScheduleError",
    "is_flow",
    "model_sigmas",
    "one_step_sigmas",
    "one_step_timesteps",
    "sample_tcd",
    "sd_sigmas",
    "tcd_sigmas",
    "tcd_timesteps",
    "timestep_of",
    "unit_variance",
]
