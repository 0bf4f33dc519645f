"""Parts of the data as arrays on disk, read from the same graph that serves."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mlforge.artifact import Assignment, Encoding, Table, frames, target_array
from mlforge.components import Tensors
from mlforge.contract import Contract
from mlforge.runtime.session import Graph

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["encode", "encoded_batches"]

_ROWS = 16_384  # run through the graph at a time: bounded memory whatever the partition's size
_CELLS = 16_777_216  # and so many numbers of a block, where rows are wide: 64 MB

_TARGETS: dict[str, tuple[str, tuple[int, ...]]] = {"classes": ("int64", ()), "value": ("float32", (1,)), "bytes": ("int64", (1,))}  # dtype and shape of a row


def encode(part: str, table: Table, assignment: Assignment, encoding: Encoding, contract: Contract, work: Path, progress: Callable[[int], None]) -> Tensors:
    """The rows of one part as memory-mapped arrays below `work`; what a killed run has finished there is used again."""
    folder = work / f"tensors-{part}"
    if not folder.exists():
        draft = work / f"tensors-{part}.draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        _write(part, table, assignment, encoding, contract, draft, progress)
        draft.rename(folder)
    blocks = tuple(_mapped(folder / f"block-{block.name}.npy") for block in encoding.blocks)
    weight = _mapped(folder / "weight.npy") if (folder / "weight.npy").exists() else None
    return Tensors(blocks, _mapped(folder / "target.npy"), weight)


def _write(part: str, table: Table, assignment: Assignment, encoding: Encoding, contract: Contract, folder: Path, progress: Callable[[int], None]) -> None:
    import numpy as np

    graph, output = Graph(encoding.folder / "front.onnx"), encoding.output
    rows = assignment.counts.get(part, 0)
    arrays = [_new(folder / f"block-{block.name}.npy", block.dtype, (rows, block.width)) for block in encoding.blocks]
    dtype, shape = ("uint8", (output.width,)) if output.kind == "labels" else _TARGETS[output.kind]
    target = _new(folder / "target.npy", dtype, (rows, *shape))
    weights = contract.having("weight")
    weight = _new(folder / "weight.npy", "float32", (rows,)) if weights or output.kind == "bytes" else None
    columns = list(dict.fromkeys((*graph.inputs, *output.targets, *weights)))
    start = 0
    for frame, encoded in encoded_batches(part, table, assignment, graph, columns):
        stop = start + len(frame)
        for array, values in zip(arrays, encoded, strict=True):
            array[start:stop] = values
        target[start:stop] = target_array(frame, output)
        if weight is not None:
            weight[start:stop] = frame[weights[0]].to_numpy().astype(np.float32) if weights else 1.0
            weight[start:stop] *= target[start:stop, 0] if output.kind == "bytes" else 1.0  # every byte counts alike, whatever the text that it is in
        start = stop
        progress(start)
    assert start == rows, f"{part} has {start} rows, and parts.json says {rows}"
    for array in (*arrays, target, *([weight] if weight is not None else [])):
        array.flush()


def encoded_batches(part: str, table: Table, assignment: Assignment, graph: Graph, columns: list[str]) -> Iterator[tuple[pl.DataFrame, tuple[np.ndarray, ...]]]:
    """Some rows of a part with what the graph makes of them, over and over until the part is through."""
    for frame in frames(table, assignment, part, columns=columns):
        for some in frame.iter_slices(max(1, min(_ROWS, _CELLS // graph.width))):
            if len(some):
                yield some, graph.run(some)


def _new(path: Path, dtype: str, shape: tuple[int, ...]) -> np.memmap:
    import numpy as np

    return np.lib.format.open_memmap(path, "w+", dtype, shape)


def _mapped(path: Path) -> np.ndarray:
    import numpy as np

    array: np.ndarray = np.load(path, mmap_mode="r")  # memory that may be written to counts as used, read or not
    return array
