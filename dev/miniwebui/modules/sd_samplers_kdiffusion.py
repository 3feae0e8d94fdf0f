"""k-diffusion's samplers under the hosts' names and options."""

from __future__ import annotations

import inspect

import k_diffusion.sampling
import torch

from modules import bound_samplers, devices, sd_samplers_cfg_denoiser, sd_samplers_common, shared
from modules.lcm import sample_lcm
from modules.profiles import PROFILE
from modules.script_callbacks import ExtraNoiseParams, extra_noise_callback
from modules.sd_samplers_cfg_denoiser import CFGDenoiser  # noqa: F401
from modules.shared import opts
from modules.stats import sampling_time

if PROFILE.schedule_types:
    from modules import sd_schedulers

_KARRAS, _EXPONENTIAL, _ENSD = {"scheduler": "karras"}, {"scheduler": "exponential"}, {"uses_ensd": True}
_SECOND, _BROWNIAN, _DISCARD = {"second_order": True}, {"brownian_noise": True}, {"discard_next_to_last_sigma": True}

samplers_k_diffusion = [
    ("DPM++ 2M", "sample_dpmpp_2m", ["k_dpmpp_2m"], _KARRAS),
    ("DPM++ SDE", "sample_dpmpp_sde", ["k_dpmpp_sde"], {**_KARRAS, **_SECOND, **_BROWNIAN}),
    ("DPM++ 2M SDE", "sample_dpmpp_2m_sde", ["k_dpmpp_2m_sde"], {**_EXPONENTIAL, **_BROWNIAN}),
    (
        "DPM++ 2M SDE Heun",
        "sample_dpmpp_2m_sde",
        ["k_dpmpp_2m_sde_heun"],
        {**_EXPONENTIAL, **_BROWNIAN, "solver_type": "heun"},
    ),
    ("DPM++ 2S a", "sample_dpmpp_2s_ancestral", ["k_dpmpp_2s_a"], {**_KARRAS, **_ENSD, **_SECOND}),
    ("DPM++ 3M SDE", "sample_dpmpp_3m_sde", ["k_dpmpp_3m_sde"], {**_EXPONENTIAL, **_DISCARD, **_BROWNIAN}),
    ("Euler a", "sample_euler_ancestral", ["k_euler_a", "k_euler_ancestral"], _ENSD),
    ("Euler", "sample_euler", ["k_euler"], {}),
    ("LMS", "sample_lms", ["k_lms"], {}),
    ("Heun", "sample_heun", ["k_heun"], _SECOND),
    ("DPM2", "sample_dpm_2", ["k_dpm_2"], {**_KARRAS, **_DISCARD, **_SECOND}),
    ("DPM2 a", "sample_dpm_2_ancestral", ["k_dpm_2_a"], {**_KARRAS, **_DISCARD, **_ENSD, **_SECOND}),
    ("DPM fast", "sample_dpm_fast", ["k_dpm_fast"], _ENSD),
    ("DPM adaptive", "sample_dpm_adaptive", ["k_dpm_ad"], _ENSD),
    ("LCM", sample_lcm, ["k_lcm"], {}),
]
if not PROFILE.schedule_types:
    samplers_k_diffusion = bound_samplers.SAMPLERS

samplers_data_k_diffusion = [
    sd_samplers_common.SamplerData(
        label, lambda model, funcname=funcname: KDiffusionSampler(funcname, model), aliases, dict(options)
    )
    for label, funcname, aliases, options in samplers_k_diffusion
    if label in PROFILE.samplers
]

_CHURN = ["s_churn", "s_tmin", "s_tmax", "s_noise"]
sampler_extra_params = {
    "sample_euler": _CHURN,
    "sample_heun": _CHURN,
    "sample_dpm_2": _CHURN,
    **{
        f"sample_{name}": ["s_noise"]
        for name in ("dpm_fast", "dpm_2_ancestral", "dpmpp_2s_ancestral", "dpmpp_sde", "dpmpp_2m_sde", "dpmpp_3m_sde")
    },
}

k_diffusion_samplers_map = {x.name: x for x in samplers_data_k_diffusion}
if PROFILE.schedule_types:
    k_diffusion_scheduler = {x.name: x.function for x in sd_schedulers.schedulers}


