"""The words that file names of checkpoints and LoRAs are made of, as data, each with the place that uses it so.

A row's words are separated by spaces; in `SEQUENCES` they follow each other ("sd 1 5" is SD15, sd_1.5 and SD-1-5).
`names.py` reads with them. A word says what a person wrote, not what the file is: that its header says.
"""

from typing import Literal, NamedTuple

Kind = Literal["distillation", "family", "unit", "cfg", "variant", "quantisation", "technical", "style", "negation"]


class Row(NamedTuple):
    """Words of one kind. `meaning` is what they all say, "" for each itself."""

    words: str
    kind: Kind
    meaning: str
    source: str


_HYPER = "huggingface.co/ByteDance/Hyper-SD"
_CIVITAI = "file names on civitai.com: the model's name, the version's name, in camel case"
_BFL = "huggingface.co/black-forest-labs"
_GGUF = "github.com/city96/ComfyUI-GGUF"
_NEO = "Forge Neo, modules_forge/packages/huggingface_guess"

WORDS: tuple[Row, ...] = (
    # Distillations ---------------------------------------------------------------------------------------------
    Row("hyper", "distillation", "hyper", _HYPER),
    Row("lightning", "distillation", "lightning", "huggingface.co/ByteDance/SDXL-Lightning"),
    Row("turbo", "distillation", "turbo", "huggingface.co/stabilityai/sdxl-turbo, alimama-creative/FLUX.1-Turbo-Alpha"),
    Row("lcm", "distillation", "lcm", "huggingface.co/latent-consistency"),
    Row("dmd", "distillation", "dmd2", "huggingface.co/tianweiy/DMD2"),
    Row("tcd", "distillation", "tcd", "huggingface.co/h1t/TCD-SDXL-LoRA"),
    Row("pcm", "distillation", "pcm", "huggingface.co/wangfuyun/PCM_Weights"),
    Row("lcmlike", "distillation", "lcm", "huggingface.co/wangfuyun/PCM_Weights: pcm_sdxl_lcmlike_lora_converted"),
    Row("flash", "distillation", "flash", "huggingface.co/sd-community/sdxl-flash"),
    Row("nitro", "distillation", "nitro", "huggingface.co/ChenDY/NitroFusion"),
    Row("schnell", "distillation", "schnell", _BFL),
    Row("tdd", "distillation", "tdd", "huggingface.co/RED-AIGC/TDD"),
    # Families --------------------------------------------------------------------------------------------------
    Row("sdxl xl pony illustrious illu noobai noob animagine", "family", "sdxl", _CIVITAI),
    Row("flux", "family", "flux", _BFL),
    Row("kontext", "family", "flux", f"{_BFL}/FLUX.1-Kontext-dev"),
    Row("klein", "family", "flux2", f"{_BFL}/FLUX.2-klein-4B"),
    Row("chroma", "family", "chroma", "huggingface.co/lodestones/Chroma"),
    Row("mugen", "family", "mugen", _NEO),
    Row("ssd", "family", "ssd", "huggingface.co/segmind/SSD-1B"),
    Row("qwen", "family", "qwen", "huggingface.co/Qwen/Qwen-Image"),
    Row("kolors", "family", "kolors", "huggingface.co/Kwai-Kolors/Kolors"),
    Row("zimage lumina", "family", "lumina", _NEO),
    Row("wan", "family", "wan", _NEO),
    Row("anima", "family", "anima", _NEO),
    Row("ernie", "family", "ernie", _NEO),
    Row("hunyuan hunyuanvideo hyvid", "family", "hunyuan", _GGUF),
    Row("hidream", "family", "hidream", _GGUF),
    Row("auraflow aura", "family", "aura", _GGUF),
    Row("ltx ltxv", "family", "ltxv", _GGUF),
    Row("cosmos", "family", "cosmos", _GGUF),
    Row("pixart", "family", "pixart", "huggingface.co/PixArt-alpha"),
    # Steps and guidance ----------------------------------------------------------------------------------------
    Row("steps step", "unit", "", _HYPER),
    Row("cfg", "cfg", "", _HYPER),
    # What a checkpoint was made for ----------------------------------------------------------------------------
    Row("inpainting inpaint", "variant", "inpaint", "huggingface.co/stable-diffusion-v1-5"),
    Row("fill depth canny redux", "variant", "", f"{_BFL}/FLUX.1-Fill-dev and its relatives"),
    Row("krea", "variant", "", f"{_BFL}/FLUX.1-Krea-dev"),
    Row("dedistilled dedistill undistilled", "variant", "de-distilled", "huggingface.co/nyanko7/flux-dev-de-distill"),
    # Storage ---------------------------------------------------------------------------------------------------
    Row("bnb", "quantisation", "nf4", "huggingface.co/lllyasviel/flux1-dev-bnb-nf4"),
    Row("svdq nunchaku", "quantisation", "svdq", "huggingface.co/nunchaku-tech"),
    # Words that may stand beside "hyper" and take nothing from it -------------------------------------------------
    Row("sd lora dev pro v ver version x alpha beta rc test final full pruned ema emaonly", "technical", "", _CIVITAI),
    Row("vae baked bakedvae no vpred eps fp bf nf int q gguf unet diffusers comfyui comfy", "technical", "", _CIVITAI),
    Row("mix merge merged edition model checkpoint base by rank dim converted unified low", "technical", "", _CIVITAI),
    Row("small normal dpm dpmpp sde euler fast vision b k m l s unit official pytorch plus", "technical", "", _CIVITAI),
    Row("hd dpo edit preview release experimental exp distill distilled heun unipc karras", "technical", "", _CIVITAI),
    Row(
        "image img video large medium mini tiny lite quick rapid accelerator clean fix fixed", "technical", "", _CIVITAI
    ),
    # Words that make "hyper", "lightning", "flash" the name of a style -----------------------------------------------
    Row("real reals realism realistic realist realista reality", "style", "", _CIVITAI),
    Row("detail details detailed detailer", "style", "", _CIVITAI),
    Row("photo photos photography photorealism photorealistic sharp sharpness texture textures", "style", "", _CIVITAI),
    Row(
        "muscle muscles muscular breasts body anime cute fantasy surreal surrealism quality focus",
        "style",
        "",
        _CIVITAI,
    ),
    Row("bolt bolts storm strike magic effect effects element elemental mcqueen granny back", "style", "", _CIVITAI),
    Row("dimension dimensional space drive color colors colorful vivid feminine skin slider", "style", "", _CIVITAI),
    # Not … -------------------------------------------------------------------------------------------------------
    Row("non not without pre anti", "negation", "", _CIVITAI),
)

