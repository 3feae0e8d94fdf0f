"""txt2img, with the hires pass."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from PIL import Image

from modules import (
    extra_networks,
    images,
    prompt_parser,
    rng,
    sd_models,
    sd_samplers,
    sd_samplers_common,
    shared,
)
from modules.processing_base import StableDiffusionProcessing, decode_latent_batch, latents_of, opt_f
from modules.processing_infotext import create_infotext
from modules.profiles import PROFILE
from modules.shared import opts, state

SAME_CHECKPOINT = "Use same checkpoint"
SAME_CHOICES = "Use same choices"


def old_hires_fix_first_pass_dimensions(width, height):
    """The first pass's size when width and height mean the final one."""
    scale = math.sqrt(512 * 512 / (width * height))
    return math.ceil(scale * width / 64) * 64, math.ceil(scale * height / 64) * 64


def _whole(pixels):
    multiple = PROFILE.hires_multiple
    return int(pixels) if multiple == 1 else math.floor(pixels / multiple + 0.5) * multiple


def get_hr_prompt(p, index, prompt_text, **kwargs):
    prompt = p.all_hr_prompts[index]
    return prompt if prompt != prompt_text else None


def get_hr_negative_prompt(p, index, negative_prompt, **kwargs):
    prompt = p.all_hr_negative_prompts[index]
    return prompt if prompt != negative_prompt else None


