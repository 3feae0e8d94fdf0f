"""Nets for families without a trained miniature: real layers of the family beside a random miniature UNet.

Names, fused layers and input widths are the family's, so that its LoRAs find their weights and are recognised by
shape; outputs are only 16 wide, and there are few blocks.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from modules.models.sd3.mmdit import QkvLinear

HIDDEN = 16
"""Rows of a query, key or value; of the fused layers of the families, 3 or 7 times that."""
GRID, PATCH = 16, 4
"""Latents are averaged to 16 x 16, and cut into 16 tokens of 4 x 4 places."""
WORDS = 8
"""Tokens of the context, averaged."""
LATENT = 4 * PATCH * PATCH


def widened(x: Tensor, width: int) -> Tensor:
    """[…, c] repeated to […, width], normalised."""
    repeated = x.repeat(*[1] * (x.dim() - 1), -(-width // x.shape[-1]))[..., :width]
    return F.layer_norm(repeated, (width,))


def image_tokens(x: Tensor) -> Tensor:
    """Latents [n, 4, h, w] -> [n, 16, 64]"""
    return F.unfold(F.adaptive_avg_pool2d(x, GRID), PATCH, stride=PATCH).transpose(1, 2)


def to_latents(tokens: Tensor, like: Tensor) -> Tensor:
    """[n, 16, 64] -> latents of the shape of `like`"""
    x = F.fold(tokens.transpose(1, 2), GRID, PATCH, stride=PATCH)
    return F.interpolate(x, size=like.shape[2:], mode="bilinear")


def word_tokens(context: Tensor) -> Tensor:
    """[n, L, 768] -> [n, 8, 768]"""
    return F.adaptive_avg_pool1d(context.transpose(1, 2), WORDS).transpose(1, 2)


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(q, k, v)


class FamilyNet(nn.Module):
    """A miniature UNet plus `gain` times the family's layers. Takes and gives what a miniature UNet does."""

    gain = 1.0
    """So large that a LoRA of a family's usual size shows in the picture."""

    def __init__(self, miniature: nn.Module):
        super().__init__()
        self.miniature = miniature

    def branch(self, image: Tensor, words: Tensor) -> Tensor:
        """[n, 16, 64] and [n, 8, 768] -> [n, 16, 64]"""
        raise NotImplementedError

    def forward(self, x: Tensor, t: Tensor, context: Tensor) -> Tensor:
        own = self.branch(image_tokens(x), word_tokens(context))
        return self.miniature(x, t, context) + self.gain * to_latents(own, x)


class Attention(nn.Module):
    """SD's attention: queries of `width`, keys and values of `context`."""

    def __init__(self, width: int, context: int):
        super().__init__()
        self.width, self.context = width, context
        self.to_q = nn.Linear(width, HIDDEN, bias=False)
        self.to_k, self.to_v = (nn.Linear(context, HIDDEN, bias=False) for _ in range(2))
        self.to_out = nn.Sequential(nn.Linear(width, HIDDEN), nn.Identity())

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        x, context = widened(x, self.width), widened(context, self.context)
        return self.to_out(widened(attention(self.to_q(x), self.to_k(context), self.to_v(context)), self.width))


class TransformerBlock(nn.Module):
    def __init__(self, width: int, context: int):
        super().__init__()
        self.attn1, self.attn2 = Attention(width, width), Attention(width, context)

    def forward(self, x: Tensor, words: Tensor) -> Tensor:
        x = x + self.attn1(x, x)
        return x + self.attn2(x, words)


class SpatialTransformer(nn.Module):
    def __init__(self, width: int, context: int, depth: int):
        super().__init__()
        self.width = width
        self.transformer_blocks = nn.ModuleList(TransformerBlock(width, context) for _ in range(depth))
        self.proj_in, self.proj_out = nn.Linear(width, HIDDEN), nn.Linear(width, LATENT)

    def forward(self, image: Tensor, words: Tensor) -> Tensor:
        x = self.proj_in(widened(image, self.width))
        for block in self.transformer_blocks:
            x = block(x, words)
        return self.proj_out(widened(x, self.width))


class UnetFamily(FamilyNet):
    """SD 2, SDXL: the transformer of the middle block."""

    def __init__(self, miniature: nn.Module, context: int, depth: int):
        super().__init__(miniature)
        self.middle_block = nn.ModuleList([nn.Identity(), SpatialTransformer(1280, context, depth)])

    def branch(self, image: Tensor, words: Tensor) -> Tensor:
        return self.middle_block[1](image, words)


class FusedAttention(nn.Module):
    def __init__(self, width: int, fused: type[nn.Linear]):
        super().__init__()
        self.qkv, self.proj = fused(width, 3 * HIDDEN), nn.Linear(width, HIDDEN)


