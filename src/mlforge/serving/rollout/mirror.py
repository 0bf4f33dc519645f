"""Mirrors traffic to a shadow: each batch with its answers in one datagram, or dropped when the socket is full. A worker never waits for a shadow."""

from __future__ import annotations

import random
import socket
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from mlforge.serving.rollout.meters import Meters

if TYPE_CHECKING:
    from mlforge.serving.batcher import Batch
    from mlforge.serving.lane import Lane

__all__ = ["LARGEST", "Copy", "Mirror"]

LARGEST = 128 * 1024  # bytes of a datagram; batches that are larger are left out, and counted


class Array(msgspec.Struct, array_like=True):
    """An array: its bytes, or its texts."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes
    texts: list[str]

    @classmethod
    def of(cls, array: np.ndarray) -> Array:
        """Encode."""
        if array.dtype == object:
            return cls("", array.shape, b"", array.ravel().tolist())
        return cls(array.dtype.str, array.shape, array.tobytes(), [])

    def read(self) -> np.ndarray:
        """Decode."""
        found = np.array(self.texts, object) if not self.dtype else np.frombuffer(self.data, np.dtype(self.dtype))
        return found.reshape(self.shape)


class Copy(msgspec.Struct, array_like=True):
    """A batch that was answered."""

    model: str
    inputs: tuple[str, ...]
    columns: list[Array]
    predictions: Array


_ENCODER = msgspec.msgpack.Encoder()


class Mirror:
    """Mirrors one lane. It is called after the answers were sent."""

    def __init__(self, lane: Lane, model: str, share: float, line: socket.socket, meters: Meters) -> None:
        self._lane, self._model, self._share, self._line, self._meters = lane, model, share, line, meters
        self._inputs = lane.engine.inputs
        lane.observers.append(self._seen)

    def leave(self) -> None:
        """Stop mirroring."""
        self._lane.observers.remove(self._seen)

    def _seen(self, batch: Batch) -> None:
        if not batch.columns or (self._share < 1 and random.random() >= self._share):  # noqa: S311 - no secret
            return
        copy = Copy(self._model, self._inputs, [Array.of(column) for column in batch.columns], Array.of(batch.outputs["prediction"]))
        try:
            self._line.send(_sized(_ENCODER.encode(copy)), socket.MSG_DONTWAIT)
        except OSError:  # the shadow has not read what it was sent before, or the batch is too large
            self._meters.dropped.add()


def _sized(message: Any) -> Any:
    if len(message) > LARGEST:
        raise OSError("too large for a datagram")
    return message
