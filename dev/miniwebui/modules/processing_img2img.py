"""img2img and inpainting."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps

from modules import images, masking, scripts, sd_samplers
from modules.processing_base import StableDiffusionProcessing, create_random_tensors, latents_of, opt_f
from modules.profiles import PROFILE
from modules.shared import opts


def uncrop(image, dest_size, paste_loc):
    """The crop put back at its place on an empty picture."""
    x, y, w, h = paste_loc
    base = Image.new("RGBA", dest_size)
    base.paste(images.resize_image(1, image, w, h), (x, y))
    return base


def apply_overlay(image, paste_loc, overlay):
    """(the picture under the overlay of what is not masked, the picture alone)"""
    if overlay is None:
        return image, image.copy()
    if paste_loc is not None:
        image = uncrop(image, (overlay.width, overlay.height), paste_loc)
    original = image.copy()
    image = image.convert("RGBA")
    image.alpha_composite(overlay)
    return image.convert("RGB"), original


def create_binary_mask(image, round=True):
    """The mask's alpha channel where it has one, else its brightness."""
    if image.mode == "RGBA" and image.getextrema()[-1] != (255, 255):
        alpha = image.split()[-1].convert("L")
        return alpha.point(lambda x: 255 if x > 128 else 0) if round else alpha
    return image.convert("L")


