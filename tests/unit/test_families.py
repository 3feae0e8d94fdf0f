"""What a checkpoint or LoRA is: by class and flags, by header, by name."""

from __future__ import annotations

import pytest

from lib_hypersd.models.checkpoint import describe, identify, is_flow_variant, listed_stems
from lib_hypersd.models.evidence import architecture_of_checkpoint, architecture_of_header, architecture_of_lora
from lib_hypersd.models.families import Architecture, architecture_of_model, architecture_of_name
from lib_hypersd.models.file_header import Header
from lib_hypersd.models.names import read_name

LDM = "model.diffusion_model."


@pytest.mark.parametrize(
    ("class_name", "flags", "architecture"),
    [
        ("LatentDiffusion", {"is_sd1": True}, "sd15"),
        ("LatentDiffusion", {"is_sd2": True}, "sd2"),
        ("DiffusionEngine", {"is_sdxl": True}, "sdxl"),
        ("DiffusionEngine", {"is_sdxl": True, "is_ssd": True}, "ssd"),
        ("SD3Inferencer", {"is_sd3": True}, "sd3"),
        ("StableDiffusion", {"is_sd1": True}, "sd15"),
        ("StableDiffusionXL", {"is_sdxl": True}, "sdxl"),
        ("StableDiffusionXLRefiner", {"is_sdxl": True}, "sdxl-refiner"),
        ("StableDiffusion3", {"is_sd3": True}, "sd3"),
        ("Flux", {"use_distilled_cfg_scale": True}, "flux-dev"),
        ("Flux", {}, "flux-schnell"),
        ("Chroma", {"use_distilled_cfg_scale": True}, "chroma"),
        ("Flux2", {"use_distilled_cfg_scale": True}, "flux2"),
        ("Mugen", {"is_sdxl": True, "use_shift": True}, "mugen"),
        ("FakeInitialModel", {}, "other"),
    ],
)
def test_family_from_the_loaded_model(class_name: str, flags: dict[str, bool], architecture: str) -> None:
    assert architecture_of_model(class_name, flags) == architecture


def _to_k(width: int, prefix: str = f"{LDM}input_blocks.4.1.") -> dict[str, tuple[int, ...]]:
    return {f"{prefix}transformer_blocks.0.attn2.to_k.weight": (320, width)}


