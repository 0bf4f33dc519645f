"""A fitted network as an ONNX graph. Imports torch: only an exporter's `export` imports it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from mlforge.artifact import Block
from mlforge.builtin.exporters.translations import kept
from mlforge.builtin.neurons import shrunk

if TYPE_CHECKING:
    import onnx

__all__ = ["Positional", "network_graph"]


class Positional(torch.nn.Module):
    """Takes the blocks by position, whatever the network calls them: shapes are told by the argument's name."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *blocks: torch.Tensor) -> torch.Tensor:
        """The network's scores."""
        scores: torch.Tensor = self.network(*blocks)
        return scores


def network_graph(network: torch.nn.Module, blocks: tuple[Block, ...], opset: int) -> onnx.ModelProto:
    """The network from blocks, by name, to `scores`, for any number of rows."""
    network = shrunk(network, blocks)
    example = tuple(torch.zeros((4, block.width), dtype=getattr(torch, block.dtype)) for block in blocks)
    rows = torch.export.Dim("rows")
    with _quiet(), kept():
        program = torch.onnx.export(
            Positional(network).eval(),
            example,
            dynamo=True,
            dynamic_shapes={"blocks": tuple({0: rows} for _ in blocks)},
            opset_version=opset,
            input_names=[block.name for block in blocks],
            output_names=["scores"],
            external_data=False,
            verbose=False,
        )
    assert program is not None, "torch.onnx.export gives a program when no file is named"
    model: onnx.ModelProto = program.model_proto
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter warns about torchvision, which is not needed, and about its own deprecations."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)