class CFGDenoiserKDiffusion(sd_samplers_cfg_denoiser.CFGDenoiser):
    @property
    def inner_model(self):
        if self.model_wrap is None:
            self.model_wrap = shared.sd_model.create_wrapper()
        return self.model_wrap


class KDiffusionSampler(sd_samplers_common.Sampler):
    """`funcname` is a name in k_diffusion.sampling or the function itself."""

    def __init__(self, funcname, sd_model, options=None):
        super().__init__(funcname)
        self.extra_params = sampler_extra_params.get(funcname, []) if isinstance(funcname, str) else []
        self.options = options or {}
        self.func = funcname if callable(funcname) else getattr(k_diffusion.sampling, funcname)
        self.model_wrap_cfg = CFGDenoiserKDiffusion(self)
        self.model_wrap = self.model_wrap_cfg.inner_model

    def get_sigmas(self, p, steps):
        """The noise levels of a run of so many steps, by p's schedule type."""
        discard = self.config is not None and self.config.options.get("discard_next_to_last_sigma", False)
        if opts.always_discard_next_to_last_sigma and not discard:
            discard = True
            p.extra_generation_params["Discard penultimate sigma"] = True
        steps += 1 if discard else 0
        sigmas = self._levels(p, steps)
        if discard:
            sigmas = torch.cat([sigmas[:-2], sigmas[-1:]])
        return sigmas.cpu()

    def _levels(self, p, steps):
        if p.sampler_noise_scheduler_override:
            return p.sampler_noise_scheduler_override(steps)
        if not PROFILE.schedule_types:
            own = self.config.options.get("scheduler", None) if self.config is not None else None
            return bound_samplers.levels_by_options(p, steps, self.model_wrap, own)
        name = (p.hr_scheduler if p.is_hr_pass else p.scheduler) or "Automatic"
        if name == "Automatic":
            name = self.config.options.get("scheduler", None)
            if name is None and PROFILE.normal_schedule_for_flow and not p.sd_model.is_webui_legacy_model():
                name = "Normal"
        scheduler = sd_schedulers.schedulers_map.get(name)
        if scheduler is None or scheduler.function is None:
            return self.model_wrap.get_sigmas(steps)
        return self._scheduled(p, scheduler, steps)

    def _scheduled(self, p, scheduler, steps):
        lowest, highest = self.model_wrap.sigmas[0].item(), self.model_wrap.sigmas[-1].item()
        low, high = (0.1, 10) if opts.use_old_karras_scheduler_sigmas else (lowest, highest)
        kwargs = {"sigma_min": low, "sigma_max": high}
        notes = p.extra_generation_params
        if scheduler.label != "Automatic" and not p.is_hr_pass:
            notes["Schedule type"] = scheduler.label
        elif scheduler.label != notes.get("Schedule type"):
            notes["Hires schedule type"] = scheduler.label
        if opts.sigma_min != 0 and opts.sigma_min != lowest:
            kwargs["sigma_min"] = notes["Schedule min sigma"] = opts.sigma_min
        if opts.sigma_max != 0 and opts.sigma_max != highest:
            kwargs["sigma_max"] = notes["Schedule max sigma"] = opts.sigma_max
        if scheduler.default_rho != -1 and opts.rho != 0 and opts.rho != scheduler.default_rho:
            kwargs["rho"] = notes["Schedule rho"] = opts.rho
        if scheduler.need_inner_model:
            kwargs["inner_model"] = self.model_wrap
        if scheduler.label == "Beta":
            notes["Beta schedule alpha"], notes["Beta schedule beta"] = opts.beta_dist_alpha, opts.beta_dist_beta
        return scheduler.function(n=steps, **kwargs, device=devices.cpu)

    def _noisy(self, sigma, noise, latent, max_denoise=False):
        predictor = getattr(self.model_wrap, "predictor", None)
        if predictor is not None:
            return predictor.noise_scaling(sigma, noise, latent, max_denoise=max_denoise)
        return latent + noise * (torch.sqrt(1.0 + sigma**2.0) if max_denoise else sigma)

    def _arguments(self, p, x, sigmas, all_sigmas, steps):
        """What this sampler's function takes besides model and latents."""
        kwargs, parameters = self.initialize(p), inspect.signature(self.func).parameters
        if "n" in parameters:
            kwargs["n"] = steps
        if "sigma_sched" in parameters:
            kwargs["sigma_sched"] = sigmas
        if "sigmas" in parameters:
            kwargs["sigmas"] = sigmas
        if self.config.options.get("brownian_noise", False):
            kwargs["noise_sampler"] = self.create_noise_sampler(x, all_sigmas, p)
        if self.config.options.get("solver_type", None) == "heun":
            kwargs["solver_type"] = "heun"
        return kwargs, parameters

    def _run(self, p, steps, latents, cond, uncond, image_cond, kwargs):
        self.sampler_extra_args = {
            "cond": cond,
            "image_cond": image_cond,
            "uncond": uncond,
            "cond_scale": p.cfg_scale,
            "s_min_uncond": self.s_min_uncond,
        }
        with sampling_time():
            return self.launch_sampling(
                steps,
                lambda: self.func(
                    self.model_wrap_cfg,
                    latents,
                    extra_args=self.sampler_extra_args,
                    disable=True,
                    callback=self.callback_state,
                    **kwargs,
                ),
            )

    def sample_img2img(
        self, p, x, noise, conditioning, unconditional_conditioning, steps=None, image_conditioning=None
    ):
        self.model_wrap.inner_model.prepare_sampling()
        steps, t_enc = sd_samplers_common.setup_img2img_steps(p, steps)
        all_sigmas = self.get_sigmas(p, steps)
        sigmas = all_sigmas[steps - t_enc - 1 :]
        xi = self._noisy(sigmas[0], noise, x)
        if opts.img2img_extra_noise > 0:
            p.extra_generation_params["Extra noise"] = opts.img2img_extra_noise
            params = ExtraNoiseParams(noise, x, xi)
            extra_noise_callback(params)
            xi += params.noise * opts.img2img_extra_noise
        kwargs, parameters = self._arguments(p, x, sigmas, all_sigmas, len(sigmas) - 1)
        if "sigma_min" in parameters:
            kwargs["sigma_min"] = sigmas[-2]
        if "sigma_max" in parameters:
            kwargs["sigma_max"] = sigmas[0]
        self.model_wrap_cfg.init_latent = self.last_latent = x
        return self._run(p, t_enc + 1, xi, conditioning, unconditional_conditioning, image_conditioning, kwargs)

    def sample(self, p, x, conditioning, unconditional_conditioning, steps=None, image_conditioning=None):
        self.model_wrap.inner_model.prepare_sampling()
        steps = steps or p.steps
        sigmas = self.get_sigmas(p, steps)
        if opts.sgm_noise_multiplier:
            p.extra_generation_params["SGM noise multiplier"] = True
        x = self._noisy(sigmas[0], x, torch.zeros_like(x), max_denoise=opts.sgm_noise_multiplier)
        kwargs, parameters = self._arguments(p, x, sigmas, sigmas, steps)
        if "sigma_min" in parameters:
            kwargs["sigma_min"] = self.model_wrap.sigmas[0].item()
            kwargs["sigma_max"] = self.model_wrap.sigmas[-1].item()
        self.last_latent = x
        return self._run(p, steps, x, conditioning, unconditional_conditioning, image_conditioning, kwargs)


class BoundSampler(KDiffusionSampler):
    """A sampler with a schedule of its own, on a host without schedule types."""

    def __init__(self, funcname, sd_model, levels):
        super().__init__(funcname, sd_model)
        self.levels = levels

    def get_sigmas(self, p, steps):
        lowest, highest = self.model_wrap.sigmas[0].item(), self.model_wrap.sigmas[-1].item()
        return self.levels(steps, lowest, highest, self.model_wrap, devices.cpu)


samplers_data_bound = [
    sd_samplers_common.SamplerData(
        name, lambda model, made=(funcname, levels): BoundSampler(made[0], model, made[1]), aliases, {}
    )
    for name, (funcname, aliases, levels) in bound_samplers.OWN_SCHEDULES.items()
    if name in PROFILE.samplers
]