@dataclass(repr=False)
class StableDiffusionProcessingTxt2Img(StableDiffusionProcessing):
    enable_hr: bool = False
    denoising_strength: float = 0.75
    firstphase_width: int = 0
    firstphase_height: int = 0
    hr_scale: float = 2.0
    hr_upscaler: str = None
    hr_second_pass_steps: int = 0
    hr_resize_x: int = 0
    hr_resize_y: int = 0
    hr_checkpoint_name: str = None
    if PROFILE.distilled_cfg:
        hr_additional_modules: list = field(default=None)
    hr_sampler_name: str = None
    if PROFILE.schedule_types:
        hr_scheduler: str = None
    hr_prompt: str = ""
    hr_negative_prompt: str = ""
    if PROFILE.hires_cfg != "none":
        hr_cfg: float = 1.0
    if PROFILE.distilled_cfg:
        hr_distilled_cfg: float = 3.5
    force_task_id: str = None

    cached_hr_uc: ClassVar[list] = [None, None, None]
    cached_hr_c: ClassVar[list] = [None, None, None]

    hr_checkpoint_info: dict = field(default=None, init=False)
    hr_upscale_to_x: int = field(default=0, init=False)
    hr_upscale_to_y: int = field(default=0, init=False)
    truncate_x: int = field(default=0, init=False)
    truncate_y: int = field(default=0, init=False)
    applied_old_hires_behavior_to: tuple = field(default=None, init=False)
    latent_scale_mode: dict = field(default=None, init=False)
    hr_c: tuple | None = field(default=None, init=False)
    hr_uc: tuple | None = field(default=None, init=False)
    all_hr_prompts: list = field(default=None, init=False)
    all_hr_negative_prompts: list = field(default=None, init=False)
    hr_prompts: list = field(default=None, init=False)
    hr_negative_prompts: list = field(default=None, init=False)
    hr_extra_network_data: list = field(default=None, init=False)

    def __post_init__(self):
        super().__post_init__()
        if self.firstphase_width != 0 or self.firstphase_height != 0:
            self.hr_upscale_to_x, self.hr_upscale_to_y = self.width, self.height
            self.width, self.height = self.firstphase_width, self.firstphase_height
        self.cached_hr_uc = StableDiffusionProcessingTxt2Img.cached_hr_uc
        self.cached_hr_c = StableDiffusionProcessingTxt2Img.cached_hr_c

    def calculate_target_resolution(self):
        """hr_upscale_to_x and _y, from the scale or from hr_resize_x and _y with what to cut off."""
        if opts.use_old_hires_fix_width_height and self.applied_old_hires_behavior_to != (self.width, self.height):
            self.hr_resize_x = self.hr_upscale_to_x = self.width
            self.hr_resize_y = self.hr_upscale_to_y = self.height
            self.width, self.height = old_hires_fix_first_pass_dimensions(self.width, self.height)
            self.applied_old_hires_behavior_to = (self.width, self.height)
        x, y = self.hr_resize_x, self.hr_resize_y
        if x == 0 and y == 0:
            self.extra_generation_params["Hires upscale"] = self.hr_scale
            self.hr_upscale_to_x = _whole(self.width * self.hr_scale)
            self.hr_upscale_to_y = _whole(self.height * self.hr_scale)
            return
        if PROFILE.hires_multiple > 1:
            self.hr_upscale_to_x = x = _whole(x or y * self.width / self.height)
            self.hr_upscale_to_y = y = _whole(y or x * self.height / self.width)
            self.extra_generation_params["Hires resize"] = f"{x}x{y}"
            return
        self.extra_generation_params["Hires resize"] = f"{x}x{y}"
        by_width = x != 0 and (y == 0 or self.width / self.height < x / y)
        if by_width:
            self.hr_upscale_to_x, self.hr_upscale_to_y = x, x * self.height // self.width
        else:
            self.hr_upscale_to_x, self.hr_upscale_to_y = y * self.width // self.height, y
        if x and y:
            self.truncate_x = (self.hr_upscale_to_x - x) // opt_f
            self.truncate_y = (self.hr_upscale_to_y - y) // opt_f

    def init(self, all_prompts, all_seeds, all_subseeds):
        if not self.enable_hr:
            return
        notes = self.extra_generation_params
        if not PROFILE.hires_fields_from_second_pass:
            notes["Denoising strength"] = self.denoising_strength
        if self.hr_checkpoint_name and self.hr_checkpoint_name != SAME_CHECKPOINT:
            self.hr_checkpoint_info = sd_models.get_closet_checkpoint_match(self.hr_checkpoint_name)
            if self.hr_checkpoint_info is None:
                raise Exception(f"Could not find checkpoint with name {self.hr_checkpoint_name}")
            notes["Hires checkpoint"] = self.hr_checkpoint_info.short_title
        if PROFILE.distilled_cfg and isinstance(self.hr_additional_modules, list):
            self._note_modules()
        if not PROFILE.hires_fields_from_second_pass:
            self._note_hires_fields()
            if PROFILE.schedule_types:
                notes["Hires schedule type"] = None  # the sampler fills it in
        if PROFILE.schedule_types and self.hr_scheduler is None:
            self.hr_scheduler = self.scheduler

        default = shared.latent_upscale_modes.get(shared.latent_upscale_default_mode, "nearest")
        self.latent_scale_mode = (
            default if self.hr_upscaler is None else shared.latent_upscale_modes.get(self.hr_upscaler)
        )
        if self.latent_scale_mode is None and not any(x.name == self.hr_upscaler for x in shared.sd_upscalers):
            raise Exception(f"could not find upscaler named {self.hr_upscaler}")
        self.calculate_target_resolution()
        self._count_jobs()
        if not PROFILE.hires_fields_from_second_pass:
            self._note_steps_and_upscaler()

    def _note_modules(self):
        notes, chosen = self.extra_generation_params, self.hr_additional_modules
        if not chosen:
            notes["Hires Module 1"] = "Built-in"
        elif SAME_CHOICES in chosen:
            notes["Hires Module 1"] = SAME_CHOICES
        else:
            for i, path in enumerate(chosen):
                notes[f"Hires Module {i + 1}"] = os.path.splitext(os.path.basename(path))[0]

    def _note_hires_fields(self):
        notes = self.extra_generation_params
        if self.hr_sampler_name is not None and self.hr_sampler_name != self.sampler_name:
            notes["Hires sampler"] = self.hr_sampler_name
        if not PROFILE.prints_hires_prompt_as_asked:
            notes["Hires prompt"] = get_hr_prompt
            notes["Hires negative prompt"] = get_hr_negative_prompt
        if PROFILE.prints_hires_prompt_as_asked and self.hr_prompt != self.prompt:
            notes["Hires prompt"] = self.hr_prompt
        if PROFILE.prints_hires_prompt_as_asked and self.hr_negative_prompt != self.negative_prompt:
            notes["Hires negative prompt"] = self.hr_negative_prompt
        if PROFILE.hires_cfg != "none":
            notes["Hires CFG Scale"] = self.hr_cfg
        if PROFILE.distilled_cfg:
            notes["Hires Distilled CFG Scale"] = None  # known once the hires model is loaded

    def _note_steps_and_upscaler(self):
        if self.hr_second_pass_steps:
            self.extra_generation_params["Hires steps"] = self.hr_second_pass_steps
        if self.hr_upscaler is not None:
            self.extra_generation_params["Hires upscaler"] = self.hr_upscaler

    def _note_second_pass(self):
        """Neo's way: all at once when the second pass begins."""
        notes = self.extra_generation_params
        self._note_hires_fields()
        if self.hr_scheduler is not None and self.hr_scheduler != self.scheduler:
            notes["Hires schedule type"] = self.hr_scheduler
        self._note_steps_and_upscaler()
        notes["Denoising strength"] = self.denoising_strength
        if getattr(self.sd_model, "use_shift", False):
            notes["Hires Shift"] = self.hr_distilled_cfg

    def _count_jobs(self):
        if state.processing_has_refined_job_count:
            return
        if state.job_count == -1:
            state.job_count = self.n_iter
        second = self.hr_second_pass_steps or self.steps
        first = 0 if getattr(self, "txt2img_upscale", False) else self.steps
        shared.total_tqdm.updateTotal((first + second) * state.job_count)
        state.job_count *= 2
        state.processing_has_refined_job_count = True

    def sample(self, conditioning, unconditional_conditioning, seeds, subseeds, subseed_strength, prompts):
        self.sampler = sd_samplers.create_sampler(self.sampler_name, self.sd_model)
        samples = decoded = None
        if self.firstpass_image is not None and self.enable_hr:
            pixels = torch.from_numpy(np.moveaxis(np.array(self.firstpass_image).astype(np.float32) / 255.0, 2, 0))
            if self.latent_scale_mode is None:
                decoded = pixels.unsqueeze(0) * 2.0 - 1.0
            else:
                samples = latents_of(pixels.unsqueeze(0))
        else:
            x = self.rng.next()
            x = self.before_sampling(x=x, noise=x, c=conditioning, uc=unconditional_conditioning)
            samples = self.sampler.sample(
                self,
                x,
                conditioning,
                unconditional_conditioning,
                image_conditioning=self.txt2img_image_conditioning(x),
            )
            if not self.enable_hr:
                return samples
            if self.latent_scale_mode is None:
                decoded = torch.stack(decode_latent_batch(self.sd_model, samples)).float()
        self._load_hires_model()
        return self.sample_hr_pass(samples, decoded, seeds, subseeds, subseed_strength, prompts)

    def _load_hires_model(self):
        with sd_models.SkipWritingToConfig():
            if PROFILE.forge_engine:
                self._load_hires_model_by_forge()
            else:
                sd_models.reload_model_weights(info=self.hr_checkpoint_info)

    def _load_hires_model_by_forge(self):
        from modules_forge import main_entry

        checkpoint, modules = opts.sd_model_checkpoint, opts.forge_additional_modules
        changed = False
        # Without `hr_additional_modules` this line is the host's own TypeError, and the API's 500.
        if SAME_CHOICES not in self.hr_additional_modules:
            changed |= main_entry.modules_change(self.hr_additional_modules, save=False, refresh=False)
        other = self.hr_checkpoint_name and self.hr_checkpoint_name != SAME_CHECKPOINT
        if other and main_entry.checkpoint_change(self.hr_checkpoint_name, save=False, refresh=False):
            self.firstpass_use_distilled_cfg_scale = getattr(self.sd_model, "use_distilled_cfg_scale", False)
            changed = True
        if changed:
            try:
                main_entry.refresh_model_loading_parameters()
                sd_models.forge_model_reload()
            finally:
                main_entry.modules_change(modules, save=False, refresh=False)
                main_entry.checkpoint_change(checkpoint, save=False, refresh=False)
                main_entry.refresh_model_loading_parameters()

    def sample_hr_pass(self, samples, decoded_samples, seeds, subseeds, subseed_strength, prompts):
        if state.interrupted:
            return samples
        if PROFILE.hires_fields_from_second_pass:
            self._note_second_pass()
        if PROFILE.distilled_cfg and self.sd_model.use_distilled_cfg_scale:
            self.extra_generation_params["Hires Distilled CFG Scale"] = self.hr_distilled_cfg
        self.is_hr_pass = True
        self.sampler = sd_samplers.create_sampler(self.hr_sampler_name or self.sampler_name, self.sd_model)
        samples = self._upscaled(samples, decoded_samples, seeds, prompts)
        state.nextjob()
        h, w = samples.shape[2:]
        samples = samples[
            :,
            :,
            self.truncate_y // 2 : h - (self.truncate_y + 1) // 2,
            self.truncate_x // 2 : w - (self.truncate_x + 1) // 2,
        ]
        self.rng = rng.ImageRNG(
            samples.shape[1:],
            self.seeds,
            subseeds=self.subseeds,
            subseed_strength=self.subseed_strength,
            seed_resize_from_h=self.seed_resize_from_h,
            seed_resize_from_w=self.seed_resize_from_w,
        )
        noise = self.rng.next()
        self.activate_extra_networks(self.hr_extra_network_data)
        self.calculate_hr_conds()
        if self.scripts is not None:
            self.scripts.before_hr(self)
        arguments = {"x": samples, "noise": noise, "c": self.hr_c, "uc": self.hr_uc}
        if PROFILE.sampling_hook_twice_in_hires and self.scripts is not None:
            self.scripts.process_before_every_sampling(self, **arguments)
        noise = self.before_sampling(**arguments)
        samples = self.sampler.sample_img2img(
            self,
            samples,
            noise,
            self.hr_c,
            self.hr_uc,
            steps=self.hr_second_pass_steps or self.steps,
            image_conditioning=self.txt2img_image_conditioning(samples),
        )
        self.sampler = None
        decoded = decode_latent_batch(self.sd_model, samples)
        self.is_hr_pass = False
        return decoded

    def _upscaled(self, samples, decoded_samples, seeds, prompts):
        """Latents of the final size, enlarged as latents or as pictures."""
        width, height = self.hr_upscale_to_x, self.hr_upscale_to_y
        if self.latent_scale_mode is not None:
            for i in range(samples.shape[0]):
                self._save_first_pass(samples, i, seeds, prompts)
            return torch.nn.functional.interpolate(
                samples,
                size=(height // opt_f, width // opt_f),
                mode=self.latent_scale_mode["mode"],
                antialias=self.latent_scale_mode["antialias"],
            )
        batch = []
        for i, pixels in enumerate(torch.clamp((decoded_samples + 1.0) / 2.0, min=0.0, max=1.0)):
            image = Image.fromarray((255.0 * np.moveaxis(pixels.cpu().numpy(), 0, 2)).astype(np.uint8))
            self._save_first_pass(image, i, seeds, prompts)
            image = images.resize_image(0, image, width, height, upscaler_name=self.hr_upscaler)
            batch.append(np.moveaxis(np.array(image).astype(np.float32) / 255.0, 2, 0))
        return latents_of(torch.from_numpy(np.array(batch)))

    def _save_first_pass(self, image, index, seeds, prompts):
        if not self.save_samples() or not opts.save_images_before_highres_fix:
            return
        if not isinstance(image, Image.Image):
            image = sd_samplers_common.sample_to_image(image, index)
        info = create_infotext(
            self,
            self.all_prompts,
            self.all_seeds,
            self.all_subseeds,
            [],
            iteration=self.iteration,
            position_in_batch=index,
        )
        images.save_image(
            image,
            self.outpath_samples,
            "",
            seeds[index],
            prompts[index],
            opts.samples_format,
            info=info,
            p=self,
            suffix="-before-highres-fix",
        )

    def close(self):
        super().close()
        self.hr_c = self.hr_uc = None
        if not opts.persistent_cond_cache:
            StableDiffusionProcessingTxt2Img.cached_hr_uc = [None, None, None]
            StableDiffusionProcessingTxt2Img.cached_hr_c = [None, None, None]

    def setup_prompts(self):
        super().setup_prompts()
        if not self.enable_hr:
            return
        if self.hr_prompt == "":
            self.hr_prompt = self.prompt
        if self.hr_negative_prompt == "":
            self.hr_negative_prompt = self.negative_prompt
        count, styles = self.batch_size * self.n_iter, shared.prompt_styles
        prompts = self.hr_prompt if isinstance(self.hr_prompt, list) else count * [self.hr_prompt]
        negatives = (
            self.hr_negative_prompt if isinstance(self.hr_negative_prompt, list) else count * [self.hr_negative_prompt]
        )
        self.all_hr_prompts = [styles.apply_styles_to_prompt(x, self.styles) for x in prompts]
        self.all_hr_negative_prompts = [styles.apply_negative_styles_to_prompt(x, self.styles) for x in negatives]

    def _hires_has_uncond(self):
        """Whether the hires pass evaluates the negative prompt; settles reForge's 0 for "as the first pass"."""
        if PROFILE.hires_cfg == "plain":
            if self.hr_cfg == 1:
                print("Skipping unconditional conditioning (HR pass) when CFG = 1. Negative Prompts are ignored.")
            return self.hr_cfg != 1
        if PROFILE.hires_cfg == "zero_is_same":
            if self.hr_cfg < 0 or (self.hr_cfg == 0 and self.cfg_scale == 0):
                return False
            if self.hr_cfg == 0:
                self.hr_cfg = self.extra_generation_params["Hires CFG Scale"] = self.cfg_scale
        return True

    def calculate_hr_conds(self):
        if self.hr_c is not None:
            return
        size = self.hr_upscale_to_x, self.hr_upscale_to_y
        prompts = self._conditioning(self.hr_prompts, *size, distilled="hr_distilled_cfg")
        negatives = self._conditioning(self.hr_negative_prompts, *size, negative=True, distilled="hr_distilled_cfg")
        config = sd_samplers.find_sampler_config(self.hr_sampler_name or self.sampler_name)
        steps = self.hr_second_pass_steps or self.steps
        total_steps = config.total_steps(steps) if config else steps
        self.hr_uc = None
        if self._hires_has_uncond():
            self.hr_uc = self.get_conds_with_caching(
                prompt_parser.get_learned_conditioning,
                negatives,
                self.firstpass_steps,
                [self.cached_hr_uc, self.cached_uc],
                self.hr_extra_network_data,
                total_steps,
            )
        self.hr_c = self.get_conds_with_caching(
            prompt_parser.get_multicond_learned_conditioning,
            prompts,
            self.firstpass_steps,
            [self.cached_hr_c, self.cached_c],
            self.hr_extra_network_data,
            total_steps,
        )

    def setup_conds(self):
        if self.is_hr_pass:
            self.hr_c = None
            self.calculate_hr_conds()
            return
        super().setup_conds()
        self.hr_uc = self.hr_c = None
        if self.enable_hr and self.hr_checkpoint_info is None:
            if shared.opts.hires_fix_use_firstpass_conds:
                self.calculate_hr_conds()
            else:
                extra_networks.activate(self, self.hr_extra_network_data)
                self.calculate_hr_conds()
                extra_networks.activate(self, self.extra_network_data)

    def get_conds(self):
        return (self.hr_c, self.hr_uc) if self.is_hr_pass else super().get_conds()

    def parse_extra_network_prompts(self):
        super().parse_extra_network_prompts()
        if self.enable_hr:
            batch = slice(self.iteration * self.batch_size, (self.iteration + 1) * self.batch_size)
            self.hr_prompts, self.hr_extra_network_data = extra_networks.parse_prompts(self.all_hr_prompts[batch])
            self.hr_negative_prompts = self.all_hr_negative_prompts[batch]
