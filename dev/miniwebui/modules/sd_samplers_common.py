"""What all samplers share: their table entry, their noise, and pictures out of latents."""

from __future__ import annotations

import inspect
from collections import namedtuple

import k_diffusion.sampling
import numpy as np
import torch
from PIL import Image

from modules import images, shared
from modules.shared import opts, state

SamplerDataTuple = namedtuple("SamplerData", ["name", "constructor", "aliases", "options"])


class SamplerData(SamplerDataTuple):
    """constructor(model) makes the sampler; options tell its habits (second_order, scheduler, …)."""

    def total_steps(self, steps):
        return steps * 2 if self.options.get("second_order", False) else steps


def setup_img2img_steps(p, steps=None):
    """(steps of the schedule, index of the first evaluated one from its end).

    With steps given, as hires always does, a schedule of int(steps / denoise) of which the last `steps` run.
    """
    strength = min(p.denoising_strength, 0.999)
    if opts.img2img_fix_steps or steps is not None:
        requested = steps or p.steps
        return (int(requested / strength) if p.denoising_strength > 0 else 0), requested - 1
    return p.steps, int(strength * p.steps)


approximation_indexes = {"Full": 0, "Approx NN": 1, "Approx cheap": 2, "TAESD": 3}


def samples_to_images_tensor(sample, approximation=None, model=None):
    """Latents to pictures [n,3,h,w] in -1..1."""
    return (model or shared.sd_model).decode_first_stage(sample)


decode_first_stage_approximation = 0


def decode_first_stage(model, x):
    return samples_to_images_tensor(x, decode_first_stage_approximation, model)


def single_sample_to_image(sample, approximation=None):
    pixels = samples_to_images_tensor(sample.unsqueeze(0), approximation)[0] * 0.5 + 0.5
    pixels = (pixels.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8)
    return Image.fromarray(np.moveaxis(pixels.cpu().numpy(), 0, 2))


def sample_to_image(samples, index=0, approximation=None):
    return single_sample_to_image(samples[index], approximation)


def samples_to_image_grid(samples, approximation=None):
    return images.image_grid([single_sample_to_image(sample, approximation) for sample in samples])


def images_tensor_to_samples(image, approximation=None, model=None):
    """Pictures [n,3,h,w] in 0..1 to latents."""
    model = model or shared.sd_model
    return torch.cat(
        [model.get_first_stage_encoding(model.encode_first_stage(one.unsqueeze(0) * 2 - 1)) for one in image]
    )


def store_latent(decoded):
    """Keep the newest latents for the preview."""
    state.current_latent = decoded


def is_sampler_using_eta_noise_seed_delta(p):
    from modules import sd_samplers

    config = sd_samplers.find_sampler_config(p.sampler_name)
    eta = p.eta if p.eta is not None or p.sampler is None else p.sampler.eta
    if eta is None and config is not None:
        eta = 0 if config.options.get("default_eta_is_0", False) else 1.0
    return eta != 0 and config is not None and config.options.get("uses_ensd", False)


class InterruptedException(BaseException):
    pass


def apply_refiner(cfg_denoiser, x=None):
    """Refiners are accepted and noted in the infotext, but the model is not switched."""
    p = cfg_denoiser.p
    if getattr(p, "refiner_checkpoint_info", None) is not None:
        p.extra_generation_params["Refiner"] = p.refiner_checkpoint_info.short_title
        p.extra_generation_params["Refiner switch at"] = p.refiner_switch_at
    return False


class TorchHijack:
    """Stands for torch inside k_diffusion.sampling, so that its randn_like draws each picture's own noise."""

    def __init__(self, p):
        self.rng = p.rng

    def __getattr__(self, item):
        return getattr(torch, item)

    def randn_like(self, x):
        return self.rng.next()


class Sampler:
    """One run's sampler. `model_wrap_cfg` denoises with guidance, `model_wrap` without."""

    def __init__(self, funcname):
        self.funcname = self.func = funcname
        self.extra_params = []
        self.sampler_noises = self.stop_at = self.eta = self.last_latent = self.s_min_uncond = None
        self.config: SamplerData | None = None
        self.s_churn, self.s_tmin, self.s_tmax, self.s_noise = 0.0, 0.0, float("inf"), 1.0
        self.eta_option_field, self.eta_infotext_field, self.eta_default = "eta_ancestral", "Eta", 1.0
        self.conditioning_key = "crossattn"
        self.p = self.model_wrap_cfg = self.sampler_extra_args = None
        self.options = {}

    def callback_state(self, d):
        step = d["i"]
        if self.stop_at is not None and step > self.stop_at:
            raise InterruptedException
        state.sampling_step = step
        shared.total_tqdm.update()

    def launch_sampling(self, steps, func):
        """func(); when interrupted the latest latents."""
        self.model_wrap_cfg.steps = steps
        self.model_wrap_cfg.total_steps = self.config.total_steps(steps)
        state.sampling_steps, state.sampling_step = steps, 0
        try:
            return func()
        except InterruptedException:
            return self.last_latent

    def number_of_needed_noises(self, p):
        return p.steps

    def initialize(self, p) -> dict:
        """Bind to p; the keyword arguments that the sampler's function takes beyond the usual."""
        self.p = self.model_wrap_cfg.p = p
        self.model_wrap_cfg.mask = getattr(p, "mask", None)
        self.model_wrap_cfg.nmask = getattr(p, "nmask", None)
        self.model_wrap_cfg.step = 0
        self.model_wrap_cfg.image_cfg_scale = getattr(p, "image_cfg_scale", None)
        self.eta = p.eta if p.eta is not None else getattr(opts, self.eta_option_field, 0.0)
        self.s_min_uncond = getattr(p, "s_min_uncond", 0.0)
        k_diffusion.sampling.torch = TorchHijack(p)

        parameters = inspect.signature(self.func).parameters
        kwargs = {x: getattr(p, x) for x in self.extra_params if hasattr(p, x) and x in parameters}
        if "eta" in parameters:
            if self.eta != self.eta_default:
                p.extra_generation_params[self.eta_infotext_field] = self.eta
            kwargs["eta"] = self.eta
        for name, label in (
            ("s_churn", "Sigma churn"),
            ("s_tmin", "Sigma tmin"),
            ("s_tmax", "Sigma tmax"),
            ("s_noise", "Sigma noise"),
        ):
            value = getattr(opts, name, getattr(p, name)) if name in kwargs else None
            if name == "s_tmax" and not value:
                value = self.s_tmax
            if name in kwargs and value != getattr(self, name):
                kwargs[name] = value
                setattr(p, name, value)
                p.extra_generation_params[label] = value
        return kwargs

    def create_noise_sampler(self, x, sigmas, p):
        """Brownian noise with each picture's own seed."""
        if opts.no_dpmpp_sde_batch_determinism:
            return None
        sigma_min, sigma_max = sigmas[sigmas > 0].min(), sigmas.max()
        seeds = p.all_seeds[p.iteration * p.batch_size : (p.iteration + 1) * p.batch_size]
        return k_diffusion.sampling.BrownianTreeNoiseSampler(x, sigma_min, sigma_max, seed=seeds)

    def sample(self, p, x, conditioning, unconditional_conditioning, steps=None, image_conditioning=None):
        raise NotImplementedError()

    def sample_img2img(
        self, p, x, noise, conditioning, unconditional_conditioning, steps=None, image_conditioning=None
    ):
        raise NotImplementedError()
