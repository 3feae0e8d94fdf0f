"""Classifier-free guidance: cond and uncond through the net, and what the hosts do around it."""

from __future__ import annotations

import math

import torch

from modules import prompt_parser, scripts, sd_samplers_common, shared
from modules.profiles import PROFILE
from modules.script_callbacks import (
    AfterCFGCallbackParams,
    CFGDenoisedParams,
    CFGDenoiserParams,
    cfg_after_cfg_callback,
    cfg_denoised_callback,
    cfg_denoiser_callback,
)
from modules.shared import state


class CFGDenoiser(torch.nn.Module):
    """Called by a sampler as model(x, sigma, **extra_args); gives the denoised latents."""

    def __init__(self, sampler):
        super().__init__()
        self.model_wrap = None
        self.mask = self.nmask = self.init_latent = None
        self.steps = self.total_steps = None
        self.step = 0
        self.image_cfg_scale = None
        self.padded_cond_uncond = self.padded_cond_uncond_v0 = False
        self.sampler = sampler
        self.p = None
        if PROFILE.denoiser_keeps_uncond:
            self.cond_scale_miltiplier = 1.0  # the hosts' spelling
            self.need_last_noise_uncond = False
            self.last_noise_uncond = None
        self.mask_before_denoising = False
        self.classic_ddim_eps_estimation = False

    @property
    def inner_model(self):
        raise NotImplementedError()

    def get_pred_x0(self, x_in, x_out, sigma):
        return x_out

    def update_inner_model(self):
        self.model_wrap = None
        cond, uncond = self.p.get_conds()
        self.sampler.sampler_extra_args["cond"] = cond
        self.sampler.sampler_extra_args["uncond"] = uncond

    def _skips_early(self) -> bool:
        share, limit = self.step / self.total_steps, shared.opts.skip_early_cond
        if PROFILE.skip_early == "first_always":
            return share <= limit
        if limit <= 0 or share > limit or (PROFILE.skip_early == "spares_first" and share == 0):
            return False
        self.p.extra_generation_params["Skip Early CFG"] = limit
        return True

    def _skips_late(self, sigma, s_min_uncond) -> bool:
        if not (s_min_uncond and s_min_uncond > 0 and sigma < s_min_uncond):
            return False
        if not (self.step % 2 or shared.opts.s_min_uncond_all):
            return False
        self.p.extra_generation_params["NGMS"] = s_min_uncond
        if shared.opts.s_min_uncond_all:
            self.p.extra_generation_params["NGMS all steps"] = shared.opts.s_min_uncond_all
        return True

    def _blend(self, latent, sigma):
        """Inpainting: the original outside the mask."""
        blended = latent * self.nmask + self.init_latent * self.mask
        if self.p.scripts is not None:
            args = scripts.MaskBlendArgs(
                latent, self.nmask, self.init_latent, self.mask, blended, denoiser=self, sigma=sigma
            )
            self.p.scripts.on_mask_blend(self.p, args)
            blended = args.blended_latent
        return blended

    def _noised_original(self, sigma):
        """Forge's family puts the original, as noisy as the step, outside the mask before each evaluation."""
        level, noise = sigma[:, None, None, None], torch.randn_like(self.init_latent)
        wrap = self.inner_model
        if hasattr(wrap, "predictor"):
            return wrap.predictor.noise_scaling(level, noise, self.init_latent)
        return self.init_latent + level * noise

    def forward(self, x, sigma, uncond, cond, cond_scale, s_min_uncond, image_cond, **kwargs):
        if state.interrupted or state.skipped:
            raise sd_samplers_common.InterruptedException
        sd_samplers_common.apply_refiner(self, x)

        conds_list, text_cond = prompt_parser.reconstruct_multicond_batch(cond, self.step)
        text_uncond = None if uncond is None else prompt_parser.reconstruct_cond_batch(uncond, self.step)
        if PROFILE.forge_engine and self.mask is not None:
            x = x * self.nmask + self._noised_original(sigma) * self.mask
        elif self.mask_before_denoising and self.mask is not None:
            x = self._blend(x, sigma)

        params = CFGDenoiserParams(
            x, image_cond, sigma, state.sampling_step, state.sampling_steps, text_cond, text_uncond, self
        )
        cfg_denoiser_callback(params)
        x, sigma, text_cond, text_uncond = params.x, params.sigma, params.text_cond, params.text_uncond

        if PROFILE.hires_cfg != "none" and self.p.is_hr_pass:
            cond_scale = self.p.hr_cfg
        if PROFILE.denoiser_keeps_uncond:
            cond_scale *= self.cond_scale_miltiplier
        if self._skips_early() or self._skips_late(sigma[0].item(), s_min_uncond):
            text_uncond, cond_scale = None, 1.0
        elif PROFILE.skips_uncond_at_cfg_one and math.isclose(cond_scale, 1.0):
            text_uncond = None
        denoised = self._guided(x, sigma, conds_list, text_cond, text_uncond, cond_scale)

        if self.mask is not None and not self.mask_before_denoising:
            denoised = self._blend(denoised, sigma)
        self.sampler.last_latent = self.get_pred_x0(x, denoised, sigma)
        sd_samplers_common.store_latent(self.sampler.last_latent)
        after = AfterCFGCallbackParams(denoised, state.sampling_step, state.sampling_steps)
        cfg_after_cfg_callback(after)
        self.step += 1
        return after.x

    def _guided(self, x, sigma, conds_list, text_cond, text_uncond, cond_scale):
        """One batch through the net: the conds, picture by picture, then the unconds; then the combination."""
        rows = [i for i, conds in enumerate(conds_list) for _ in conds]
        if text_uncond is not None:
            rows += range(len(conds_list))
        context = text_cond if text_uncond is None else torch.cat([text_cond, text_uncond])
        out = self.inner_model(x[rows], sigma[rows], cond=context)
        count = len(text_cond)
        base = out[count:] if text_uncond is not None else out[[conds[0][0] for conds in conds_list]]
        if not PROFILE.forge_engine:
            denoised = CFGDenoisedParams(
                torch.cat([out[:count], base]), state.sampling_step, state.sampling_steps, self.inner_model
            )
            cfg_denoised_callback(denoised)
            out, base = denoised.x[:count], denoised.x[count:]
        if PROFILE.denoiser_keeps_uncond and self.need_last_noise_uncond:
            self.last_noise_uncond = base.clone()
        # Without an uncond and with one part the sum below is the part itself, but for rounding: keep it exact.
        if text_uncond is None and all(len(conds) == 1 and conds[0][1] == 1.0 for conds in conds_list):
            return base
        return self.combine_denoised(torch.cat([out[:count], base]), conds_list, base, cond_scale)

    def combine_denoised(self, x_out, conds_list, uncond, cond_scale):
        """The unconds are the last rows of x_out; `uncond` tells how many. Extensions replace this."""
        base = x_out[-uncond.shape[0] :]
        result = base.clone()
        for i, conds in enumerate(conds_list):
            for index, weight in conds:
                result[i] += (x_out[index] - base[i]) * (weight * cond_scale)
        return result
