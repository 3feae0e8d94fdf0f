"""A sampler that goes by the unconditional answer itself, at any CFG, as A1111's "DDIM CFG++" does."""

import torch
from modules import sd_samplers, sd_samplers_common, sd_samplers_kdiffusion


@torch.no_grad()
def sample_by_uncond(model, x, sigmas, extra_args=None, callback=None, disable=None):
    model.need_last_noise_uncond = True
    ones = x.new_ones([len(x)])
    for i in range(len(sigmas) - 1):
        denoised = model(x, sigmas[i] * ones, **(extra_args or {}))
        if callback is not None:
            callback({"x": x, "i": i, "sigma": sigmas[i], "sigma_hat": sigmas[i], "denoised": denoised})
        x = denoised + (x - model.last_noise_uncond) / sigmas[i] * sigmas[i + 1]
    return x


def register():
    data = sd_samplers_common.SamplerData(
        "Needs uncond", lambda model: sd_samplers_kdiffusion.KDiffusionSampler(sample_by_uncond, model), [], {}
    )
    sd_samplers.all_samplers.append(data)
    sd_samplers.all_samplers_map = {x.name: x for x in sd_samplers.all_samplers}
    sd_samplers.set_samplers()


register()
