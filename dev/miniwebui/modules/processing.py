"""From `p` to pictures: the order of everything in one generation."""

from __future__ import annotations

import os

import numpy as np
import torch
from PIL import Image

from modules import (
    errors,
    extra_networks,
    images,
    paths,
    rng,
    scripts,
    sd_models,
    sd_samplers,
    sd_vae,
    shared,
)
from modules.processing_base import (  # noqa: F401
    DecodedSamples,
    StableDiffusionProcessing,
    create_random_tensors,
    decode_latent_batch,
    fix_seed,
    get_fixed_seed,
    opt_C,
    opt_f,
)
from modules.processing_img2img import (  # noqa: F401
    StableDiffusionProcessingImg2Img,
    apply_overlay,
    create_binary_mask,
    uncrop,
)
from modules.processing_infotext import create_infotext, program_version  # noqa: F401
from modules.processing_result import Processed, process_extra_images  # noqa: F401
from modules.processing_txt2img import (  # noqa: F401
    StableDiffusionProcessingTxt2Img,
    old_hires_fix_first_pass_dimensions,
)
from modules.profiles import PROFILE
from modules.rng import slerp  # noqa: F401
from modules.sd_samplers_common import decode_first_stage, images_tensor_to_samples  # noqa: F401
from modules.shared import cmd_opts, opts, state
from modules.stats import STATS

need_global_unload = False
"""Forge: the loading parameters changed, so remembered conds are void."""


def manage_model_and_prompt_cache(p):
    global need_global_unload
    p.sd_model, _ = sd_models.forge_model_reload()
    if need_global_unload:
        p.clear_prompt_cache()
    need_global_unload = False


def _apply_overrides(p):
    """Apply override_settings and load the model. A checkpoint that isn't there is dropped from them."""
    if sd_models.checkpoint_aliases.get(p.override_settings.get("sd_model_checkpoint")) is None:
        p.override_settings.pop("sd_model_checkpoint", None)
        if not PROFILE.forge_engine:
            sd_models.reload_model_weights()
    if PROFILE.forge_engine:
        from modules.sysinfo import set_config

        set_config(p.override_settings, is_api=True, run_callbacks=False, save_config=False)
        if not getattr(p, "txt2img_upscale", False):
            manage_model_and_prompt_cache(p)
        return
    for key, value in p.override_settings.items():
        opts.set(key, value, is_api=True, run_callbacks=False)
        if key == "sd_model_checkpoint":
            sd_models.reload_model_weights()


def _restore(stored):
    if PROFILE.forge_engine:
        from modules.sysinfo import set_config

        set_config(stored, save_config=False)
    else:
        for key, value in stored.items():
            setattr(opts, key, value)


def process_images(p: StableDiffusionProcessing) -> Processed:
    """Draw, with p's overrides in force. Only those come back that had a value before: the hosts' leak."""
    if p.scripts is not None:
        p.scripts.before_process(p)
    STATS.timesteps.clear()
    stored = {k: opts.data[k] for k in p.override_settings if k in opts.data}
    try:
        _apply_overrides(p)
        if PROFILE.schedule_types:
            sd_samplers.fix_p_invalid_sampler_and_scheduler(p)
        return process_images_inner(p)
    finally:
        if p.override_settings_restore_afterwards:
            _restore(stored)


def _prepare(p):
    """What is settled before scripts' `process`: model, prompts and seeds."""
    assert p.prompt is not None
    assert p.prompt != []
    seed, subseed = get_fixed_seed(p.seed), get_fixed_seed(p.subseed)
    p.restore_faces = opts.face_restoration if p.restore_faces is None else p.restore_faces
    p.tiling = opts.tiling if p.tiling is None else p.tiling
    if p.refiner_checkpoint not in (None, "", "None", "none"):
        p.refiner_checkpoint_info = sd_models.get_closet_checkpoint_match(p.refiner_checkpoint)
        if p.refiner_checkpoint_info is None:
            raise Exception(f"Could not find checkpoint with name {p.refiner_checkpoint}")
    p.sd_model_name = shared.sd_model.sd_checkpoint_info.name_for_extra
    p.sd_model_hash = shared.sd_model.sd_model_hash
    p.sd_vae_name, p.sd_vae_hash = sd_vae.get_loaded_vae_name(), sd_vae.get_loaded_vae_hash()
    p.sd_model.comments, p.sd_model.extra_generation_params = [], {}
    p.fill_fields_from_opts()
    p.setup_prompts()
    count = len(p.all_prompts)
    step = 1 if p.subseed_strength == 0 else 0
    p.all_seeds = seed if isinstance(seed, list) else [int(seed) + x * step for x in range(count)]
    p.all_subseeds = subseed if isinstance(subseed, list) else [int(subseed) + x for x in range(count)]


