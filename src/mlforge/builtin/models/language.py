"""The network of the small language model. Imports torch: only a model's `build` imports it."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from mlforge.task import BYTES

__all__ = ["ByteTransformer", "Layer"]

_BASE = 10_000.0  # of the longest wave of the positions, as in RoFormer


class ByteTransformer(nn.Module):
    """A causal transformer over bytes, normalised before each part (as GPT-2), with rotary positions (Su et al., 2021).

    It reads uint8 [rows, context], 0 behind a text's end, and returns [rows, 258]: logits of the byte after the text, the bits that the text takes, and its
    number of bytes. Training needs the bits alone, so it leaves the last position out there: `context` positions instead of one more.
    """

    def __init__(self, context: int, layers: int, heads: int, width: int, dropout: float, *, tied: bool) -> None:
        super().__init__()
        self.context, self.heads = context, heads
        self.table = nn.Embedding(BYTES, width)
        self.layers = nn.ModuleList(Layer(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width, bias=False)
        self.head = nn.Linear(width, BYTES, bias=False)
        self.dropout = nn.Dropout(dropout)
        self._start(layers)
        if tied:
            self.head.weight = self.table.weight
        cos, sin = _waves(context + 1, width // heads)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    cos: torch.Tensor
    sin: torch.Tensor

    @property
    def flops_per_row(self) -> float:
        """Floating point operations of one training step for a row of `context` bytes, forward and backward.

        6 N + 12 L H Q T for each of its T bytes, as in PaLM (Chowdhery et al., 2022, appendix B): N weights of matrices (the lookup of a byte's vector costs
        nothing; where table and head are one, they count once), L layers of H heads of size Q. Attention counts in full, though only half of it is needed
        where no byte sees those behind it.
        """
        matrices = sum(weight.numel() for layer in self.layers for weight in layer.parameters() if weight.ndim == 2) + self.head.weight.numel()
        return float(self.context * (6 * matrices + 12 * len(self.layers) * self.head.in_features * self.context))

    def forward(self, texts: torch.Tensor) -> torch.Tensor:
        """Raw scores, [rows, 258]."""
        texts = texts.long()
        before = torch.zeros_like(texts[:, :1])  # 0 stands before the first byte
        read = torch.cat([before, texts[:, :-1] if self.training else texts], dim=1)
        logits = self.head(self._through(read)).float()
        bits = self._nats(logits[:, : self.context], texts).sum(1, keepdim=True) / math.log(2)
        count = (texts != 0).sum(1, keepdim=True)
        last = logits[:, -1:] if self.training else logits.gather(1, count.unsqueeze(2).expand(-1, -1, BYTES))  # nobody asks in training
        return torch.cat([last.squeeze(1), bits, count.float()], dim=1)

    def _nats(self, logits: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        """What each byte of the texts takes; nothing behind their end. In two ways: the first is one kernel, and the second can be exported."""
        if self.training:
            return functional.cross_entropy(logits.flatten(0, 1), texts.flatten(), ignore_index=0, reduction="none").reshape(texts.shape)
        taken = logits.log_softmax(2).gather(2, texts.unsqueeze(2)).squeeze(2)
        return -taken * (texts != 0).float()

    def _through(self, read: torch.Tensor) -> torch.Tensor:
        hidden = self.dropout(self.table(read))
        cos, sin = self.cos[: read.shape[1]], self.sin[: read.shape[1]]
        for layer in self.layers:
            hidden = layer(hidden, cos, sin)
        normal: torch.Tensor = self.norm(hidden)
        return normal

    def _start(self, layers: int) -> None:
        """As GPT-2 begins: normal with 0.02, what is added to the stream smaller by the root of the number of additions."""
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * layers) if name.endswith(("out.weight", "down.weight")) else 0.02)


class Layer(nn.Module):
    """Causal attention, then two linear layers; each normalised before and added to what came in."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.share = heads, dropout
        self.before, self.between = nn.LayerNorm(width, bias=False), nn.LayerNorm(width, bias=False)
        self.query_key_value, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        """The stream, [rows, positions, width], with what this layer adds."""
        hidden = hidden + self.dropout(self._attended(self.before(hidden), cos, sin))
        added: torch.Tensor = self.dropout(self.down(functional.gelu(self.up(self.between(hidden)), approximate="tanh")))
        return hidden + added

    def _attended(self, normal: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        rows, positions, width = normal.shape
        parts = self.query_key_value(normal).reshape(rows, positions, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        query, key, value = parts[0], parts[1], parts[2]
        turned, marked = _turned(query, cos, sin), _turned(key, cos, sin)
        said = functional.scaled_dot_product_attention(turned, marked, value, dropout_p=self.share if self.training else 0.0, is_causal=True)
        answer: torch.Tensor = self.out(said.transpose(1, 2).reshape(rows, positions, width))
        return answer


def _waves(positions: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosine and sine of each position's angles, [positions, size / 2]."""
    angles = torch.arange(positions).double().outer(_BASE ** (-torch.arange(0, size, 2).double() / size))
    return angles.cos().float(), angles.sin().float()


def _turned(vectors: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Vectors turned by their position's angles, so that a product of two knows how far they are apart."""
    first, second = vectors.chunk(2, dim=3)
    cos, sin = cos.to(vectors.dtype), sin.to(vectors.dtype)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=3)
