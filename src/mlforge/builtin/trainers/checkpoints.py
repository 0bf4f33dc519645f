"""Checkpoints of one fit: tensors as safetensors and the rest as JSON, so that nothing is ever unpickled. Imports torch."""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import torch
from safetensors.torch import load, save

from mlforge.builtin.trainers.record import Record

__all__ = ["Checkpoints", "Saved"]

_log = logging.getLogger(__name__)
_KEPT = 2  # the last one, and the one before in case the last is damaged


@dataclass(frozen=True)
class Saved:
    """The state at the end of an epoch."""

    record: Record
    network: Mapping[str, torch.Tensor]
    best: Mapping[str, torch.Tensor]
    optimiser: Mapping[int, Mapping[str, torch.Tensor]]  # by index of the parameter
    average: Mapping[str, torch.Tensor] = field(default_factory=dict)  # of the weights over the steps; empty when none is kept


class Checkpoints:
    """The checkpoints in a folder: `epoch-00007/` with `tensors.safetensors`, `record.json` and `digest`; written aside and renamed."""

    def __init__(self, folder: Path, every: float) -> None:
        self.folder, self.every = folder, every
        self._last = time.monotonic()

    @property
    def due(self) -> bool:
        """Is the last one old enough."""
        return time.monotonic() - self._last >= self.every

    def save(self, saved: Saved) -> None:
        """Write one, and drop all but the last two."""
        name = f"epoch-{saved.record.epochs:05d}"
        draft = self.folder / f"{name}.draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        files = {"tensors.safetensors": save(_flat(saved)), "record.json": json.dumps(saved.record.plain()).encode()}
        for file, content in {**files, "digest": _digest(files).encode()}.items():
            with (draft / file).open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        shutil.rmtree(self.folder / name, ignore_errors=True)
        draft.rename(self.folder / name)
        for old in self._folders()[:-_KEPT]:
            shutil.rmtree(old)
        self._last = time.monotonic()

    def load(self) -> Saved | None:
        """The last one that is whole; None when there is none."""
        for folder in reversed(self._folders()):
            try:
                files = {name: (folder / name).read_bytes() for name in ("tensors.safetensors", "record.json")}
                if (folder / "digest").read_text() == _digest(files):
                    return _read(files)
            except OSError:
                pass  # a file is missing or unreadable: as bad as a wrong digest
            _log.warning("checkpoint %s is damaged; going back to the one before", folder.name)
            shutil.rmtree(folder, ignore_errors=True)
        return None

    def _folders(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("epoch-*") if path.suffix != ".draft")


def _digest(files: Mapping[str, bytes]) -> str:
    return sha256(b"".join(sha256(content).digest() for content in files.values())).hexdigest()


def _flat(saved: Saved) -> dict[str, torch.Tensor]:
    named = {"network": saved.network, "best": saved.best, "average": saved.average}
    flat = {f"{kind}/{name}": tensor for kind, tensors in named.items() for name, tensor in tensors.items()}
    flat |= {f"optimiser/{index}/{name}": tensor for index, state in saved.optimiser.items() for name, tensor in state.items()}
    return {name: tensor.detach().cpu().clone().contiguous() for name, tensor in flat.items()}  # safetensors refuses tensors that share memory


def _read(files: Mapping[str, bytes]) -> Saved:
    parts: dict[str, dict[str, torch.Tensor]] = {"network": {}, "best": {}, "average": {}}
    optimiser: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in load(files["tensors.safetensors"]).items():
        kind, _, rest = name.partition("/")
        if kind == "optimiser":
            index, _, field = rest.partition("/")
            optimiser.setdefault(int(index), {})[field] = tensor
        else:
            parts[kind][rest] = tensor
    return Saved(Record.of(json.loads(files["record.json"])), parts["network"], parts["best"], optimiser, parts["average"])
