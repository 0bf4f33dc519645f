"""Columns as tokens, and attention between them. Imports torch: only a model's `build` imports it."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from mlforge.artifact import Block
from mlforge.builtin.models.tabular import CategoryTable

__all__ = ["Transformer"]


class _NumberTokens(nn.Module):
    """[rows, columns] of numbers → [rows, columns, width]: each column's number times its vector, plus another."""

    def __init__(self, columns: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(_spread(columns, width))
        self.bias = nn.Parameter(_spread(columns, width))

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        return numbers.unsqueeze(2) * self.weight + self.bias


class _CategoryTokens(nn.Module):
    """[rows, columns] of ids → [rows, columns, width]: each category's vector, plus its column's."""

    def __init__(self, cardinalities: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.table = CategoryTable(cardinalities, width, width**-0.5)
        self.bias = nn.Parameter(_spread(len(cardinalities), width))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        vectors: torch.Tensor = self.table(ids) + self.bias
        return vectors


class _Attention(nn.Module):
    """Every token asks every token."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, asking: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        query, key, value = self._split(self.query(asking)), self._split(self.key(tokens)), self._split(self.value(tokens))
        said = functional.scaled_dot_product_attention(query, key, value, dropout_p=self.dropout if self.training else 0.0)
        answer: torch.Tensor = self.out(said.transpose(1, 2).flatten(2))
        return answer

    def _split(self, tokens: torch.Tensor) -> torch.Tensor:
        rows, count, width = tokens.shape
        return tokens.reshape(rows, count, self.heads, width // self.heads).transpose(1, 2)


class _Layer(nn.Module):
    """Attention, then two linear layers with a gate; each normalised before and added to what came in."""

    def __init__(self, width: int, heads: int, inner: int, attention_dropout: float, hidden_dropout: float, *, first: bool) -> None:
        super().__init__()
        self.before: nn.Module = nn.Identity() if first else nn.LayerNorm(width)  # tokens come in at one scale: a norm there makes training worse
        self.between = nn.LayerNorm(width)
        self.attention = _Attention(width, heads, attention_dropout)
        self.up, self.down = nn.Linear(width, 2 * inner), nn.Linear(inner, width)
        self.dropout = nn.Dropout(hidden_dropout)

    def forward(self, tokens: torch.Tensor, asking: int) -> torch.Tensor:
        """`asking`: how many tokens, from the first, go on from here."""
        normal = self.before(tokens)
        tokens = tokens[:, :asking] + self.attention(normal[:, :asking], normal)
        value, gate = self.up(self.between(tokens)).chunk(2, dim=2)
        added: torch.Tensor = self.down(self.dropout(value * functional.relu(gate)))
        return tokens + added


class Transformer(nn.Module):
    """A token per column and one more that gathers what the head reads."""

    def __init__(
        self, blocks: tuple[Block, ...], out: int, width: int, layers: int, heads: int, inner: int, attention_dropout: float, hidden_dropout: float
    ) -> None:
        super().__init__()
        self.gatherer = nn.Parameter(_spread(1, width))
        tokens = [_CategoryTokens(b.cardinalities, width) if b.cardinalities else _NumberTokens(b.width, width) for b in blocks]
        self.tokens = nn.ModuleList(tokens)
        self.layers = nn.ModuleList(_Layer(width, heads, inner, attention_dropout, hidden_dropout, first=i == 0) for i in range(layers))
        self.count = 1 + sum(block.width for block in blocks)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, out))

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Raw scores, [rows, out]."""
        gatherer = self.gatherer.expand(tensors[0].shape[0], 1, -1)
        tokens: torch.Tensor = torch.cat([gatherer, *(read(tensor) for read, tensor in zip(self.tokens, tensors, strict=True))], dim=1)
        for i, layer in enumerate(self.layers):
            tokens = layer(tokens, 1 if i == len(self.layers) - 1 else self.count)  # of the last layer only the gatherer is read
        scores: torch.Tensor = self.head(tokens[:, 0])
        return scores


def _spread(rows: int, width: int) -> torch.Tensor:
    return (torch.rand(rows, width) * 2 - 1) / math.sqrt(width)
