"""Schedule types: timesteps, and their noise levels in a model's own table, ending at 0 as the hosts' schedules do."""

import torch
from torch import Tensor

from .names import ONE_STEP_TIMESTEP, ONE_STEP_UNET, ORIGINAL_STEPS, TCD, TRAINED_TIMESTEPS, schedule_obstacle
from .noise_levels import is_flow


class ScheduleError(ValueError):
    """A schedule that the model or the number of steps does not allow; the message is a sentence for a person."""


def tcd_timesteps(steps: int, noise_levels: int = TRAINED_TIMESTEPS) -> list[int]:
    """Timesteps [steps], falling, of diffusers' `TCDScheduler` with 50 original steps: 8 are 999, 879, 759, 639, …

    Raises ScheduleError unless 1 <= steps <= 50 and 50 divides `noise_levels`.
    """
    _check(TCD, steps, noise_levels)
    stride = noise_levels // ORIGINAL_STEPS
    return [stride * (ORIGINAL_STEPS - i * ORIGINAL_STEPS // steps) - 1 for i in range(steps)]


def one_step_timesteps(steps: int) -> list[int]:
    """Timesteps [steps], falling in equal strides from 800: 2 are 800 and 400.

    Raises ScheduleError unless 1 <= steps <= 50.
    """
    _check(ONE_STEP_UNET, steps, TRAINED_TIMESTEPS)
    return [round(ONE_STEP_TIMESTEP * (steps - i) / steps) for i in range(steps)]


def tcd_sigmas(steps: int, table: Tensor) -> Tensor:
    """Noise levels [steps + 1] of `tcd_timesteps` in a model's table, and 0; dtype and device are the table's.

    Raises ScheduleError as `tcd_timesteps`, and for a flow model's table.
    """
    return _levels(TCD, tcd_timesteps(steps, len(table)), table)


def one_step_sigmas(steps: int, table: Tensor) -> Tensor:
    """Noise levels [steps + 1] of `one_step_timesteps` in a model's table [1000], and 0.

    Raises ScheduleError as `one_step_timesteps`, for a flow model's table, or one of another length.
    """
    _check(ONE_STEP_UNET, steps, len(table))
    return _levels(ONE_STEP_UNET, one_step_timesteps(steps), table)


def _levels(schedule: str, timesteps: list[int], table: Tensor) -> Tensor:
    if is_flow(table):
        raise ScheduleError(f"{schedule} is for SD 1.5, SD 2 and SDXL: this is a flow model.")
    return torch.cat([table[timesteps], table.new_zeros(1)])


def _check(schedule: str, steps: int, noise_levels: int) -> None:
    why = schedule_obstacle(schedule, steps, noise_levels)
    if why:
        raise ScheduleError(f"{schedule}: {why}.")
