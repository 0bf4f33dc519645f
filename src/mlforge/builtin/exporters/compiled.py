"""A network as native code, by AOTInductor. Imports torch: only an exporter's `export` imports it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from mlforge.artifact import Block
from mlforge.builtin.exporters.torch_graph import Positional
from mlforge.builtin.neurons import shrunk

__all__ = ["apart", "compile_network"]


def compile_network(network: torch.nn.Module, blocks: tuple[Block, ...], path: Path) -> None:
    """From blocks to raw scores, for any number of rows, as a .pt2 package for this kind of machine."""
    from torch._inductor import aoti_compile_and_package, config

    example = tuple(torch.zeros((4, block.width), dtype=getattr(torch, block.dtype)) for block in blocks)
    rows = torch.export.Dim("rows")
    with _quiet(), TemporaryDirectory(prefix="mlforge-") as folder, torch.no_grad(), config.patch({"aot_inductor.output_path": folder}):
        program = torch.export.export(Positional(shrunk(network, blocks)).eval(), example, dynamic_shapes={"blocks": tuple({0: rows} for _ in blocks)})
        aoti_compile_and_package(program, package_path=str(path))


def apart(path: Path, network: torch.nn.Module, blocks: tuple[np.ndarray, ...]) -> float:
    """The largest difference between what the two say of some rows. It loads the package: only for one that was made a moment ago."""
    from torch._inductor import aoti_load_package

    rows = tuple(torch.from_numpy(block) for block in blocks)
    with _quiet(), torch.no_grad():
        return float((aoti_load_package(str(path))(*rows) - network.eval()(*rows)).abs().max())


@contextmanager
def _quiet() -> Iterator[None]:
    """Torch warns about its own deprecations."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
