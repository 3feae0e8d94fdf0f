"""The sampler and the schedule types that this extension adds, by name, and where they are not supported.

Names only: the mathematics is in `sampling`, the way into the host's lists in `host.sampling`.
"""

TCD = "Hyper-SD TCD"
"""A sampler, and a schedule type: diffusers' TCD timesteps."""
ONE_STEP_UNET = "Hyper-SD 1-step UNet"
"""A schedule type: the first evaluation at timestep 800 (model card of the 1-step SDXL UNet)."""
SAMPLERS = (TCD,)
SCHEDULES = (TCD, ONE_STEP_UNET)

AUTOMATIC = "Automatic"
"""The hosts' schedule type that means the sampler's own."""

ORIGINAL_STEPS = 50
"""TCD's timesteps are chosen out of so many (diffusers' `original_inference_steps`); there can't be more."""
TRAINED_TIMESTEPS = 1000
"""Noise levels of SD 1.5, SD 2 and SDXL."""
ONE_STEP_TIMESTEP = 800

TCD_ETA = 0.3
"""Share of new noise in each jump (model card: lower than 1 for more than one step)."""
TCD_ETA_ONE_STEP = 1.0


def tcd_eta(steps: int, several: float = TCD_ETA) -> float:
    """TCD's eta where none is requested: 1 at one step, else `several`."""
    return TCD_ETA_ONE_STEP if steps == 1 else several


def schedule_in_effect(sampler: str, schedule: str | None) -> str | None:
    """The schedule type that a pass runs on: Hyper-SD's is bound to its sampler under "Automatic", as Karras is to
    DPM++ 2M. Where the host has no schedule types (`schedule` None), the sampler's name says it, or nothing does."""
    if sampler in SCHEDULES and schedule in (None, AUTOMATIC):
        return sampler
    return BOUND[sampler][1] if schedule is None and sampler in BOUND else schedule


def is_own(*names: str | None) -> bool:
    """Whether one of these names of samplers and schedule types is Hyper-SD's."""
    return any(name in SCHEDULES for name in names)


def schedule_obstacle(schedule: str | None, steps: int, noise_levels: int | None = None) -> str | None:
    """Why one of Hyper-SD's schedule types is not supported, or None; any other schedule type is fine.

    `steps` is the schedule's length, `noise_levels` that of the model's sigma table where it is known.
    """
    if schedule not in SCHEDULES:
        return None
    levels = TRAINED_TIMESTEPS if noise_levels is None else noise_levels
    if schedule == TCD and levels % ORIGINAL_STEPS:
        return f"the model has {levels} noise levels, which {ORIGINAL_STEPS} does not divide"
    if schedule == ONE_STEP_UNET and levels != TRAINED_TIMESTEPS:
        return f"the model has {levels} noise levels, not {TRAINED_TIMESTEPS}"
    if not 1 <= steps <= ORIGINAL_STEPS:
        return f"it has from 1 to {ORIGINAL_STEPS} steps, and {steps} would be needed"
    return None


BOUND: dict[str, tuple[str, str]] = {
    "Euler SGMUniform": ("Euler", "SGM Uniform"),
    "Euler A SGMUniform": ("Euler a", "SGM Uniform"),
    "DPM++ 2M SGMUniform": ("DPM++ 2M", "SGM Uniform"),
    "DPM++ 2M SDE SGMUniform": ("DPM++ 2M SDE", "SGM Uniform"),
}
"""By sampler: what a host with schedule types calls its method and its schedule type (Forge Classic's samplers)."""


def method_and_schedule(sampler: str, schedule: str | None) -> tuple[str, str | None]:
    """A sampler and a schedule type in the words of a host that has both; None where the name says no schedule."""
    return BOUND.get(sampler, (sampler, schedule))
