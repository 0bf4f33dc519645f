"""Tensors of which each process holds a share: written by all at once, a file each, and read by any number of processes. Imports torch.

torch.distributed.checkpoint writes and cuts them anew, in the safetensors format: its own is unpickled, and could run code.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as distributed
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save
from torch.distributed.tensor import DTensor, Shard, empty

from mlforge.errors import RunFailed

__all__ = ["Damaged", "Digests", "Shares", "whole"]

Digests = Mapping[str, tuple[int, str]]
"""Size and SHA-256 of each file, by name."""


class Damaged(Exception):
    """A file of a checkpoint is not what was written; all processes are told together."""


@dataclass(frozen=True)
class Shares:
    """The files of shares in a folder."""

    folder: Path
    digests: Digests

    @classmethod
    def write(cls, folder: Path, tensors: Mapping[str, torch.Tensor]) -> Shares:
        """Each process writes its own shares; collective. Raises OSError where a disk is full."""
        try:
            save(dict(tensors), storage_writer=HuggingFaceStorageWriter(str(folder), save_distributed=True))
        except CheckpointException as failed:
            raise next((error for error, _ in failed.failures.values() if isinstance(error, OSError)), failed) from None
        mine = {path.name: (path.stat().st_size, _digest(path)) for path in folder.glob(f"shard-{distributed.get_rank() + 1:05d}-*")}
        everyone: list[Any] = [None] * distributed.get_world_size()
        distributed.all_gather_object(everyone, mine)
        shares = cls(folder, {name: known for one in everyone for name, known in sorted(one.items())})
        if distributed.get_rank() == 0 and not shares.there:  # for the others the folder may have its name by now
            raise RunFailed(f"trainer: {folder} lacks what another machine has written there", hint="Keep the store on a folder that every machine mounts.")
        return shares

    @property
    def there(self) -> bool:
        """Are all files there, and as long as they were."""
        sizes = {entry.name: entry.stat().st_size for entry in os.scandir(self.folder)} if self.folder.is_dir() else {}
        return all(sizes.get(name) == size for name, (size, _) in self.digests.items())

    def check(self, rank: int, world: int) -> None:
        """Read every file once: with several processes each reads some, and all raise Damaged together; collective then."""
        mine = sorted(self.digests.items())[rank::world]
        bad = [name for name, (_, digest) in mine if not (self.folder / name).exists() or _digest(self.folder / name) != digest]
        if world > 1:
            everyone: list[Any] = [None] * world
            distributed.all_gather_object(everyone, bad)
            bad = [name for one in everyone for name in one]
        if bad:
            raise Damaged(f"{self.folder.parent.name}/{self.folder.name}/{bad[0]}")

    def read(self, names: Iterable[str], mesh: Any = None) -> dict[str, torch.Tensor]:
        """Some of the tensors: this process's shares of them on a mesh, which is collective, or the whole of them without one."""
        reader = HuggingFaceStorageReader(str(self.folder))
        known = reader.read_metadata().state_dict_metadata
        tensors = {name: _room(known[name], mesh) for name in names}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch remarks on a single process
            if tensors:
                load(dict(tensors), storage_reader=reader, no_dist=mesh is None)
        return tensors


def whole(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors put together from everyone's shares, one after the other; collective where there are such."""
    return {name: _gathered(one) if isinstance(one, DTensor) else one for name, one in tensors.items()}


def _gathered(share: Any) -> torch.Tensor:
    full: torch.Tensor = share.to(share.device_mesh.device_type).full_tensor()  # processes talk from the device that their mesh is of
    return full.cpu()


def _room(known: Any, mesh: Any) -> torch.Tensor:
    if mesh is None:
        return torch.empty(known.size, dtype=known.properties.dtype)
    return empty(known.size, dtype=known.properties.dtype, device_mesh=mesh, placements=[Shard(0)])


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