def process_images_inner(p: StableDiffusionProcessing) -> Processed:
    _prepare(p)
    if p.scripts is not None:
        p.scripts.process(p)
    infotexts: list[str] = []
    output_images: list[Image.Image] = []
    with torch.inference_mode():
        p.init(p.all_prompts, p.all_seeds, p.all_subseeds)
        if state.job_count == -1:
            state.job_count = p.n_iter
        for n in range(p.n_iter):
            p.iteration = n
            if state.skipped:
                state.skipped = False
            if state.interrupted or state.stopping_generation:
                break
            if not _draw_batch(p, n, infotexts, output_images):
                break
        if not infotexts:
            infotexts.append(Processed(p, []).infotext(p, 0))
        p.color_corrections = None
        index_of_first_image = _add_grid(p, infotexts, output_images)
    if not p.disable_extra_networks and p.extra_network_data:
        extra_networks.deactivate(p, p.extra_network_data)
    result = Processed(
        p,
        images_list=output_images,
        seed=p.all_seeds[0],
        info=infotexts[0],
        subseed=p.all_subseeds[0],
        index_of_first_image=index_of_first_image,
        infotexts=infotexts,
        extra_images_list=p.extra_result_images,
    )
    if p.scripts is not None:
        p.scripts.postprocess(p, result)
    return result


def _slice_batch(p, n):
    batch = slice(n * p.batch_size, (n + 1) * p.batch_size)
    p.prompts, p.negative_prompts = p.all_prompts[batch], p.all_negative_prompts[batch]
    return batch


