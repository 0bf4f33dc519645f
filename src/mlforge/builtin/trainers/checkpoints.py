"""Checkpoints of one fit: tensors as safetensors and the rest as JSON, so that nothing is ever unpickled. Imports torch."""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch.distributed as distributed
from safetensors.torch import load, save
from torch.distributed.tensor import DTensor

from mlforge.builtin.trainers.record import Record
from mlforge.builtin.trainers.shares import Shares
from mlforge.builtin.trainers.tree import State, filled, joined, parted, shares
from mlforge.components import Place

__all__ = ["Checkpoints", "Saved"]

_log = logging.getLogger(__name__)
_FILES = ("tensors.safetensors", "state.json")
_SHARES = "shares"


@dataclass(frozen=True)
class Saved:
    """The state after a step."""

    record: Record  # of the epochs that are done
    step: int  # steps of the epoch that is not; 0 at the end of one
    state: State  # with Share in the place of each tensor that lies in shares
    shares: Shares | None = None

    def filled(self, mesh: Any = None) -> State:
        """The state with its shares: those of this process on a mesh, which is collective, or else whole tensors."""
        return {name: self.part(name, mesh) for name in self.state}

    def part(self, name: str, mesh: Any = None) -> State:
        """A part of it, likewise; only the network's stay on the device."""
        part = self.state[name]
        if self.shares is None:
            return part
        tensors = self.shares.read(shares(part), mesh)
        return filled(part, tensors if name == "network" else {key: one.cpu() for key, one in tensors.items()})


class Checkpoints:
    """The checkpoints in a folder: `epoch-00007/`, or `epoch-00007-step-000000120/` within the eighth; written aside, synced and renamed.

    Each has `tensors.safetensors`, `state.json` and `digest`; and `shares/` with a file of each process where each has a share of the tensors. The last one is
    kept, and some before it in case the last is damaged.
    """

    def __init__(self, folder: Path, every: float, *, steps: int | None = None, kept: int = 2, place: Place | None = None, shares: bool = False) -> None:
        """`shares`: every process of the place takes part in writing, else its first."""
        self.folder, self.every, self.steps, self.kept, self.place, self.shares = folder, every, steps, kept, place or Place(), shares
        self._last = time.monotonic()
        self._since = 0

    def due(self, steps: int) -> bool:
        """Is the last one old enough, now that so many more steps were made."""
        self._since += steps
        return time.monotonic() - self._last >= self.every or (self.steps is not None and self._since >= self.steps)

    def save(self, saved: Saved) -> None:
        """Write one, and drop all but the last ones; collective where processes have shares."""
        self._last, self._since = time.monotonic(), 0
        if not (self.place.first or self.shares):
            return
        name = f"epoch-{saved.record.epochs:05d}" + (f"-step-{saved.step:09d}" if saved.step else "")
        draft = self.folder / f"{name}.draft"
        tensors, plain = parted(saved.state)
        shared = {name: tensors.pop(name) for name in list(tensors) if isinstance(tensors[name], DTensor)}
        if self.place.first:
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir(parents=True)
        if shared:
            distributed.barrier()
            digests = Shares.write(draft / _SHARES, shared).digests
        if not self.place.first:
            return
        written = json.dumps({"record": saved.record.plain(), "step": saved.step, "state": plain} | ({"shares": digests} if shared else {})).encode()
        files = dict(zip(_FILES, (save(tensors), written), strict=True))
        for file, content in {**files, "digest": _digest(files).encode()}.items():
            with (draft / file).open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        _sync(draft)
        shutil.rmtree(self.folder / name, ignore_errors=True)
        draft.rename(self.folder / name)
        _sync(self.folder)
        for old in self._folders()[: -self.kept]:
            shutil.rmtree(old)

    def load(self) -> Saved | None:
        """The last one that is whole, its shares looked at from outside only; None when there is none."""
        for folder in reversed(self._folders()):
            try:
                files = {name: (folder / name).read_bytes() for name in _FILES}
                if (folder / "digest").read_text() == _digest(files):
                    plain = json.loads(files["state.json"])
                    there = Shares(folder / _SHARES, {name: (size, digest) for name, (size, digest) in plain.get("shares", {}).items()})
                    if there.there:
                        state = joined(load(files["tensors.safetensors"]), plain["state"])
                        return Saved(Record.of(plain["record"]), plain["step"], state, there if there.digests else None)
            except OSError:
                pass  # a file is missing or unreadable: as bad as a wrong digest
            self._drop(folder)
        return None

    def damaged(self, saved: Saved) -> None:
        """A share of it was found to be damaged: have `load` give the one before; all processes are to call it."""
        assert saved.shares is not None
        self._drop(saved.shares.folder.parent)
        if distributed.is_initialized():
            distributed.barrier()

    def _drop(self, folder: Path) -> None:
        _log.warning("checkpoint %s is damaged; going back to the one before", folder.name)
        if self.place.first:
            shutil.rmtree(folder, ignore_errors=True)

    def _folders(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("epoch-*") if path.suffix != ".draft")


def _digest(files: Mapping[str, bytes]) -> str:
    return sha256(b"".join(sha256(content).digest() for content in files.values())).hexdigest()


def _sync(folder: Path) -> None:
    """Names in a folder are on the disk too: a rename that is lost in a power cut would bring back what was before, a file that is lost would break it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