class Mlp(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * HIDDEN), nn.Linear(4 * width, HIDDEN)


class Sd3Stream(nn.Module):
    """One of the two streams of a joint block: modulation, attention, MLP."""

    def __init__(self, width: int):
        super().__init__()
        self.width = width
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * HIDDEN))
        self.attn, self.mlp = FusedAttention(width, QkvLinear), Mlp(width)

    def modulations(self, x: Tensor) -> tuple[Tensor, ...]:
        """Shift, scale, gate for attention and MLP, each [n, 1, 16]"""
        return self.adaLN_modulation(widened(x.mean(1, keepdim=True), self.width)).chunk(6, -1)

    def queries_keys_values(self, x: Tensor, shift: Tensor, scale: Tensor) -> tuple[Tensor, ...]:
        return self.attn.qkv(widened(x * (1 + scale) + shift, self.width)).chunk(3, -1)

    def after(self, x: Tensor, attended: Tensor, mods: tuple[Tensor, ...]) -> Tensor:
        _, _, gate, shift, scale, mlp_gate = mods
        x = x + (1 + gate) * self.attn.proj(widened(attended, self.width))
        y = F.gelu(self.mlp.fc1(widened(x * (1 + scale) + shift, self.width)))
        return x + (1 + mlp_gate) * self.mlp.fc2(widened(y, 4 * self.width))


class Sd3Block(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.x_block, self.context_block = Sd3Stream(width), Sd3Stream(width)

    def forward(self, image: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        streams, inputs = (self.x_block, self.context_block), (image, words)
        mods = [stream.modulations(x) for stream, x in zip(streams, inputs, strict=True)]
        parts = [s.queries_keys_values(x, m[0], m[1]) for s, x, m in zip(streams, inputs, mods, strict=True)]
        joint = attention(*(torch.cat(both, 1) for both in zip(*parts, strict=True)))
        attended = joint.split([image.shape[1], words.shape[1]], 1)
        image, words = (s.after(x, a, m) for s, x, a, m in zip(streams, inputs, attended, mods, strict=True))
        return image, words


class FinalLayer(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.width = width
        self.linear = nn.Linear(width, LATENT)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(widened(x, self.width))


class Sd3Family(FamilyNet):
    gain = 6.0

    def __init__(self, miniature: nn.Module, width: int, depth: int):
        super().__init__(miniature)
        self.width = width
        self.joint_blocks = nn.ModuleList(Sd3Block(width) for _ in range(depth))
        self.final_layer = FinalLayer(width)

    def branch(self, image: Tensor, words: Tensor) -> Tensor:
        image, words = F.layer_norm(image, image.shape[-1:])[..., :HIDDEN], words[..., :HIDDEN]
        for block in self.joint_blocks:
            image, words = block(image, words)
        return self.final_layer(image)


class FluxDoubleBlock(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.width = width
        self.img_attn, self.txt_attn = FusedAttention(width, nn.Linear), FusedAttention(width, nn.Linear)

    def forward(self, image: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
        parts = [
            a.qkv(widened(x, self.width)).chunk(3, -1) for a, x in ((self.txt_attn, words), (self.img_attn, image))
        ]
        joint = attention(*(torch.cat(both, 1) for both in zip(*parts, strict=True)))
        of_words, of_image = joint.split([words.shape[1], image.shape[1]], 1)
        image = image + self.img_attn.proj(widened(of_image, self.width))
        return image, words + self.txt_attn.proj(widened(of_words, self.width))


class FluxSingleBlock(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.width = width
        self.linear1, self.linear2 = nn.Linear(width, 7 * HIDDEN), nn.Linear(5 * width, HIDDEN)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v, mlp = self.linear1(widened(x, self.width)).split([HIDDEN, HIDDEN, HIDDEN, 4 * HIDDEN], -1)
        return x + self.linear2(widened(torch.cat([attention(q, k, v), F.gelu(mlp)], -1), 5 * self.width))


class FluxFamily(FamilyNet):
    gain = 6.0

    def __init__(self, miniature: nn.Module, width: int, depth: int):
        super().__init__(miniature)
        self.double_blocks = nn.ModuleList(FluxDoubleBlock(width) for _ in range(depth))
        self.single_blocks = nn.ModuleList(FluxSingleBlock(width) for _ in range(depth))
        self.final_layer = FinalLayer(width)

    def branch(self, image: Tensor, words: Tensor) -> Tensor:
        image, words = F.layer_norm(image, image.shape[-1:])[..., :HIDDEN], words[..., :HIDDEN]
        for block in self.double_blocks:
            image, words = block(image, words)
        x = torch.cat([words, image], 1)
        for block in self.single_blocks:
            x = block(x)
        return self.final_layer(x[:, words.shape[1] :])
