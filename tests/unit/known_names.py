"""File names that people have, where each was seen, and what it says.

Names alone: a family that only the file's header tells is not among the expectations. `LOOKALIKES` are not what they
seem.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Known(NamedTuple):
    """A name without its extension. `says` holds fields of `NameReading`: "distilled" is None for a plain one."""

    name: str
    says: dict[str, Any]
    source: str


_REPORTED = "names that people shared in bug reports and prompts"
_USED = "workflows and scripts in public repositories"
_MADE_UP = "made up"
_LISTED = "github.com/fofr/cog-comfyui: supported_weights.md"
_SDNEXT = "github.com/vladmandic/sdnext: data/reference-community.json, data/reference-distilled.json"
_HYPER = "huggingface.co/ByteDance/Hyper-SD"
_LIGHTNING = "huggingface.co/ByteDance/SDXL-Lightning"
_PCM = "huggingface.co/wangfuyun/PCM_Weights"
_PROMPTS = "prompts in public repositories"
_FIXTURES = "lists of model names in the tests of public repositories"
_SIMPLE = "github.com/metercai/SimpleSDXL: issue 67, enhanced/simpleai"
_FORGE = "github.com/lllyasviel/stable-diffusion-webui-forge: issues"

HANDED_CHECKPOINTS = (
    Known("realisticVisionV60B1_v51HyperVAE", {"distilled": "hyper"}, _USED),
    Known("juggernautXL_juggXIHyperByRundiffusion", {"family": "sdxl", "distilled": "hyper"}, _REPORTED),
    Known("Juggernaut_X_RunDiffusion_Hyper", {"distilled": "hyper"}, "huggingface.co/RunDiffusion/Juggernaut-X-Hyper"),
    Known(
        "creapromptLightning_creapromtHypersdxlV1",
        {"family": "sdxl", "distillations": ("lightning", "hyper")},
        _REPORTED,
    ),
    Known("flux-hyp8-Q8_0", {"family": "flux", "distilled": "hyper", "steps": 8}, _SIMPLE),
    Known("flux-hyp16-Q5_0", {"family": "flux", "distilled": "hyper", "steps": 16}, _SIMPLE),
    Known("flux1DevHyper8step_fp16", {"family": "flux", "distilled": "hyper", "steps": 8}, _USED),
    Known("fluxUnchainedBySCG_hyfu8StepHybridV10", {"family": "flux", "distilled": "hyper", "steps": 8}, _REPORTED),
    Known("fluxFusionV24StepsGGUFNF4_V2Fp8", {"family": "flux", "distilled": "4 steps", "steps": 4}, _REPORTED),
    Known("copaxTimeless_photorealismSDXL8Step", {"family": "sdxl", "distilled": "8 steps", "steps": 8}, _REPORTED),
    Known("SDXL_Flash", {"family": "sdxl", "distilled": "flash"}, "huggingface.co/sd-community/sdxl-flash"),
    Known("nitrosd-realism_comfyui", {"distilled": "nitro", "steps": 1}, "huggingface.co/ChenDY/NitroFusion"),
    Known(
        "sdxl_lightning_1step_unet_x0",
        {"family": "sdxl", "distilled": "lightning", "one_step_unet": "lightning"},
        _LIGHTNING,
    ),
    Known(
        "dmd2_sdxl_1step_unet_fp16",
        {"family": "sdxl", "distilled": "dmd2", "one_step_unet": "dmd2"},
        "huggingface.co/tianweiy/DMD2",
    ),
    Known("photonLCM_v10", {"distilled": "lcm"}, _REPORTED),
    Known("jibMixFlux_v8.q4_0", {"family": "flux", "distilled": None, "quantisation": "q4"}, _REPORTED),
    Known("ultraRealFineTune_v4-Q8_0", {"family": None, "distilled": None, "quantisation": "q8"}, _REPORTED),
    Known("flux-2-klein-4b-Q6_K", {"family": "flux2", "distilled": None}, _REPORTED),
    Known(
        "flux1-fill-dev", {"family": "flux", "variant": "fill", "distilled": None}, "black-forest-labs/FLUX.1-Fill-dev"
    ),
    Known("fluxDedistilled_v1", {"family": "flux", "variant": "de-distilled", "distilled": None}, _REPORTED),
    Known("HyperRealism_v3", {"distilled": None}, _REPORTED),
    Known("ZavyChromaXL_v90", {"family": "sdxl", "distilled": None}, _USED),
)

HANDED_LORAS = (
    Known("HyperSDXL8StepCFG", {"lora": "hyper", "family": "sdxl", "steps": 8, "cfg": True}, _REPORTED),
    Known("hyperSDXL8step", {"lora": "hyper", "family": "sdxl", "steps": 8, "cfg": False}, _REPORTED),
    Known("SDXLHyper8step", {"lora": "hyper", "family": "sdxl", "steps": 8}, _REPORTED),
    Known("fluxHyper16", {"lora": "hyper", "family": "flux", "steps": 16}, _REPORTED),
    Known("FluxHyper8Steps", {"lora": "hyper", "family": "flux", "steps": 8}, _REPORTED),
    Known("HyperFlux8Steps", {"lora": "hyper", "family": "flux", "steps": 8}, _REPORTED),
    Known("Hyper8StepsFlux", {"lora": "hyper", "family": "flux", "steps": 8}, _REPORTED),
    Known("hyper_flux_8", {"lora": "hyper", "family": "flux", "steps": 8}, _REPORTED),
    Known(
        "sdxl_hyper_sd_4step_lora",
        {"lora": "hyper", "family": "sdxl", "steps": 4},
        "github.com/lllyasviel/Fooocus: tests/test_utils.py",
    ),
    Known("hyper_muscle_1.8k-lr1e-4-av3-LoRA_epoc12-v5", {"lora": None}, _PROMPTS),
    Known("Hyper_Realistic_v2", {"lora": None}, _REPORTED),
    Known("hyper-detail-slider_xl", {"lora": None}, _REPORTED),
    Known("Hyper-Chroma-Turbo-Alpha-16steps-lora", {"family": "chroma"}, _USED),
    Known("Hyper-Chroma-low-step-LoRA", {"family": "chroma"}, "huggingface.co/clover-supply/Chroma-loras"),
    Known("sdxl_lightning_8step_lora", {"lora": "lightning", "family": "sdxl", "steps": 8}, _LIGHTNING),
    Known("sdxl_lightning_2step_lora", {"lora": "lightning", "family": "sdxl", "steps": 2}, _LIGHTNING),
    Known(
        "dmd2_sdxl_4step_lora_fp16",
        {"lora": "dmd2", "family": "sdxl", "steps": 4},
        "huggingface.co/tianweiy/DMD2",
    ),
    Known("lcm-lora-sdxl", {"lora": "lcm", "family": "sdxl"}, "huggingface.co/latent-consistency"),
    Known("lcm-lora-sdv1-5", {"lora": "lcm", "family": "sd15"}, "huggingface.co/latent-consistency"),
    Known("FLUX.1-Turbo-Alpha", {"lora": "turbo", "family": "flux", "steps": 8}, "huggingface.co/alimama-creative"),
)

CHECKPOINTS = (
    Known("juggernautXL_juggXILightningByRD", {"family": "sdxl", "distilled": "lightning"}, _SDNEXT),
    Known("tempestByVlad_hyperV01", {"distilled": "hyper"}, _SDNEXT),
    Known("SDXL-Flash_Mini", {"family": "sdxl", "distilled": "flash"}, _SDNEXT),
    Known("JuggernautXRundiffusion_Hyper", {"distilled": "hyper"}, "huggingface.co/RunDiffusion/Juggernaut-X-Hyper"),
    Known("unstableIllusion_hyper", {"distilled": "hyper"}, "civitai.com/models/1060496"),
    Known("Realistic_Vision_V5.1_Hyper", {"distilled": "hyper"}, _FIXTURES),
    Known("hyper_sdxl_4step_471056", {"family": "sdxl", "distilled": "hyper", "steps": 4}, _USED),
    Known("realisticvisionhyper_sd15_qnn228", {"family": "sd15", "distilled": "hyper"}, _USED),
    Known("dreamshaperXL_lightningDPMSDE", {"family": "sdxl", "distilled": "lightning"}, _LISTED),
    Known("dreamshaperXL_v21TurboDPMSDE", {"family": "sdxl", "distilled": "turbo"}, "cog-comfyui: issue 43"),
    Known("realvisxlV50_v50LightningBakedvae", {"family": "sdxl", "distilled": "lightning"}, "cog-comfyui: issue 199"),
    Known("Juggernaut_RunDiffusionPhoto2_Lightning_4Steps", {"distilled": "lightning", "steps": 4}, _LISTED),
    Known("dreamshaper_8LCM", {"distilled": "lcm"}, _LISTED),
    Known("realisticLCMBYStable_v10", {"distilled": "lcm"}, _LISTED),
    Known("cyberphotonlcm_v10", {"distilled": "lcm"}, _USED),
    Known("LCM_Dreamshaper_v7_4k", {"distilled": "lcm", "steps": None}, _LISTED),
    Known("RealVisXL_V3.0_Turbo", {"family": "sdxl", "distilled": "turbo", "steps": None}, _LISTED),
    Known("sd_xl_turbo_1.0_fp16", {"family": "sdxl", "distilled": "turbo", "steps": None}, _LISTED),
    Known("turbovisionxlSuperFastXLBasedOnNew_tvxlV32Bakedvae", {"family": "sdxl", "distilled": "turbo"}, _LISTED),
    Known("sdxlTURBOPLUSREDTEAMMODEL_", {"family": "sdxl", "distilled": "turbo"}, _USED),
    Known(
        "sdxl_lightning_1step_x0.q8_0",
        {"distilled": "lightning", "one_step_unet": "lightning"},
        "github.com/leejet/stable-diffusion.cpp: issue 198",
    ),
    Known("sdxl_lightning_8step_unet", {"distilled": "lightning", "steps": 8, "one_step_unet": None}, _LISTED),
    Known("Hyper-SDXL-1step-Unet-Comfyui.fp16", {"family": "sdxl", "steps": 1, "one_step_unet": "hyper"}, _HYPER),
    Known(
        "flux1-fill-dev-hyp8-Q4_K_S",
        {"family": "flux", "distilled": "hyper", "steps": 8, "variant": "fill", "quantisation": "q4"},
        _SIMPLE,
    ),
    Known("flux1-fill-dev-Q5_K_S", {"family": "flux", "distilled": None, "variant": "fill"}, f"{_FORGE} 2415"),
    Known("flux1-schnell-Q2_K", {"family": "flux", "distilled": "schnell"}, f"{_FORGE} 1396"),
    Known(
        "flux1-dev-bnb-nf4-v2",
        {"family": "flux", "distilled": None, "quantisation": "nf4"},
        "huggingface.co/lllyasviel/flux1-dev-bnb-nf4",
    ),
    Known(
        "flux1_kontext-dev-Q8_0",
        {"family": "flux", "distilled": None, "variant": "kontext"},
        "github.com/DenOfEquity/forge2_flux_kontext: issue 16",
    ),
    Known("FLUX.1-Krea-dev_Q4_K_M", {"family": "flux", "distilled": None, "variant": "krea"}, _FIXTURES),
    Known("fluxunchained-dev-Q5_K_M", {"family": "flux", "distilled": None}, _SIMPLE),
    Known(
        "flux-dev-de-distill",
        {"family": "flux", "variant": "de-distilled"},
        "huggingface.co/nyanko7/flux-dev-de-distill",
    ),
    Known("PixelWave_FLUX.1-dev_03", {"family": "flux", "distilled": None, "steps": None}, _FIXTURES),
    Known("flux-2-klein-4b-Q4_K_M", {"family": "flux2"}, "github.com/dmMaze/BallonsTranslator: issue 1175"),
    Known("segmind-vega", {"family": "ssd"}, _LISTED),
    Known("SSD-1B", {"family": "ssd"}, _LISTED),
    Known("playground-v2.5-1024px-aesthetic.fp16", {"family": "playground"}, _LISTED),
    Known("v2-1_768-ema-pruned", {"family": "sd2", "distilled": None}, _LISTED),
    Known("v1-5-pruned-emaonly", {"family": "sd15", "distilled": None}, _LISTED),
    Known("ponyDiffusionV6XL", {"family": "sdxl", "distilled": None}, _FIXTURES),
    Known("waiIllustriousSDXL_v150", {"family": "sdxl", "distilled": None}, _SDNEXT),
    Known("sd3.5_large_fp8", {"family": "sd35", "distilled": None}, _FIXTURES),
    Known("Qwen_Image_Distill_Q5_K_S", {"family": "qwen"}, _FIXTURES),
    Known("z-image-turbo_fp8", {"family": "lumina"}, _FIXTURES),
    Known("Chroma1-HD-Flash", {"family": "chroma", "distilled": "flash"}, "huggingface.co/lodestones/Chroma1-Flash"),
    Known("PixArt-Sigma-XL-2-1024-MS", {"family": "pixart", "distilled": None}, "huggingface.co/PixArt-alpha"),
    Known("HiDream-I1-Fast", {"family": "hidream"}, "huggingface.co/HiDream-ai"),
    Known("Qwen-Image-Edit-2511-UD-Q4_K_XL", {"family": "qwen", "quantisation": "q4"}, "huggingface.co/unsloth"),
    Known("flux1-dev-Q4_K_XL", {"family": "flux", "quantisation": "q4"}, f"{_MADE_UP}: a quantisation's XL"),
    Known("hyphoriaRealIllu_v09", {"family": "sdxl", "distilled": None}, _USED),
    Known("chroma-unlocked-v44-detail-calibrated", {"family": "chroma"}, _USED),
)

LORAS = (
    Known("Hyper-SD15-12steps-CFG-lora", {"lora": "hyper", "family": "sd15", "steps": 12, "cfg": True}, _HYPER),
    Known("Hyper-SD3-4steps-CFG-lora", {"lora": "hyper", "family": "sd3", "steps": 4, "cfg": True}, _HYPER),
    Known(
        "Hyper-FLUX.1-dev-8steps-lora-fp16",
        {"lora": "hyper", "family": "flux", "steps": 8, "quantisation": "fp16"},
        "huggingface.co/nakodanei/Hyper-FLUX.1-dev-8steps-lora-fp16",
    ),
    Known("hyper_sd15_1step", {"lora": "hyper", "family": "sd15", "steps": 1}, _PROMPTS),
    Known("HyperSD_1step_Lora", {"lora": "hyper", "family": None, "steps": 1}, _PROMPTS),
    Known("Hyper-SDXL-8steps-UNIT", {"lora": "hyper", "family": "sdxl", "steps": 8}, _PROMPTS),
    Known("hyper_sdxl_8_step_lora_f16", {"lora": "hyper", "family": "sdxl", "steps": 8}, "Draw Things' LoRA files"),
    Known("hyper-sd15-8steps-lora", {"lora": "hyper", "family": "sd15", "steps": 8}, _PROMPTS),
    Known(
        "hypersd-sd1-5-1-step-lora",
        {"lora": "hyper", "family": "sd15", "steps": 1},
        "huggingface.co/rupeshs, koboldcpp: issue 796",
    ),
    Known("pcm_sdxl_normalcfg_8step_converted_fp16", {"lora": "pcm", "family": "sdxl", "steps": 8}, _PCM),
    Known("pcm_sdxl_lcmlike_lora_converted", {"lora": "lcm", "family": "sdxl", "steps": None}, _PCM),
    Known("pcm_sd15_smallcfg_2step_converted", {"lora": "pcm", "family": "sd15", "steps": 2, "cfg": False}, _PCM),
    Known("lcm-lora-ssd-1b", {"lora": "lcm", "family": "ssd"}, _LISTED),
    Known("AnimateLCM_sd15_t2v_lora", {"lora": "lcm", "family": "sd15"}, _LISTED),
    Known("QwenImage_Lightning_8step_lora", {"lora": "lightning", "family": "qwen", "steps": 8}, _PROMPTS),
    Known("sd_xl_dpo_turbo_lora_v1-128dim", {"lora": "turbo", "family": "sdxl"}, _USED),
    Known("Qwen-Image-Edit-2511-Lightning", {"lora": "lightning", "family": "qwen"}, "huggingface.co/lightx2v"),
    Known("chroma-flash-heun_r256-fp32", {"lora": "flash", "family": "chroma"}, "huggingface.co/silveroxides"),
    Known("TDD-FLUX.1-dev-lora-beta", {"lora": "tdd", "family": "flux"}, "huggingface.co/RED-AIGC/TDD"),
    Known("flux1-turbo-alpha-lora", {"lora": "turbo", "family": "flux"}, _PROMPTS),
)

LOOKALIKES = (
    Known("tempestByVlad_baseV01", {"distilled": None}, _SDNEXT),
    Known("pixelwave_flux1Schnell04", {"family": "flux", "distilled": "schnell", "steps": None}, "civitai.com"),
    Known("pixel_art_style_z_image_turbo", {"lora": None, "family": "lumina"}, "huggingface.co/tarn59"),
    Known("sdxlLightning_08", {"distilled": "lightning", "steps": None}, f"{_MADE_UP}: 08 is a version"),
    Known("hyperIllusion_v1", {"lora": None, "family": None}, f"{_MADE_UP}: begins like Illustrious' short form"),
    Known("hyperhdr_xl", {"lora": None}, f"{_MADE_UP}: a style that begins like a technical word"),
    Known("copaxTimelessxlSDXL1_v8", {"family": "sdxl", "distilled": None, "steps": None}, _LISTED),
    Known("cyberrealistic_v41BackToBasics", {"distilled": None}, _MADE_UP),
    Known("dreamshaper_8", {"family": None, "distilled": None, "steps": None}, _LISTED),
    Known("theovercomer8sContrastFix_sd15", {"lora": None, "family": "sd15", "steps": None}, _LISTED),
    Known("hyper_breasts_1.8k-lr1e-4-av3-LoRA_epoc12-v5", {"lora": None}, _PROMPTS),
    Known("style_hyperrealism", {"lora": None, "distilled": None}, _PROMPTS),
    Known("aidmaHyperrealism", {"lora": None, "distilled": None}, _PROMPTS),
    Known("lightning_element", {"lora": None}, _PROMPTS),
    Known("2000s_Camera_Flash_flux", {"lora": None, "family": "flux"}, f"{_MADE_UP}: a camera's flash"),
    Known("detail_turbo", {"lora": None}, _PROMPTS),
    Known("TurboMix", {"lora": None}, _PROMPTS),
    Known("add-detail-xl", {"lora": None, "family": "sdxl"}, _LISTED),
    Known("krea2Anime_v20_3246005", {"family": "krea2", "variant": None}, "sdnext: test/fixtures/civitai-names.json"),
    Known("auraflow_v03", {"family": "aura"}, _FIXTURES),
    Known("t5xxl_fp8_e4m3fn", {"family": None, "quantisation": "fp8"}, _FIXTURES),
    Known("FLUX-2-schnell", {"family": "flux2"}, _FIXTURES),
    Known("zavychromaxl_v21", {"family": "sdxl", "distilled": None}, _USED),
    Known("HyperRealism-8steps", {"lora": None}, f"{_MADE_UP}: a style by its word, in spite of its steps"),
    Known("photohyperreal", {"distilled": None}, _MADE_UP),
    Known("turbine_v2", {"distilled": None}, f"{_MADE_UP}: begins like turbo"),
    Known("dmdesign", {"distilled": None}, f"{_MADE_UP}: begins like dmd"),
    Known("lcmodern", {"distilled": None}, f"{_MADE_UP}: begins like lcm"),
    Known("Flashback_v1", {"distilled": None}, f"{_MADE_UP}: begins like flash"),
    Known("flash_photography_xl", {"distilled": None, "lora": None}, f"{_MADE_UP}: a style by its word"),
    Known("hyper_detailed_8k", {"distilled": None, "lora": None, "steps": None}, f"{_MADE_UP}: 8k is a size"),
    Known("non-turbo-xl", {"distilled": None, "family": "sdxl"}, f"{_MADE_UP}: says that it is not"),
    Known("hyper-8steps-cfg1", {"lora": "hyper", "steps": 8, "cfg": False}, f"{_MADE_UP}: cfg1 is a setting"),
    Known("x-40steps", {"distilled": None, "steps": None}, f"{_MADE_UP}: more steps than few-step models have"),
    Known("Hunyuan-hyperDimension", {"family": "hunyuan", "lora": None}, f"{_MADE_UP}: a style by its word"),
    Known("my_model_epoch12_step4000", {"distilled": None, "steps": None}, f"{_MADE_UP}: steps of the training"),
    Known("Hyper3D_v2", {"distilled": None, "lora": None}, f"{_MADE_UP}: 3D is no step count"),
    Known("epic_depth_of_field_xl", {"family": "sdxl", "variant": None}, f"{_MADE_UP}: depth is FLUX's variant alone"),
)
"""At least a third of what is not handed."""
