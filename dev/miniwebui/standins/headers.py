"""Tensor names and shapes by which real checkpoints of each family are recognised; a choice, not all of them."""

from __future__ import annotations

Signature = dict[str, tuple[str, tuple[int, ...]]]
"""{name: (dtype as safetensors spells it, shape)}"""

_NET = "model.diffusion_model."


def _f16(shapes: dict[str, tuple[int, ...]]) -> Signature:
    return {name: ("F16", shape) for name, shape in shapes.items()}


SDXL = _f16(
    {
        _NET + "input_blocks.0.0.weight": (320, 4, 3, 3),
        _NET + "label_emb.0.0.weight": (1280, 2816),
        _NET + "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight": (640, 2048),
        _NET + "input_blocks.7.1.transformer_blocks.9.attn2.to_k.weight": (1280, 2048),
        _NET + "middle_block.1.transformer_blocks.0.attn1.to_q.weight": (1280, 1280),
        _NET + "middle_block.1.transformer_blocks.9.attn2.to_k.weight": (1280, 2048),
        _NET + "out.2.weight": (4, 320, 3, 3),
        "conditioner.embedders.0.transformer.text_model.embeddings.position_embedding.weight": (77, 768),
        "conditioner.embedders.1.model.ln_final.weight": (1280,),
        "conditioner.embedders.1.model.text_projection": (1280, 1280),
        "first_stage_model.encoder.conv_in.weight": (128, 3, 3, 3),
    }
)

MUGEN = {**SDXL, **_f16({_NET + "out.2.weight": (32, 320, 3, 3)})}

SD21 = _f16(
    {
        _NET + "input_blocks.0.0.weight": (320, 4, 3, 3),
        _NET + "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (320, 1024),
        _NET + "middle_block.1.transformer_blocks.0.attn2.to_k.weight": (1280, 1024),
        _NET + "out.2.weight": (4, 320, 3, 3),
        "cond_stage_model.model.ln_final.weight": (1024,),
        "cond_stage_model.model.positional_embedding": (77, 1024),
        "cond_stage_model.model.transformer.resblocks.0.attn.in_proj_weight": (3072, 1024),
        "first_stage_model.encoder.conv_in.weight": (128, 3, 3, 3),
    }
)

SD3 = _f16(
    {
        _NET + "x_embedder.proj.weight": (1536, 16, 2, 2),
        _NET + "context_embedder.weight": (1536, 4096),
        _NET + "y_embedder.mlp.0.weight": (1536, 2048),
        _NET + "joint_blocks.0.context_block.attn.qkv.weight": (4608, 1536),
        _NET + "joint_blocks.0.x_block.attn.qkv.weight": (4608, 1536),
        _NET + "joint_blocks.23.x_block.attn.qkv.bias": (4608,),
        _NET + "final_layer.linear.weight": (64, 1536),
        "text_encoders.clip_l.transformer.text_model.embeddings.position_embedding.weight": (77, 768),
        "first_stage_model.encoder.conv_in.weight": (128, 3, 3, 3),
    }
)

FLUX_SCHNELL = _f16(
    {
        _NET + "img_in.weight": (3072, 64),
        _NET + "txt_in.bias": (3072,),
        _NET + "time_in.in_layer.weight": (3072, 256),
        _NET + "vector_in.in_layer.weight": (3072, 768),
        _NET + "double_blocks.0.img_attn.norm.key_norm.scale": (128,),
        _NET + "double_blocks.0.img_attn.qkv.bias": (9216,),
        _NET + "double_blocks.18.txt_attn.qkv.bias": (9216,),
        _NET + "single_blocks.0.norm.key_norm.scale": (128,),
        _NET + "single_blocks.37.linear1.bias": (21504,),
        _NET + "final_layer.linear.weight": (64, 3072),
    }
)

FLUX_DEV = {
    **FLUX_SCHNELL,
    **_f16({_NET + "guidance_in.in_layer.weight": (3072, 256), _NET + "guidance_in.out_layer.bias": (3072,)}),
}

_PACKED = _NET + "double_blocks.0.img_attn.proj.weight"

FLUX_DEV_NF4: Signature = {
    **FLUX_DEV,
    _PACKED: ("U8", (4718592, 1)),
    f"{_PACKED}.absmax": ("F32", (147456,)),
    f"{_PACKED}.quant_map": ("F32", (16,)),
    f"{_PACKED}.quant_state.bitsandbytes__nf4": ("U8", (80,)),
}

CHECKPOINTS: dict[str, tuple[str, Signature]] = {
    "miniature-sdxl": ("sdxl", SDXL),
    "miniature-sdxl-lightning": ("sdxl", SDXL),
    "miniature-sdxl-1step-unet": ("sdxl", SDXL),
    "miniature-sdxl-rectified": ("sdxl-flow", SDXL),
    "miniature-mugen": ("mugen", MUGEN),
    "miniature-sd3": ("sd3", SD3),
    "miniature-sd21": ("sd21", SD21),
    "miniature-flux-dev": ("flux-dev", FLUX_DEV),
    "miniature-flux-dev-nf4": ("flux-dev", FLUX_DEV_NF4),
    "miniature-flux-schnell": ("flux-schnell", FLUX_SCHNELL),
}
"""{file stem: (family, signature)}"""
