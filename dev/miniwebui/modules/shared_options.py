"""The settings that miniwebui has: those that change its pictures, its files or its page."""

import os

import gradio as gr

from modules import localization, shared_items, util
from modules.options import OptionInfo, categories, options_section
from modules.paths_internal import default_output_dir
from modules.profiles import PROFILE
from modules.shared_cmd_options import cmd_opts

options_templates: dict[str, OptionInfo] = {}

restricted_opts = {
    "outdir_samples",
    "outdir_txt2img_samples",
    "outdir_img2img_samples",
    "outdir_grids",
    "outdir_txt2img_grids",
    "outdir_img2img_grids",
}

for _id, _label in (
    ("saving", "Saving images"),
    ("sd", "Stable Diffusion"),
    ("ui", "User Interface"),
    ("system", "System"),
    ("postprocessing", "Postprocessing"),
):
    categories.register_category(_id, _label)


def _folder(name: str) -> str:
    return util.truncate_path(os.path.join(default_output_dir, name))


def _slider(default, label, minimum, maximum, step, **kwargs) -> OptionInfo:
    return OptionInfo(default, label, gr.Slider, {"minimum": minimum, "maximum": maximum, "step": step}, **kwargs)


def _choice(default, label, choices, **kwargs) -> OptionInfo:
    return OptionInfo(default, label, gr.Dropdown, {"choices": choices}, **kwargs)


def _comment_options() -> dict[str, OptionInfo]:
    """reForge always takes comments out and only asks whether infotexts keep them; Neo asks both."""
    enable = OptionInfo(True, "Enable comments").info("# hides the rest of the line")
    if PROFILE.comments_always_off_infotext:
        return {"enable_prompt_comments_def": OptionInfo(False, "Save comments")}
    if PROFILE.c_style_comments:
        return {"enable_prompt_comments": enable, "save_prompt_comments": OptionInfo(False, "Save comments")}
    return {"enable_prompt_comments": enable}


def _add(section, options) -> None:
    options_templates.update(options_section(section, options))