@pytest.mark.parametrize(
    ("shapes", "architecture"),
    [
        (_to_k(768), "sd15"),
        (_to_k(1024), "sd2"),
        (_to_k(2048), "sdxl"),
        (_to_k(1280), "sdxl-refiner"),
        (_to_k(2048, "down_blocks.1.attentions.0."), "sdxl"),
        ({f"{LDM}joint_blocks.0.x_block.attn.qkv.weight": (1, 1)}, "sd3"),
        ({f"{LDM}joint_blocks.0.x_block.attn.ln_q.weight": (1,)}, "sd35"),
        ({"transformer_blocks.0.attn.add_k_proj.weight": (1, 1)}, "sd3"),
        (
            {f"{LDM}double_blocks.0.img_attn.qkv.weight": (1, 1), f"{LDM}guidance_in.in_layer.weight": (1, 1)},
            "flux-dev",
        ),
        ({"double_blocks.0.img_attn.qkv.weight": (1, 1)}, "flux-schnell"),
        (
            {"single_transformer_blocks.0.x": (1,), "time_text_embed.guidance_embedder.linear_1.weight": (1,)},
            "flux-dev",
        ),
        ({"double_blocks.0.img_attn.qkv.weight": (1, 1), "distilled_guidance_layer.in_proj.weight": (1, 1)}, "chroma"),
        (_to_k(2048) | {f"{LDM}out.2.weight": (32, 320, 3, 3)}, "mugen"),
        (_to_k(2048) | {f"{LDM}out.2.weight": (4, 320, 3, 3)}, "sdxl"),
        (_to_k(2048) | {"edm_mean": (1, 4, 1, 1), "edm_std": (1, 4, 1, 1)}, "playground"),
        (_to_k(2048) | {f"{LDM}middle_block.0.in_layers.0.weight": (1280,)}, "ssd"),
        (
            _to_k(2048)
            | {
                f"{LDM}middle_block.0.in_layers.0.weight": (1280,),
                f"{LDM}middle_block.1.transformer_blocks.0.attn1.to_q.weight": (1280, 1280),
            },
            "sdxl",
        ),
        ({"transformer_blocks.0.attn.add_k_proj.weight": (1, 1), "txt_norm.weight": (3584,)}, "qwen"),
        (
            {"transformer_blocks.0.attn.add_k_proj.weight": (1, 1), "transformer_blocks.0.img_mod.1.weight": (1,)},
            "qwen",
        ),
        ({"double_blocks.0.img_attn.qkv.weight": (1, 1), "double_stream_modulation_img.lin.weight": (1, 1)}, "flux2"),
        ({"double_blocks.0.img_attn.qkv.weight": (1, 1), "img_in.weight": (6144, 128)}, "flux2"),
        ({"double_blocks.0.img_attn.qkv.weight": (1, 1), "img_in.weight": (3072, 64)}, "flux-schnell"),
        ({"double_blocks.0.img_attn.qkv.weight": (1, 1), "img_in.weight": (96, 64), "guidance_in.x": (1,)}, "flux-dev"),
        ({"double_blocks.0.img_attn_qkv.weight": (1,), "txt_in.individual_token_refiner.blocks.0.x": (1,)}, "hunyuan"),
        ({"cap_embedder.1.weight": (3840, 2560)}, "lumina"),
        ({"something.else": (1,)}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_family_from_a_checkpoints_header(shapes: dict[str, tuple[int, ...]], architecture: str) -> None:
    assert architecture_of_checkpoint(shapes) == architecture


@pytest.mark.parametrize(
    ("shapes", "architecture"),
    [
        ({"lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.lora_down.weight": (64, 768)}, "sd15"),
        ({"lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight": (64, 2048)}, "sdxl"),
        ({"unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight": (64, 2048)}, "sdxl"),
        (
            {"unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora.down.weight": (4, 768)},
            "sd15",
        ),
        (
            {"base_model.model.unet.up_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight": (64, 768)},
            "sd15",
        ),
        ({"lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight": (64, 3072)}, "flux-dev"),
        ({"transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight": (64, 3072)}, "flux-dev"),
        ({"transformer.transformer_blocks.0.attn.to_q.lora_A.weight": (64, 1536)}, "sd3"),
        ({"lora_unet_joint_blocks_0_x_block_attn_qkv.lora_down.weight": (64, 1536)}, "sd3"),
        ({"lora_te_text_model.alpha": ()}, "unknown"),
        ({"lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight": (64, 6144)}, "flux2"),
        ({"transformer.single_transformer_blocks.0.attn.to_qkv_mlp_proj.lora_A.weight": (64, 3072)}, "flux2"),
        ({"diffusion_model.distilled_guidance_layer.layers.0.in_layer.lora_A.weight": (4, 5120)}, "chroma"),
        (
            {
                "transformer_blocks.0.attn.to_q.lora_A.weight": (64, 3072),
                "transformer_blocks.0.img_mlp.net.2.lora_A.weight": (64, 12288),
            },
            "qwen",
        ),
    ],
)
def test_family_from_a_loras_header_in_kohya_diffusers_and_peft_form(
    shapes: dict[str, tuple[int, ...]], architecture: str
) -> None:
    assert architecture_of_lora(shapes) == architecture


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("DreamShaperXL_Turbo_v2", "turbo"),
        ("realvisxlV40_v40LightningBakedvae", "lightning"),
        ("sdxl_lightning_4step", "lightning"),
        ("model-LCM", "lcm"),
        ("model_dmd2", "dmd2"),
        ("flux1-schnell-fp8", "schnell"),
        ("model-hyper-sd", "hyper"),
        ("model_hypersd", "hyper"),
        ("model-hyper8s", "hyper"),
        ("jib_v15HyperCFG", "hyper"),
        ("sdxlturbo", "turbo"),
        ("dreamshaperXL_turbov2", "turbo"),
        ("turbovisionxlSuperFast", "turbo"),
        ("fluxschnell", "schnell"),
        ("RealVisXLHyper", "hyper"),
        ("realisticHyper_v1", "hyper"),
        ("XLHyperRealism", None),
        ("HyperRealism_v3", None),
        ("hyperreal", None),
        ("HyperRealistic-XL", None),
        ("turbulence", None),
        ("v1-5-pruned-emaonly", None),
    ],
)
def test_distilled_already_by_name(name: str, word: str | None) -> None:
    assert read_name(name).distilled == word


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("sdxl_lightning_4step", 4),
        ("model-8s", 8),
        ("hyper8s", 8),
        ("RealVisXL_Lightning4Step", 4),
        ("Hyper-SD15-8steps-lora", 8),
        ("v1.5", None),
        ("x-40steps", None),
    ],
)
def test_steps_in_a_name(name: str, steps: int | None) -> None:
    assert read_name(name).steps == steps


