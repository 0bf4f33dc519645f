"""The byte transformer, and what it costs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from mlforge.artifact import Block
from mlforge.builtin.models.language import ByteTransformer
from mlforge.builtin.models.tiny_lm import TinyLm
from mlforge.builtin.trainers.utilisation import Counted, peak_flops, utilisation
from mlforge.errors import RecipeError
from mlforge.task import Output

CONTEXT = 24
TEXTS = ("", "a", "def f(self):", "x" * CONTEXT, "y" * (CONTEXT - 1))


def network(*, context: int = CONTEXT, **fields: object) -> ByteTransformer:
    torch.manual_seed(1)
    built = TinyLm(**{"layers": 2, "heads": 2, "width": 16} | fields).build((Block("bytes", "uint8", context),), Output("bytes", "text", context=context))
    with torch.no_grad():  # far from the start, where all bytes are as likely
        for weight in built.parameters():
            weight.add_(torch.randn_like(weight) * 0.3)
    return built


def read(*texts: str) -> torch.Tensor:
    rows = np.zeros((len(texts), CONTEXT), np.uint8)
    for row, text in zip(rows, texts, strict=True):
        row[: len(text)] = np.frombuffer(text.encode(), np.uint8)
    return torch.from_numpy(rows)


@torch.no_grad()
def test_the_bits_of_a_text_are_those_of_its_bytes_one_by_one() -> None:
    model = network().eval()
    scores = model(read(*TEXTS))
    for text, row in zip(TEXTS, scores, strict=True):
        bits = 0.0
        for end in range(len(text)):
            following = model(read(text[:end]))[0, :256]
            bits -= float(functional.log_softmax(following, 0)[text.encode()[end]]) / math.log(2)
        assert float(row[256]) == pytest.approx(bits, rel=1e-5, abs=1e-5)
        assert int(row[257]) == len(text)


@torch.no_grad()
def test_training_counts_the_same_bits_as_judging() -> None:
    model = network()
    trained, judged = model.train()(read(*TEXTS)), model.eval()(read(*TEXTS))
    assert torch.allclose(trained[:, 256:], judged[:, 256:], rtol=1e-5, atol=1e-4)


@torch.no_grad()
def test_no_byte_sees_those_behind_it() -> None:
    model = network().eval()
    one, other = model(read("abcdef", "abcxyz"))[:, 256] - model(read("abc", "abc"))[:, 256]
    assert float(one) != pytest.approx(float(other))
    longer, shorter = model(read("abcdef")), model(read("abc"))
    assert float(longer[0, 256]) > float(shorter[0, 256])


@torch.no_grad()
def test_the_next_byte_depends_on_the_order_of_those_before() -> None:
    scores = network().eval()(read("abc", "bac"))
    assert not torch.allclose(scores[0, :256], scores[1, :256], atol=1e-3)


def test_tied_weights_are_one_table_and_others_two() -> None:
    tied, apart = network(), network(tie_weights=False)
    assert tied.head.weight is tied.table.weight
    assert sum(p.numel() for p in apart.parameters()) - sum(p.numel() for p in tied.parameters()) == 256 * 16


def test_the_size_of_gpt_2_is_a_matter_of_overrides() -> None:
    with torch.device("meta"):
        built = TinyLm(layers=18, width=768, heads=12).build((Block("bytes", "uint8", 1024),), Output("bytes", "text", context=1024))
    assert sum(weight.numel() for weight in built.parameters()) == pytest.approx(127e6, rel=0.01)


def test_flops_are_those_that_torch_counts_of_the_matrix_products() -> None:
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    model = network(context=64, width=32).train()
    rows = torch.randint(1, 256, (3, 64), dtype=torch.uint8)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        model(rows)[:, 256].sum().backward()
    assert isinstance(model, Counted)
    assert 3 * model.flops_per_row == pytest.approx(counter.get_total_flops(), rel=0.02)


def test_the_peak_of_a_device_is_told_only_where_it_is_known() -> None:
    assert peak_flops("NVIDIA H200", "bf16-mixed") == 989.4e12
    assert peak_flops("NVIDIA A100-SXM4-80GB", "32-true") == 156e12
    assert peak_flops("NVIDIA L40", "bf16-mixed") == 181.05e12
    assert peak_flops("NVIDIA L4", "bf16-mixed") == 121e12
    assert peak_flops("NVIDIA A10G", "16-mixed") == 70e12
    assert peak_flops("NVIDIA H100 PCIe", "bf16-mixed") == 756e12
    assert peak_flops("NVIDIA GB200", "bf16-true") == 2.5e15
    assert peak_flops("NVIDIA H200 MIG 1g.18gb", "bf16-mixed") is None
    assert peak_flops("NVIDIA GeForce GTX 1080", "bf16-mixed") is None
    assert peak_flops("NVIDIA H100 80GB HBM3", "transformer-engine") is None


def test_tokens_per_second_are_told_of_networks_that_count_and_of_no_others() -> None:
    found = {finding.name: finding for finding in utilisation(network(), 10.0, "32-true", 1)}
    assert found["train/tokens_per_second"].value == 10.0 * CONTEXT
    assert list(utilisation(torch.nn.Linear(3, 3), 10.0, "32-true", 1)) == []


def test_it_reads_bytes_and_nothing_else() -> None:
    with pytest.raises(RecipeError, match=r"reads bytes, and the features make numbers"):
        TinyLm().build((Block("numbers", "float32", 3),), Output("bytes", "text", context=3))


def test_heads_that_do_not_divide_the_width_are_an_error() -> None:
    with pytest.raises(ValueError, match="5 heads do not divide width=64"):
        TinyLm(heads=5)
