"""What differs on the page between the hosts, as data."""

from __future__ import annotations

from dataclasses import dataclass

from modules.profiles import PROFILE

PAGE_SIZE = 128
"""Width and height that the page starts with, in pixels: the miniature's own. Hosts start at 512 or 1024."""


@dataclass(frozen=True)
class PageProfile:
    """A host's sliders and the names of what it hands to ``txt2img`` and ``img2img``."""

    name: str
    cfg: tuple[float, float, float, float]
    """Least, greatest, step and first value of the CFG scale slider."""
    distilled_cfg: tuple[float, float, float, float] | None = None
    """The same for the distilled CFG scale; None where the host has none."""
    hr_cfg: tuple[float, float, float, float] | None = None
    """The same for the CFG scale of the second pass."""
    denoise: float = 0.7
    img2img_denoise: float = 0.75
    defaults_keep_accordions: bool = True
    """Whether the Defaults tab keeps an accordion's checkbox. Forge passes it over: its InputAccordion is a function,
    and no component is of that class."""
    hr_modules: bool = False
    """Whether the second pass may name its own VAE and text encoders."""
    own_checkpoint_box: bool = False
    """Whether the checkpoint dropdown is the host's own instead of a quicksetting."""
    checkpoint_elem_id: str | None = "setting_sd_model_checkpoint"
    checkpoint_refresh_id: str = "refresh_sd_model_checkpoint"
    tab_labels: tuple[str, str] = ("txt2img", "img2img")

    def txt2img_fields(self) -> tuple[str, ...]:
        """Names of the page's own inputs, in the order in which the host's ``txt2img`` takes them."""
        distilled = self.distilled_cfg is not None
        return (
            *("prompt", "negative_prompt", "styles", "n_iter", "batch_size", "cfg_scale"),
            *(("distilled_cfg_scale",) if distilled else ()),
            *("height", "width", "enable_hr", "denoising_strength", "hr_scale", "hr_upscaler"),
            *("hr_second_pass_steps", "hr_resize_x", "hr_resize_y", "hr_checkpoint_name"),
            *(("hr_additional_modules",) if self.hr_modules else ()),
            *("hr_sampler_name", *(("hr_scheduler",) if PROFILE.schedule_types else ())),
            *("hr_prompt", "hr_negative_prompt"),
            *(("hr_cfg",) if self.hr_cfg else ()),
            *(("hr_distilled_cfg",) if distilled else ()),
            "override_settings",
        )

    def img2img_fields(self) -> tuple[str, ...]:
        """The same for ``img2img``."""
        return (
            *("mode", "prompt", "negative_prompt", "styles", "init_img", "init_img_inpaint"),
            *("init_mask_inpaint", "mask_blur", "inpainting_fill", "n_iter", "batch_size", "cfg_scale"),
            *(("distilled_cfg_scale",) if self.distilled_cfg is not None else ()),
            *("denoising_strength", "height", "width", "resize_mode", "inpaint_full_res"),
            *("inpaint_full_res_padding", "inpainting_mask_invert", "override_settings"),
        )


PROFILES = {
    profile.name: profile
    for profile in (
        PageProfile("a1111", cfg=(1.0, 30.0, 0.5, 7.0)),
        PageProfile("classic", cfg=(1.0, 30.0, 0.5, 7.0)),
        PageProfile("reforge", cfg=(0.0, 30.0, 0.1, 7.0), hr_cfg=(0.0, 30.0, 0.1, 0.0)),
        PageProfile(
            "forge",
            cfg=(1.0, 30.0, 0.1, 7.0),
            distilled_cfg=(0.0, 30.0, 0.1, 3.5),
            hr_cfg=(1.0, 30.0, 0.1, 7.0),
            defaults_keep_accordions=False,
            hr_modules=True,
            own_checkpoint_box=True,
            checkpoint_elem_id=None,  # Forge gives it only the class model_selection
            checkpoint_refresh_id="forge_refresh_checkpoint",
            tab_labels=("Txt2img", "Img2img"),
        ),
        PageProfile(
            "neo",
            cfg=(1.0, 24.0, 0.5, 6.0),
            distilled_cfg=(1.0, 24.0, 0.5, 3.0),
            hr_cfg=(1.0, 24.0, 0.5, 6.0),
            denoise=0.6,
            img2img_denoise=0.6,
            hr_modules=True,
            own_checkpoint_box=True,
            checkpoint_refresh_id="forge_refresh_checkpoint",
        ),
    )
}


def current() -> PageProfile:
    """The profile that miniwebui was started with."""
    return PROFILES[PROFILE.name]