def test_gguf_flux_is_known_by_its_name() -> None:
    assert architecture_of_name("flux1-dev-Q4_0.gguf") == "flux-dev"
    assert architecture_of_name("flux1-schnell-Q4_0.gguf") == "flux-schnell"
    assert architecture_of_name("model.ckpt") == "unknown"


def test_the_one_step_unet_is_a_checkpoint_of_its_own() -> None:
    assert describe("Hyper-SDXL-1step-Unet-Comfyui.fp16", "sdxl").one_step_unet
    assert describe("Hyper-SDXL-1step-Unet-Comfyui.fp16", "sdxl").distilled is None
    assert not describe("Hyper-SDXL-1step-Unet", "sd15").one_step_unet


def test_nf4_is_told_by_name() -> None:
    assert describe("flux1-dev-bnb-nf4-v2", "flux-dev").nf4
    assert not describe("flux1-dev", "flux-dev").nf4


_SDXL, _FLUX = Header(_to_k(2048)), Header({"double_blocks.0.x": (1,), "guidance_in.in_layer.weight": (1,)})
_CHROMA = Header({"double_blocks.0.x": (1,), "distilled_guidance_layer.x": (1,)})
_SAYS_NOTHING = Header({"a": (1,)}, {"general.architecture": "qwen_image"})


@pytest.mark.parametrize(
    ("name", "header", "loaded", "architecture"),
    [
        ("flux1-dev", _SDXL, None, "sdxl"),
        ("my_sdxl", _FLUX, None, "flux-dev"),
        ("flux-my-chroma", _FLUX, None, "flux-dev"),
        ("any", _CHROMA, "flux-dev", "chroma"),
        ("any", _CHROMA, "other", "chroma"),
        ("any", _SAYS_NOTHING, None, "qwen"),
        ("any", _SAYS_NOTHING, "sdxl", "sdxl"),
        ("any", Header(_to_k(2048) | {"edm_mean": (1,)}), "sdxl", "playground"),
        ("playground-v2-1024px-aesthetic", _SDXL, None, "playground"),
        ("playground-v2-1024px-aesthetic", _SDXL, "sdxl", "playground"),
        ("SSD-1B", _SDXL, None, "sdxl"),
        ("SSD-1B", None, "sdxl", "ssd"),
        ("flux1-dev-Q4_0", None, None, "flux-dev"),
        ("flux-2-klein-4b-Q6_K", None, None, "flux2"),
        ("sd_xl_base_1.0", None, None, "unknown"),
        ("model", None, "sd15", "sd15"),
        ("model", None, "other", "other"),
        ("any", Header(_to_k(768)), "sdxl", "sdxl"),
    ],
)
def test_the_loaded_model_comes_before_the_header_and_the_header_before_the_name(
    name: str, header: Header | None, loaded: Architecture | None, architecture: str
) -> None:
    assert identify(name, header, loaded) == architecture


def test_the_person_can_say_that_a_checkpoint_is_not_distilled() -> None:
    assert describe("my_turbo", "sdxl").distilled == "turbo"
    assert describe("my_turbo", "sdxl", never_distilled=True).distilled is None


@pytest.mark.parametrize(
    ("name", "own", "foreign"),
    [
        ("Hyper-SDXL-1step-Unet", True, None),
        ("sdxl_lightning_1step_unet_x0", False, "lightning"),
        ("dmd2_sdxl_1step_unet_fp16", False, "dmd2"),
        ("x-1step-unet", True, None),
        ("x-1step-x0", False, "lightning"),
        ("sdxl_lightning_4step_unet", False, None),
    ],
)
def test_a_one_step_unet_is_hyper_sds_unless_it_says_another_maker(name: str, own: bool, foreign: str | None) -> None:
    checkpoint = describe(name, "sdxl")
    assert (checkpoint.one_step_unet, checkpoint.foreign_unet) == (own, foreign)


def test_gguf_and_safetensors_headers_say_the_same() -> None:
    assert architecture_of_header(_FLUX) == "flux-dev"
    assert architecture_of_header(Header(_FLUX.shapes, {"general.architecture": "sdxl"})) == "flux-dev"


def test_files_are_listed_by_their_stems() -> None:
    assert listed_stems("My_Turbo, style/Hyper.v2.safetensors\n folder\\x.GGUF ,,") == {"my_turbo", "hyper.v2", "x"}
    assert listed_stems("") == frozenset()


def test_sdxl_flow_variants_are_known_before_they_are_loaded() -> None:
    assert is_flow_variant("sdxl", "/models/Rectified/any.safetensors")
    assert not is_flow_variant("sdxl", "/models/any.safetensors")
    assert not is_flow_variant("sd15", "/models/rectified.safetensors")