_add(
    ("saving-images", "Saving images/grids", "saving"),
    {
        "samples_save": OptionInfo(True, "Always save all generated images"),
        "samples_format": OptionInfo("png", "File format for images"),
        "grid_save": OptionInfo(True, "Always save all generated image grids"),
        "grid_format": OptionInfo("png", "File format for grids"),
        "grid_extended_filename": OptionInfo(False, "Seed and prompt in a grid's file name"),
        "grid_only_if_multiple": OptionInfo(True, "Do not save grids of one picture"),
        "n_rows": _slider(-1, "Grid rows; -1 for auto, 0 for the batch size", -1, 16, 1),
        "save_images_before_highres_fix": OptionInfo(False, "Save a copy before the hires pass"),
        "save_mask": OptionInfo(False, "Inpainting: save the mask"),
        "save_mask_composite": OptionInfo(False, "Inpainting: save a masked composite"),
        "jpeg_quality": _slider(80, "Quality of jpeg images", 1, 100, 1),
        "webp_lossless": OptionInfo(False, "Lossless webp images"),
        "save_init_img": OptionInfo(False, "Save init images of img2img"),
        "save_incomplete_images": OptionInfo(False, "Save interrupted images"),
        "save_txt": OptionInfo(False, "Write the infotext next to every image"),
    },
)
_add(
    ("saving-paths", "Paths for saving", "saving"),
    {
        "outdir_samples": OptionInfo("", "Output directory for images"),
        "outdir_txt2img_samples": OptionInfo(_folder("txt2img-images"), "Output directory for txt2img images"),
        "outdir_img2img_samples": OptionInfo(_folder("img2img-images"), "Output directory for img2img images"),
        "outdir_grids": OptionInfo("", "Output directory for grids"),
        "outdir_txt2img_grids": OptionInfo(_folder("txt2img-grids"), "Output directory for txt2img grids"),
        "outdir_img2img_grids": OptionInfo(_folder("img2img-grids"), "Output directory for img2img grids"),
        "outdir_init_images": OptionInfo(_folder("init-images"), "Directory for init images"),
    },
)
_add(
    ("saving-to-dirs", "Saving to a directory", "saving"),
    {
        "save_to_dirs": OptionInfo(True, "Save images to a subdirectory"),
        "grid_save_to_dirs": OptionInfo(True, "Save grids to a subdirectory"),
    },
)
_add(
    ("upscaling", "Upscaling", "postprocessing"),
    {"upscaler_for_img2img": OptionInfo(None, "Upscaler for img2img", gr.Dropdown, shared_items.upscaler_choices)},
)
_add(
    ("face-restoration", "Face restoration", "postprocessing"),
    {
        "face_restoration": OptionInfo(False, "Restore faces", infotext="Face restoration"),
        "face_restoration_model": OptionInfo("CodeFormer", "Face restoration model"),
    },
)
_add(
    ("system", "System", "system"),
    {
        "disabled_extensions": OptionInfo([], "Disable these extensions"),
        "disable_all_extensions": _choice("none", "Disable all extensions", ["none", "extra", "all"]),
        "enable_console_prompts": OptionInfo(False, "Print prompts to the console"),
        "samples_log_stdout": OptionInfo(False, "Print generation info to the console"),
        "multiple_tqdm": OptionInfo(True, "A second progress bar for the whole job"),
        "hide_ldm_prints": OptionInfo(True, "Hide the model code's prints"),
        "list_hidden_files": OptionInfo(True, "List hidden files"),
        "auto_launch_browser": _choice("Disable", "Open the browser on start", ["Disable", "Local", "Remote"]),
        "clean_temp_dir_at_start": OptionInfo(False, "Empty the temporary folder at start"),
    },
)
_add(
    ("API", "API", "system"),
    {
        "api_enable_requests": OptionInfo(False, "Allow URLs for input images", restrict_api=True),
        "api_forbid_local_requests": OptionInfo(True, "Forbid local URLs", restrict_api=True),
        "api_useragent": OptionInfo("", "User agent for requests", restrict_api=True),
    },
)
_add(
    ("sd", "Stable Diffusion", "sd"),
    {
        "sd_model_checkpoint": OptionInfo(
            None,
            "(Managed by Forge)" if PROFILE.forge_engine else "Stable Diffusion checkpoint",
            gr.State if PROFILE.forge_engine else gr.Dropdown,
            None if PROFILE.forge_engine else shared_items.checkpoint_choices,
            refresh=None if PROFILE.forge_engine else shared_items.refresh_checkpoints,
            infotext="Model" if PROFILE.forge_engine else "Model hash",
        ),
        "sd_checkpoints_limit": _slider(1, "Checkpoints loaded at the same time", 1, 10, 1),
        "sd_checkpoint_cache": _slider(0, "Checkpoints cached in RAM", 0, 10, 1),
        "sd_vae": OptionInfo("Automatic", "SD VAE", infotext="VAE"),
        "enable_quantization": OptionInfo(False, "Quantize timesteps in K samplers"),
        "emphasis": OptionInfo("Original", "Emphasis mode", infotext="Emphasis"),
        "enable_batch_seeds": OptionInfo(True, "A batch's pictures equal single ones"),
        "CLIP_stop_at_last_layers": _slider(1, "Clip skip", 1, 12, 1, infotext="Clip skip"),
        "randn_source": _choice("GPU", "Random number source", ["GPU", "CPU", "NV"], infotext="RNG"),
        "tiling": OptionInfo(False, "Tiling", infotext="Tiling"),
        "hires_fix_refiner_pass": _choice(
            "second pass", "Hires fix: refiner in", ["first pass", "second pass", "both passes"]
        ),
        "sd_vae_encode_method": _choice("Full", "VAE type for encode", ["Full"], infotext="VAE Encoder"),
        "sd_vae_decode_method": _choice("Full", "VAE type for decode", ["Full"], infotext="VAE Decoder"),
        **_comment_options(),
        "persistent_cond_cache": OptionInfo(True, "Keep conds between generations"),
        "batch_cond_uncond": OptionInfo(True, "Cond and uncond in one batch"),
    },
)
_add(
    ("img2img", "img2img", "sd"),
    {
        "inpainting_mask_weight": _slider(1.0, "Inpainting conditioning mask strength", 0.0, 1.0, 0.01),
        "initial_noise_multiplier": _slider(1.0, "Noise multiplier for img2img", 0.0, 1.5, 0.001),
        "img2img_extra_noise": _slider(0.0, "Extra noise multiplier", 0.0, 1.0, 0.01, infotext="Extra noise"),
        "img2img_color_correction": OptionInfo(False, "Color correction of img2img results"),
        "img2img_fix_steps": OptionInfo(False, "With img2img, do exactly the amount of steps the slider specifies."),
        "img2img_background_color": OptionInfo("#ffffff", "Fill transparent parts with"),
        "overlay_inpaint": OptionInfo(True, "Overlay the original when inpainting"),
        "return_mask": OptionInfo(False, "Inpainting: show the mask"),
        "return_mask_composite": OptionInfo(False, "Inpainting: show a masked composite"),
    },
)
_add(
    ("optimizations", "Optimizations", "sd"),
    {
        "s_min_uncond": _slider(0.0, "Negative Guidance minimum sigma", 0.0, 15.0, 0.01, infotext="NGMS"),
        "s_min_uncond_all": OptionInfo(False, "NGMS in all steps", infotext="NGMS all steps"),
        "token_merging_ratio": _slider(0.0, "Token merging ratio", 0.0, 0.9, 0.1, infotext="Token merging ratio"),
        "token_merging_ratio_img2img": _slider(0.0, "Token merging ratio for img2img", 0.0, 0.9, 0.1),
        "token_merging_ratio_hr": _slider(
            0.0, "Token merging ratio for hires", 0.0, 0.9, 0.1, infotext="Token merging ratio hr"
        ),
        "pad_cond_uncond": OptionInfo(False, "Pad prompts to one length", infotext="Pad conds"),
    },
)
_add(
    ("compatibility", "Compatibility", "sd"),
    {
        "use_old_karras_scheduler_sigmas": OptionInfo(False, "Old karras sigmas (0.1 to 10)"),
        "no_dpmpp_sde_batch_determinism": OptionInfo(False, "DPM++ SDE differs between batch sizes"),
        "use_old_hires_fix_width_height": OptionInfo(False, "Width and height are the final size"),
        "hires_fix_use_firstpass_conds": OptionInfo(False, "Hires conds from the first pass's extra networks"),
        "use_old_scheduling": OptionInfo(
            False, "Old prompt editing timelines", infotext="Old prompt editing timelines"
        ),
        "sd_noise_schedule": _choice("Default", "Noise schedule", ["Default"], infotext="Noise Schedule"),
        "use_downcasted_alpha_bar": OptionInfo(False, "Downcast alphas_cumprod", infotext="Downcast alphas_cumprod"),
    },
)
if not PROFILE.schedule_types:
    _add(
        ("sampler-params", "Sampler parameters", "sd"),
        {
            "k_sched_type": _choice(
                "Automatic",
                "Scheduler type",
                ["Automatic", "karras", "exponential", "polyexponential"],
                infotext="Schedule type",
            ),
        },
    )