SEQUENCES: tuple[Row, ...] = (
    Row("dmd 2", "distillation", "dmd2", "huggingface.co/tianweiy/DMD2"),
    Row("sd 15", "family", "sd15", _HYPER),
    Row("sd 1 5", "family", "sd15", _HYPER),
    Row("sd v 15", "family", "sd15", "huggingface.co/latent-consistency/lcm-lora-sdv1-5"),
    Row("sd v 1 5", "family", "sd15", "huggingface.co/latent-consistency/lcm-lora-sdv1-5"),
    Row("v 1 5 pruned", "family", "sd15", "huggingface.co/stable-diffusion-v1-5"),
    Row("sd 2", "family", "sd2", "huggingface.co/stabilityai/stable-diffusion-2-1"),
    Row("sd 21", "family", "sd2", "huggingface.co/stabilityai/stable-diffusion-2-1"),
    Row("sd 2 1", "family", "sd2", "huggingface.co/stabilityai/stable-diffusion-2-1"),
    Row("stable diffusion xl", "family", "sdxl", "huggingface.co/stabilityai/stable-diffusion-xl-base-1.0"),
    Row("stable diffusion 3", "family", "sd3", "huggingface.co/stabilityai/stable-diffusion-3-medium"),
    Row("stable diffusion 3 5", "family", "sd35", "huggingface.co/stabilityai/stable-diffusion-3.5-large"),
    Row("stable diffusion 35", "family", "sd35", "huggingface.co/stabilityai/stable-diffusion-3.5-large"),
    Row("stable diffusion v 1 5", "family", "sd15", "huggingface.co/stable-diffusion-v1-5"),
    Row("v 2 1 512", "family", "sd2", "huggingface.co/stabilityai/stable-diffusion-2-1"),
    Row("v 2 1 768", "family", "sd2", "huggingface.co/stabilityai/stable-diffusion-2-1"),
    Row("sd 3", "family", "sd3", _HYPER),
    Row("sd 35", "family", "sd35", "huggingface.co/stabilityai/stable-diffusion-3.5-large"),
    Row("sd 3 5", "family", "sd35", "huggingface.co/stabilityai/stable-diffusion-3.5-large"),
    Row("sd xl", "family", "sdxl", "huggingface.co/stabilityai/stable-diffusion-xl-base-1.0"),
    Row("playground v 2", "family", "playground", "huggingface.co/playgroundai/playground-v2.5-1024px-aesthetic"),
    Row("playground v 25", "family", "playground", "huggingface.co/playgroundai/playground-v2.5-1024px-aesthetic"),
    Row("playground 2", "family", "playground", "huggingface.co/playgroundai/playground-v2.5-1024px-aesthetic"),
    Row("pony v 7", "family", "aura", "huggingface.co/purplesmartai/pony-v7-base"),
    Row("flux 1", "family", "flux", _BFL),
    Row("f 1 d", "family", "flux", "civitai.com: its short form of the base model FLUX.1-dev"),
    Row("flux 2", "family", "flux2", f"{_BFL}/FLUX.2-dev"),
    Row("krea 2", "family", "krea2", _NEO),
    Row("z image", "family", "lumina", "huggingface.co/Tongyi-MAI/Z-Image-Turbo"),
    Row("segmind vega", "family", "ssd", "huggingface.co/segmind/Segmind-Vega"),
    Row("ssd 1 b", "family", "ssd", "huggingface.co/segmind/SSD-1B"),
    Row("de distilled", "variant", "de-distilled", "huggingface.co/nyanko7/flux-dev-de-distill"),
    Row("de distill", "variant", "de-distilled", "huggingface.co/nyanko7/flux-dev-de-distill"),
    Row("dev 2 pro", "variant", "de-distilled", "huggingface.co/ashen0209/Flux-Dev2Pro"),
    Row("real cfg", "variant", "de-distilled", _CIVITAI),
    Row("true cfg", "variant", "de-distilled", _CIVITAI),
    Row("x 0", "technical", "", "huggingface.co/ByteDance/SDXL-Lightning: what its 1-step UNet predicts"),
    Row("nf 4", "quantisation", "nf4", "huggingface.co/lllyasviel/flux1-dev-bnb-nf4"),
    Row("fp 4", "quantisation", "fp4", _CIVITAI),
    Row("fp 8", "quantisation", "fp8", "huggingface.co/Kijai/flux-fp8"),
    Row("fp 16", "quantisation", "fp16", _CIVITAI),
    Row("bf 16", "quantisation", "bf16", _CIVITAI),
    Row("int 4", "quantisation", "int4", "huggingface.co/nunchaku-tech"),
    Row("int 8", "quantisation", "int8", _CIVITAI),
    *(Row(f"q {bits}", "quantisation", f"q{bits}", _GGUF) for bits in range(2, 9)),
    *(Row(f"q {bits} k xl", "quantisation", f"q{bits}", "huggingface.co/unsloth") for bits in range(2, 9)),
)

