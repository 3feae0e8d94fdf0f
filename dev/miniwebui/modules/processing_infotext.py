"""The infotext: prompt, negative prompt and `name: value` pairs by which a picture can be drawn again."""

from __future__ import annotations

from modules import errors, infotext_utils, prompt_comments, rng, sd_samplers_common
from modules.profiles import PROFILE
from modules.shared import opts


def program_version():
    import launch

    return launch.git_tag()


def _optional(value, wanted):
    return value if wanted else None


def _distilled_fields(p):
    """`Distilled CFG Scale`, or on Neo's shifted families `Shift`, which means another thing in the same field."""
    if not PROFILE.distilled_cfg:
        return {}
    used = getattr(p, "firstpass_use_distilled_cfg_scale", p.sd_model.use_distilled_cfg_scale)
    fields = {"Distilled CFG Scale": p.distilled_cfg_scale} if used else {}
    if getattr(p.sd_model, "use_shift", False):
        fields["Shift"] = p.distilled_cfg_scale
    return fields


def create_infotext(
    p,
    all_prompts,
    all_seeds,
    all_subseeds,
    comments=None,
    iteration=0,
    position_in_batch=0,
    use_main_prompt=False,
    index=None,
    all_negative_prompts=None,
):
    """The infotext of one picture, or of the grid with use_main_prompt.

    A value of p.extra_generation_params may be a list, of which the picture's own entry is taken, or a function,
    which is called with all these names.
    """
    if use_main_prompt:
        index = 0
    elif index is None:
        index = position_in_batch + iteration * p.batch_size
    if all_negative_prompts is None:
        all_negative_prompts = p.all_negative_prompts

    clip_skip = int(getattr(p, "clip_skip", opts.CLIP_stop_at_last_layers))
    token_merging_ratio = p.get_token_merging_ratio()
    token_merging_ratio_hr = p.get_token_merging_ratio(for_hr=True)
    prompt_text = p.main_prompt if use_main_prompt else all_prompts[index]
    negative_prompt = p.main_negative_prompt if use_main_prompt else all_negative_prompts[index]
    if PROFILE.comments_always_off_infotext and opts.enable_prompt_comments_def:
        prompt_text, negative_prompt = p.prompt, p.negative_prompt
    elif PROFILE.comments_always_off_infotext:
        prompt_text = prompt_comments.strip_comments(prompt_text)
        negative_prompt = prompt_comments.strip_comments(negative_prompt)
    uses_ensd = opts.eta_noise_seed_delta != 0 and sd_samplers_common.is_sampler_using_eta_noise_seed_delta(p)
    source = rng.get_noise_source_type()
    varied = p.subseed_strength != 0
    resized = p.seed_resize_from_w > 0 and p.seed_resize_from_h > 0
    complete = PROFILE.always_prints_clip_skip_and_rng
    is_sd1 = getattr(p.sd_model, "is_sd1", False)

    generation_params = {
        "Steps": p.steps,
        "Sampler": p.sampler_name,
        "Schedule type": getattr(p, "scheduler", None),
        "CFG scale": p.cfg_scale,
        **_distilled_fields(p),
        "Image CFG scale": getattr(p, "image_cfg_scale", None),
        "Seed": p.all_seeds[0] if use_main_prompt else all_seeds[index],
        "Face restoration": _optional(opts.face_restoration_model, p.restore_faces),
        "Size": f"{p.width}x{p.height}",
        "Model hash": _optional(p.sd_model_hash, opts.add_model_hash_to_info),
        "Model": _optional(p.sd_model_name, opts.add_model_name_to_info),
        "VAE hash": _optional(p.sd_vae_hash, opts.add_vae_hash_to_info),
        "VAE": _optional(p.sd_vae_name, opts.add_vae_name_to_info),
        "Variation seed": _optional(p.all_subseeds[0] if use_main_prompt else all_subseeds[index], varied),
        "Variation seed strength": _optional(p.subseed_strength, varied),
        "Seed resize from": _optional(f"{p.seed_resize_from_w}x{p.seed_resize_from_h}", resized),
        "Denoising strength": p.extra_generation_params.get("Denoising strength"),
        "Conditional mask weight": None,
        "Clip skip": _optional(clip_skip, is_sd1 if complete else clip_skip > 1),
        "ENSD": _optional(opts.eta_noise_seed_delta, uses_ensd),
        "Token merging ratio": _optional(token_merging_ratio, token_merging_ratio != 0),
        "Token merging ratio hr": _optional(
            token_merging_ratio_hr, getattr(p, "enable_hr", False) and token_merging_ratio_hr != 0
        ),
        "Init image hash": getattr(p, "init_img_hash", None),
        "RNG": _optional(source, complete or source != "GPU"),
        "Tiling": _optional("True", p.tiling),
        **p.extra_generation_params,
        "Version": _optional(program_version(), opts.add_version_to_infotext),
        "User": _optional(p.user, opts.add_user_name_to_info),
    }
    if PROFILE.forge_engine and opts.forge_unet_storage_dtype != "Automatic":
        generation_params["Diffusion in Low Bits"] = opts.forge_unet_storage_dtype

    for key, value in generation_params.items():
        try:
            if isinstance(value, list):
                generation_params[key] = value[index]
            elif callable(value):
                generation_params[key] = value(**locals())
        except Exception:
            errors.report(f'Error creating infotext for key "{key}"', exc_info=True)
            generation_params[key] = None

    text = ", ".join(
        k if k == v else f"{k}: {infotext_utils.quote(v)}" for k, v in generation_params.items() if v is not None
    )
    negative_text = f"\nNegative prompt: {negative_prompt}" if negative_prompt else ""
    return f"{prompt_text}{negative_text}\n{text}".strip()