_add(
    ("extra_networks", "Extra Networks", "sd"),
    {
        "extra_networks_default_multiplier": _slider(1.0, "Default multiplier", 0.0, 2.0, 0.01),
        "extra_networks_add_text_separator": OptionInfo(" ", "Separator before added networks"),
        "extra_networks_show_hidden_directories": OptionInfo(True, "Show hidden directories"),
    },
)
_add(
    ("ui_gallery", "Gallery", "ui"),
    {
        "return_grid": OptionInfo(True, "Show grid in gallery"),
        "do_not_show_images": OptionInfo(False, "Do not show any images in gallery"),
        "gallery_height": OptionInfo("", "Gallery height"),
        "hires_button_gallery_insert": OptionInfo(False, "Insert hires button results into the gallery"),
    },
)
_add(
    ("ui", "User interface", "ui"),
    {
        "localization": OptionInfo(
            "None",
            "Localization",
            gr.Dropdown,
            lambda: {"choices": ["None", *localization.localizations]},
            refresh=lambda: localization.list_localizations(cmd_opts.localizations_dir),
        ).needs_reload_ui(),
        "quicksettings_list": OptionInfo(["sd_model_checkpoint"], "Quicksettings list"),
        "hires_fix_show_sampler": OptionInfo(PROFILE.forge_engine, "Hires fix: show checkpoint and sampler"),
        "hires_fix_show_prompts": OptionInfo(PROFILE.forge_engine, "Hires fix: show prompts"),
        "samplers_in_dropdown": OptionInfo(True, "Samplers in a dropdown"),
        "sd_checkpoint_dropdown_use_short": OptionInfo(False, "Checkpoints without folders in the dropdown"),
        "ui_reorder_list": OptionInfo([], "Order of items in the tabs"),
        "send_seed": OptionInfo(True, "Send the seed with a picture"),
        "send_size": OptionInfo(True, "Send the size with a picture"),
        "disable_token_counters": OptionInfo(False, "Disable token counters"),
        "include_styles_into_token_counters": OptionInfo(True, "Count tokens of styles"),
        "interrupt_after_current": OptionInfo(False, "Don't interrupt in the middle"),
        "enable_reloading_ui_scripts": OptionInfo(False, "Reload modules with the page"),
        "show_progress_in_title": OptionInfo(True, "Progress in the window title"),
    },
)
_add(
    ("infotext", "Infotext", "ui"),
    {
        "enable_pnginfo": OptionInfo(True, "Write infotext to images"),
        "add_model_name_to_info": OptionInfo(True, "Add model name to infotext"),
        "add_model_hash_to_info": OptionInfo(True, "Add model hash to infotext"),
        "add_vae_name_to_info": OptionInfo(True, "Add VAE name to infotext"),
        "add_vae_hash_to_info": OptionInfo(True, "Add VAE hash to infotext"),
        "add_user_name_to_info": OptionInfo(False, "Add user name to infotext"),
        "add_version_to_infotext": OptionInfo(True, "Add program version to infotext"),
        "disable_weights_auto_swap": OptionInfo(True, "Ignore the checkpoint of pasted infotext"),
        "infotext_skip_pasting": OptionInfo([], "Fields not to paste"),
        "infotext_styles": _choice(
            "Apply if any", "Styles from pasted prompts", ["Ignore", "Apply", "Discard", "Apply if any"]
        ),
    },
)
_add(
    ("ui_live", "Live previews", "ui"),
    {
        "show_progressbar": OptionInfo(True, "Show progressbar"),
        "live_previews_enable": OptionInfo(True, "Show live previews"),
        "live_previews_image_format": _choice("png", "Live preview format", ["jpeg", "png", "webp"]),
        "show_progress_grid": OptionInfo(True, "Previews of a batch as a grid"),
        "show_progress_every_n_steps": _slider(10, "Live preview period in steps", -1, 32, 1),
        "show_progress_type": _choice("Full", "Live preview method", ["Full"]),
        "live_preview_content": _choice("Prompt", "Live preview subject", ["Combined", "Prompt", "Negative prompt"]),
        "live_preview_refresh_period": OptionInfo(1000, "Progress period in milliseconds"),
    },
)
_add(
    ("sampler-params", "Sampler parameters", "sd"),
    {
        "hide_samplers": OptionInfo([], "Hide samplers", gr.CheckboxGroup, shared_items.sampler_choices),
        "eta_ddim": _slider(0.0, "Eta for DDIM", 0.0, 1.0, 0.01, infotext="Eta DDIM"),
        "eta_ancestral": _slider(1.0, "Eta for k-diffusion samplers", 0.0, 1.0, 0.01, infotext="Eta"),
        "s_churn": _slider(0.0, "sigma churn", 0.0, 100.0, 0.01, infotext="Sigma churn"),
        "s_tmin": _slider(0.0, "sigma tmin", 0.0, 10.0, 0.01, infotext="Sigma tmin"),
        "s_tmax": _slider(0.0, "sigma tmax", 0.0, 999.0, 0.01, infotext="Sigma tmax"),
        "s_noise": _slider(1.0, "sigma noise", 0.0, 1.1, 0.001, infotext="Sigma noise"),
        "sigma_min": OptionInfo(0.0, "sigma min", gr.Number, infotext="Schedule min sigma"),
        "sigma_max": OptionInfo(0.0, "sigma max", gr.Number, infotext="Schedule max sigma"),
        "rho": OptionInfo(0.0, "rho", gr.Number, infotext="Schedule rho"),
        "eta_noise_seed_delta": OptionInfo(0, "Eta noise seed delta", gr.Number, {"precision": 0}, infotext="ENSD"),
        "always_discard_next_to_last_sigma": OptionInfo(
            False, "Always discard next-to-last sigma", infotext="Discard penultimate sigma"
        ),
        "sgm_noise_multiplier": OptionInfo(False, "SGM noise multiplier", infotext="SGM noise multiplier"),
        "skip_early_cond": _slider(
            0.0, "Ignore negative prompt during early sampling", 0.0, 1.0, 0.01, infotext="Skip Early CFG"
        ),
        "beta_dist_alpha": _slider(0.6, "Beta scheduler - alpha", 0.01, 1.0, 0.01, infotext="Beta schedule alpha"),
        "beta_dist_beta": _slider(0.6, "Beta scheduler - beta", 0.01, 1.0, 0.01, infotext="Beta schedule beta"),
    },
)
if PROFILE.forge_engine:
    _add(
        ("forge", "Forge", "sd"),
        {
            "forge_additional_modules": OptionInfo([], "VAE / Text Encoder"),
            "forge_unet_storage_dtype": OptionInfo("Automatic", "Diffusion in Low Bits"),
            "forge_preset": _choice("sd", "UI preset", ["sd", "xl", "flux", "all"]),
        },
    )