ALONE = ("illu", "hd", "dpo", "edit", "exp", "fix", "img", "mini", "tiny", "lite", "large", "clean", "rapid")
"""Words that are known only where they stand alone: too many others begin or end with them."""

SHORT_FORMS: dict[str, tuple[str, ...]] = {"hyfu": ("hyper", "flux"), "hyp": ("hyper",)}
"""Written for these words where a number follows: `fluxUnchainedBySCG_hyfu8Step…` (civitai.com), `flux-hyp8-Q8_0`
(huggingface.co/mhnakif/flux-hyp8)."""

NUMBERS: dict[str, int] = {"one": 1, "two": 2, "four": 4, "eight": 8, "twelve": 12, "sixteen": 16}
"""Numbers in words, before "step"."""

PUBLISHED_STEPS: tuple[tuple[tuple[str, ...], int], ...] = (
    (("turbo", "flux", "alpha"), 8),  # huggingface.co/alimama-creative/FLUX.1-Turbo-Alpha
    (("nitro", "sd"), 1),  # huggingface.co/ChenDY/NitroFusion
)
"""Step counts of files that are published for one alone and whose names leave it out."""

AMBIGUOUS = ("flash", "nitro")
"""Words that people also use for other things: a distillation only with a family or a step count beside them."""

CAMERAS = ("camera", "direct", "onboard")
"""Words before "flash" that make it a camera's."""

RARELY_MEANT = ("lightning", "turbo", *AMBIGUOUS)
"""The same for LoRAs, of which most are styles."""

DISTILLED_BASES = (("lumina", "turbo"),)
"""Family and word of base models that are distilled themselves, as Z-Image-Turbo is: a LoRA so named is made for it."""
