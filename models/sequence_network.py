"""The network of the sequence model: what was taken so far, in; what comes next, out."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a network; `length` is the most items it reads at once."""

    items: int
    width: int
    blocks: int
    heads: int
    length: int


class NextItemNetwork(nn.Module):
    """A causal transformer over item embeddings, which are also the weights of its answer.

    Each item has an embedding and a bias: the score of item j after a history is h . e_j + b_j.
    Shapes: B histories, T items each (padded on the right, where no position can see it), D width.
    """

    def __init__(self, shape: Shape, dropout: float = 0.0) -> None:
        super().__init__()
        self.items = nn.Embedding(shape.items, shape.width)
        self.item_bias = nn.Parameter(torch.zeros(shape.items))
        self.places = nn.Parameter(torch.zeros(shape.length, shape.width))
        self.blocks = nn.ModuleList(
            GatedBlock(shape.width, shape.heads, dropout) for _ in range(shape.blocks)
        )
        self.norm = nn.LayerNorm(shape.width)
        self.dropout = nn.Dropout(dropout)
        self.scale = shape.width**0.5
        nn.init.normal_(self.items.weight, std=1 / self.scale)
        nn.init.normal_(self.places, std=0.1)

    def forward(self, ids: Tensor) -> Tensor:
        """Return what follows each place, (B, T) -> (B, T, D)."""
        h = self.items(ids) * self.scale + self.places[: ids.shape[1]]  # (B, T, D)
        h = self.dropout(h)
        for block in self.blocks:
            h = block(h)
        return self.norm(h)  # type: ignore[no-any-return]


class GatedBlock(nn.Module):
    """Pre-norm attention and SwiGLU, each let through by a gate of its own input.

    The gated residuals are those of LiGR (Borisyuk et al. 2025, arXiv:2502.03417).
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm_a, self.norm_f = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkvg = nn.Linear(width, 4 * width)
        self.out = nn.Linear(width, width)
        inner = 2 * width
        self.up = nn.Linear(width, 2 * inner + width)
        self.down = nn.Linear(inner, width)
        self.sizes = [inner, inner, width]
        self.dropout = nn.Dropout(dropout)

    def forward(self, h: Tensor) -> Tensor:
        """Return the next layer, (B, T, D) -> (B, T, D)."""
        h = h + self._attention(self.norm_a(h))
        value, act, gate = self.up(self.norm_f(h)).split(self.sizes, dim=-1)  # (B, T, 2D, 2D, D)
        inner = self.down(F.silu(act) * value)  # (B, T, D)
        return h + torch.sigmoid(gate) * self.dropout(inner)  # type: ignore[no-any-return]

    def _attention(self, x: Tensor) -> Tensor:
        B, T, D = x.shape
        q, k, v, gate = self.qkvg(x).split(D, dim=-1)  # each (B, T, D)
        q, k, v = (
            part.view(B, T, self.heads, D // self.heads).transpose(1, 2) for part in (q, k, v)
        )  # (B, heads, T, D / heads)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        seen = seen.transpose(1, 2).reshape(B, T, D)
        return torch.sigmoid(gate) * self.dropout(self.out(seen))  # type: ignore[no-any-return]