@dataclass(repr=False)
class StableDiffusionProcessingImg2Img(StableDiffusionProcessing):
    init_images: list = None
    resize_mode: int = 0
    denoising_strength: float = 0.75
    image_cfg_scale: float = None
    mask: Any = None
    mask_blur_x: int = 4
    mask_blur_y: int = 4
    mask_blur: int = None
    mask_round: bool = True
    inpainting_fill: int = 0
    inpaint_full_res: bool = True
    inpaint_full_res_padding: int = 0
    inpainting_mask_invert: int = 0
    initial_noise_multiplier: float = None
    latent_mask: Image = None
    force_task_id: str = None
    if PROFILE.distilled_cfg:
        hr_distilled_cfg: float = 3.5

    image_mask: Any = field(default=None, init=False)
    nmask: torch.Tensor = field(default=None, init=False)
    image_conditioning: torch.Tensor = field(default=None, init=False)
    init_img_hash: str = field(default=None, init=False)
    mask_for_overlay: Image = field(default=None, init=False)
    init_latent: torch.Tensor = field(default=None, init=False)

    def __post_init__(self):
        super().__post_init__()
        self.image_mask, self.mask = self.mask, None
        if self.initial_noise_multiplier is None:
            self.initial_noise_multiplier = opts.initial_noise_multiplier

    @property
    def mask_blur(self):  # noqa: F811
        return self.mask_blur_x if self.mask_blur_x == self.mask_blur_y else None

    @mask_blur.setter
    def mask_blur(self, value):
        if isinstance(value, int):
            self.mask_blur_x = self.mask_blur_y = value

    def init(self, all_prompts, all_seeds, all_subseeds):
        self.extra_generation_params["Denoising strength"] = self.denoising_strength
        self.image_cfg_scale = None
        self.sampler = sd_samplers.create_sampler(self.sampler_name, self.sd_model)
        crop_region, image_mask = self._prepare_mask()
        latent_mask = self.latent_mask if self.latent_mask is not None else image_mask
        if PROFILE.init_images_hook and self.scripts is not None:
            self.scripts.before_process_init_images(self, {"crop_region": crop_region, "image_mask": image_mask})
        pixels = [self._prepare_image(img, crop_region, image_mask, latent_mask) for img in self.init_images]
        if len(pixels) == 1:
            batch = np.repeat(np.expand_dims(pixels[0], axis=0), self.batch_size, axis=0)
            if self.overlay_images is not None:
                self.overlay_images = self.overlay_images * self.batch_size
        elif len(pixels) <= self.batch_size:
            self.batch_size = len(pixels)
            batch = np.array(pixels)
        else:
            raise RuntimeError(f"bad number of images passed: {len(pixels)}; expecting {self.batch_size} or less")
        source = torch.from_numpy(batch)
        self.init_latent = latents_of(source)
        if self.resize_mode == 3:
            size = (self.height // opt_f, self.width // opt_f)
            self.init_latent = torch.nn.functional.interpolate(self.init_latent, size=size, mode="bilinear")
        if image_mask is not None:
            self._prepare_latent_mask(latent_mask, all_seeds)
        self.image_conditioning = self.img2img_image_conditioning(
            source * 2 - 1, self.init_latent, image_mask, self.mask_round
        )

    def _prepare_mask(self):
        """(region of the image to draw, mask of the size drawn); both None without a mask."""
        if self.image_mask is None:
            return None, None
        notes = self.extra_generation_params
        mask = create_binary_mask(self.image_mask, round=self.mask_round)
        if self.inpainting_mask_invert:
            mask = ImageOps.invert(mask)
            notes["Mask mode"] = "Inpaint not masked"
        if self.mask_blur_x > 0 or self.mask_blur_y > 0:
            mask = mask.filter(ImageFilter.GaussianBlur((self.mask_blur_x, self.mask_blur_y)))
            notes["Mask blur"] = self.mask_blur
        self.overlay_images = []
        if not self.inpaint_full_res:
            mask = images.resize_image(self.resize_mode, mask, self.width, self.height)
            doubled = np.clip(np.array(mask).astype(np.float32) * 2, 0, 255).astype(np.uint8)
            self.mask_for_overlay = Image.fromarray(doubled)
            return None, mask.convert("L")
        self.mask_for_overlay = mask
        region = masking.get_crop_region_v2(mask, self.inpaint_full_res_padding)
        if not region:
            self.mask_for_overlay = self.overlay_images = None
            self.inpaint_full_res = False
            text = 'Unable to perform "Inpaint Only mask" because mask is blank, switch to img2img mode.'
            self.comment(text)
            logging.info(text)
            return None, None
        region = masking.expand_crop_region(region, self.width, self.height, mask.width, mask.height)
        x1, y1, x2, y2 = region
        self.paste_to = (x1, y1, x2 - x1, y2 - y1)
        notes["Inpaint area"] = "Only masked"
        notes["Masked area padding"] = self.inpaint_full_res_padding
        return region, images.resize_image(2, mask.crop(region), self.width, self.height).convert("L")

    def _prepare_image(self, img, crop_region, image_mask, latent_mask):
        """[3,h,w] in 0..1 of one init image."""
        if opts.save_init_img:
            self.init_img_hash = hashlib.md5(img.tobytes()).hexdigest()
            images.save_image(
                img,
                path=opts.outdir_init_images,
                basename=None,
                forced_filename=self.init_img_hash,
                save_to_dirs=False,
                existing_info=img.info,
            )
        image = images.flatten(img, opts.img2img_background_color)
        if crop_region is None and self.resize_mode != 3:
            image = images.resize_image(self.resize_mode, image, self.width, self.height)
        if image_mask is not None:
            if self.mask_for_overlay.size != image.size:
                self.mask_for_overlay = images.resize_image(self.resize_mode, self.mask_for_overlay, *image.size)
            kept = Image.new("RGBa", image.size)
            kept.paste(image.convert("RGBA").convert("RGBa"), mask=ImageOps.invert(self.mask_for_overlay.convert("L")))
            self.overlay_images.append(kept.convert("RGBA"))
        if crop_region is not None:
            image = images.resize_image(2, image.crop(crop_region), self.width, self.height)
        if image_mask is not None and self.inpainting_fill != 1:
            image = masking.fill(image, latent_mask)
            if self.inpainting_fill == 0:
                self.extra_generation_params["Masked content"] = "fill"
        return np.moveaxis(np.array(image).astype(np.float32) / 255.0, 2, 0)

    def _prepare_latent_mask(self, latent_mask, all_seeds):
        """nmask is 1 where to draw, mask 1 where to keep."""
        _, channels, h, w = self.init_latent.shape
        values = np.array(latent_mask.convert("L").resize((w, h)), dtype=np.float32) / 255
        if self.mask_round:
            values = np.around(values)
        self.nmask = torch.from_numpy(np.tile(values[None], (channels, 1, 1)))
        self.mask = 1.0 - self.nmask
        if self.inpainting_fill == 2:
            noise = create_random_tensors(self.init_latent.shape[1:], all_seeds[: len(self.init_latent)])
            self.init_latent = self.init_latent * self.mask + noise * self.nmask
            self.extra_generation_params["Masked content"] = "latent noise"
        elif self.inpainting_fill == 3:
            self.init_latent = self.init_latent * self.mask
            self.extra_generation_params["Masked content"] = "latent nothing"

    def sample(self, conditioning, unconditional_conditioning, seeds, subseeds, subseed_strength, prompts):
        x = self.rng.next()
        if self.initial_noise_multiplier != 1.0:
            self.extra_generation_params["Noise multiplier"] = self.initial_noise_multiplier
            x *= self.initial_noise_multiplier
        x = self.before_sampling(x=self.init_latent, noise=x, c=conditioning, uc=unconditional_conditioning)
        samples = self.sampler.sample_img2img(
            self,
            self.init_latent,
            x,
            conditioning,
            unconditional_conditioning,
            image_conditioning=self.image_conditioning,
        )
        if self.mask is None:
            return samples
        blended = samples * self.nmask + self.init_latent * self.mask
        if self.scripts is not None:
            args = scripts.MaskBlendArgs(samples, self.nmask, self.init_latent, self.mask, blended)
            self.scripts.on_mask_blend(self, args)
            blended = args.blended_latent
        return blended

    def get_token_merging_ratio(self, for_hr=False):
        return self.token_merging_ratio or opts.token_merging_ratio_img2img or opts.token_merging_ratio