def _draw_batch(p, n, infotexts, output_images) -> bool:
    """One batch, from prompts to pictures; False when a script left no prompts."""
    if PROFILE.forge_engine:
        if not getattr(p, "txt2img_upscale", False) or p.hr_checkpoint_name is None:
            sd_models.forge_model_reload()  # the hires pass may have loaded another
    else:
        sd_models.reload_model_weights()
    batch = _slice_batch(p, n)
    p.seeds, p.subseeds = p.all_seeds[batch], p.all_subseeds[batch]
    p.rng = rng.ImageRNG(
        (opt_C, p.height // opt_f, p.width // opt_f),
        p.seeds,
        subseeds=p.subseeds,
        subseed_strength=p.subseed_strength,
        seed_resize_from_h=p.seed_resize_from_h,
        seed_resize_from_w=p.seed_resize_from_w,
    )
    details = {"batch_number": n, "prompts": p.prompts, "seeds": p.seeds, "subseeds": p.subseeds}
    if p.scripts is not None:
        p.scripts.before_process_batch(p, **details)
    if len(p.prompts) == 0:
        return False
    p.parse_extra_network_prompts()
    p.activate_extra_networks(p.extra_network_data)
    if p.scripts is not None:
        p.scripts.process_batch(p, **{**details, "prompts": p.prompts})
    p.setup_conds()
    p.extra_generation_params.update(p.sd_model.extra_generation_params)
    if n == 0 and not cmd_opts.no_prompt_history:
        _write_params(p)
    for comment in p.sd_model.comments:
        p.comment(comment)
    if p.n_iter > 1:
        state.job = f"Batch {n + 1} out of {p.n_iter}"
    samples = p.sample(
        conditioning=p.c,
        unconditional_conditioning=p.uc,
        seeds=p.seeds,
        subseeds=p.subseeds,
        subseed_strength=p.subseed_strength,
        prompts=p.prompts,
    )
    p.latents_after_sampling.extend(samples)
    if p.scripts is not None:
        args = scripts.PostSampleArgs(samples)
        p.scripts.post_sample(p, args)
        samples = args.samples
    if not getattr(samples, "already_decoded", False):
        samples = decode_latent_batch(p.sd_model, samples)
    pixels = torch.clamp((torch.stack(list(samples)).float() + 1.0) / 2.0, min=0.0, max=1.0)
    state.nextjob()
    if p.scripts is not None:
        p.scripts.postprocess_batch(p, pixels, batch_number=n)
        _slice_batch(p, n)
        batch_list = scripts.PostprocessBatchListArgs(list(pixels))
        p.scripts.postprocess_batch_list(p, batch_list, batch_number=n)
        pixels = batch_list.images
    for i, picture in enumerate(pixels):
        _finish_picture(p, i, picture, infotexts, output_images)
    STATS.pictures += len(pixels)
    return True


def _write_params(p):
    """The page's "read last generation" button reads this file."""
    try:
        with open(os.path.join(paths.data_path, "params.txt"), "w", encoding="utf8") as file:
            file.write(Processed(p, []).infotext(p, 0))
    except OSError:
        errors.report("Could not write params.txt", exc_info=True)


def _infotext(p, index=0, use_main_prompt=False):
    return create_infotext(
        p,
        p.prompts,
        p.seeds,
        p.subseeds,
        use_main_prompt=use_main_prompt,
        index=index,
        all_negative_prompts=p.negative_prompts,
    )


def _save(p, image, index, suffix=""):
    images.save_image(
        image,
        p.outpath_samples,
        "",
        p.seeds[index],
        p.prompts[index],
        opts.samples_format,
        info=_infotext(p, index),
        p=p,
        suffix=suffix,
    )


def _finish_picture(p, i, picture, infotexts, output_images):
    """One picture's hooks, overlay, file and infotext."""
    p.batch_index = i
    position = i + p.iteration * p.batch_size
    image = Image.fromarray((255.0 * np.moveaxis(picture.cpu().numpy(), 0, 2)).astype(np.uint8))
    if p.scripts is not None:
        args = scripts.PostprocessImageArgs(image, position)
        p.scripts.postprocess_image(p, args)
        image = args.image
    mask = getattr(p, "mask_for_overlay", None)
    overlays = getattr(p, "overlay_images", None) if opts.overlay_inpaint else None
    overlay = overlays[i] if overlays is not None and i < len(overlays) else None
    if p.scripts is not None:
        args = scripts.PostProcessMaskOverlayArgs(i, mask, overlay)
        p.scripts.postprocess_maskoverlay(p, args)
        mask, overlay = args.mask_for_overlay, args.overlay_image
    image, original = apply_overlay(image, p.paste_to, overlay)
    p.pixels_after_sampling.append(image)
    if p.scripts is not None:
        args = scripts.PostprocessImageArgs(image, position)
        p.scripts.postprocess_image_after_composite(p, args)
        image = args.image
    save = p.save_samples()
    if save:
        _save(p, image, i)
    text = _infotext(p, i)
    infotexts.append(text)
    if opts.enable_pnginfo:
        image.info["parameters"] = text
    output_images.append(image)
    if mask is None:
        return
    if opts.return_mask or opts.save_mask:
        picture_of_mask = mask.convert("RGB")
        if save and opts.save_mask:
            _save(p, picture_of_mask, i, "-mask")
        if opts.return_mask:
            output_images.append(picture_of_mask)
    if opts.return_mask_composite or opts.save_mask_composite:
        composite = Image.composite(
            original.convert("RGBA").convert("RGBa"),
            Image.new("RGBa", image.size),
            images.resize_image(2, mask, image.width, image.height).convert("L"),
        ).convert("RGBA")
        if save and opts.save_mask_composite:
            _save(p, composite, i, "-mask-composite")
        if opts.return_mask_composite:
            output_images.append(composite)


def _add_grid(p, infotexts, output_images) -> int:
    """Put the grid first, if there is to be one; the index of the first picture proper.

    A grid of no pictures, by an interruption before the first one, is a ZeroDivisionError as in the hosts.
    """
    alone = len(output_images) < 2 and opts.grid_only_if_multiple
    if not (opts.return_grid or opts.grid_save) or p.do_not_save_grid or alone:
        return 0
    grid = images.image_grid(output_images, p.batch_size)
    text = _infotext(p, use_main_prompt=True)
    if opts.return_grid:
        infotexts.insert(0, text)
        if opts.enable_pnginfo:
            grid.info["parameters"] = text
        output_images.insert(0, grid)
    if opts.grid_save:
        images.save_image(
            grid,
            p.outpath_grids,
            "grid",
            p.all_seeds[0],
            p.all_prompts[0],
            opts.grid_format,
            info=text,
            short_filename=not opts.grid_extended_filename,
            p=p,
            grid=True,
        )
    return 1 if opts.return_grid else 0
