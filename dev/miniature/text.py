"""The text model: a table of words and one transformer block, under the names of SD 1.5's CLIP."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor

from dev.miniature.tokenizer import LENGTH, WORDS, tokenize

CONTEXT = 768
"""Width of the context, SD 1.5's."""


class SelfAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            proj(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for proj in (self.q_proj, self.k_proj, self.v_proj)
        )
        return self.out_proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class Layer(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.layer_norm1, self.self_attn = nn.LayerNorm(width), SelfAttention(width, heads)
        self.layer_norm2, self.mlp = nn.LayerNorm(width), Mlp(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class TextModel(nn.Module):
    """Ids [n, L] -> context [n, L, 768].

    Padding is attended to like any word: the UNet has learned with it, so ids are never longer or shorter.
    """

    def __init__(self, width: int = 64, heads: int = 2) -> None:
        super().__init__()
        self.embeddings = nn.ModuleDict(
            {
                "token_embedding": nn.Embedding(len(WORDS), width),
                "position_embedding": nn.Embedding(LENGTH, width),
            }
        )
        nn.init.normal_(self.embeddings["position_embedding"].weight, std=0.1)
        self.encoder = nn.ModuleDict({"layers": nn.ModuleList([Layer(width, heads)])})
        self.final_layer_norm = nn.LayerNorm(width)
        self.projection = nn.Linear(width, CONTEXT)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.embeddings["token_embedding"](ids) + self.embeddings["position_embedding"].weight
        for layer in self.encoder["layers"]:
            x = layer(x)
        return self.projection(self.final_layer_norm(x))

    def encode(self, prompts: Sequence[str]) -> Tensor:
        """Prompts -> context [n, L, 768]; unknown words are skipped, long prompts cut, "" is the uncond."""
        return self(torch.tensor(tokenize(prompts), dtype=torch.long).view(-1, LENGTH))
