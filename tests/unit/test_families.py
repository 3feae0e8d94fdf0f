"""What a checkpoint or LoRA is: by class and flags, by header, by name."""

from __future__ import annotations

import pytest

from lib_hypersd.models.families import (
    architecture_of_checkpoint,
    architecture_of_lora,
    architecture_of_model,
    architecture_of_name,
    describe,
)
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
        ("Chroma", {"use_distilled_cfg_scale": True}, "other"),
        ("Flux2", {"use_distilled_cfg_scale": True}, "other"),
        ("Mugen", {"is_sdxl": True, "use_shift": True}, "other"),
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
        ({"double_blocks.0.img_attn.qkv.weight": (1, 1), "distilled_guidance_layer.in_proj.weight": (1, 1)}, "other"),
        ({"something.else": (1,)}, "other"),
        ({}, "other"),
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
        ({"lora_te_text_model.alpha": ()}, "other"),
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
    assert architecture_of_name("model.ckpt") == "other"


def test_the_one_step_unet_is_a_checkpoint_of_its_own() -> None:
    assert describe("Hyper-SDXL-1step-Unet-Comfyui.fp16", "sdxl").one_step_unet
    assert describe("Hyper-SDXL-1step-Unet-Comfyui.fp16", "sdxl").distilled is None
    assert not describe("Hyper-SDXL-1step-Unet", "sd15").one_step_unet


def test_nf4_is_told_by_name() -> None:
    assert describe("flux1-dev-bnb-nf4-v2", "flux-dev").nf4
    assert not describe("flux1-dev", "flux-dev").nf4
