"""What is known of a search's trials, on the disk before anything else is done: a driver that is killed loses none that is over."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from mlforge.components import Value

__all__ = ["Ended", "Journal", "Measured", "State"]

State: TypeAlias = Literal["done", "stopped", "failed"]
_RESULT = "result.json"


@dataclass(frozen=True)
class Measured:
    """What a trial came to."""

    findings: Mapping[str, float]  # those that the search looks at
    epochs: int

    def write(self, folder: Path) -> None:
        """Leave it in the trial's folder, whole or not at all: from then on the trial is over, whoever knows of it."""
        draft = folder / f"{_RESULT}.draft"
        with draft.open("w", encoding="utf-8") as stream:
            json.dump(asdict(self), stream)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(folder / _RESULT)

    @classmethod
    def read(cls, folder: Path) -> Measured | None:
        """What a trial has left, if it came to its end."""
        try:
            return cls(**json.loads((folder / _RESULT).read_bytes()))
        except FileNotFoundError:
            return None


@dataclass(frozen=True)
class Ended:
    """A trial that is over."""

    number: int
    state: State
    findings: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    epochs: int = 0
    curve: tuple[tuple[int, float], ...] = ()  # epoch and the first objective's score
    seconds: float = 0.0


class Journal:
    """A file of lines, one for each trial that began and one for each that is over."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.began: dict[int, Mapping[str, Value]] = {}  # values by number
        self.ended: dict[int, Ended] = {}  # in the order in which they came to their end
        self.spent = 0.0  # seconds of the search so far
        self._read()

    def begin(self, number: int, values: Mapping[str, Value]) -> None:
        """Note what a trial tries."""
        self.began[number] = values
        self._append({"began": number, "values": values}, durable=False)

    def end(self, ended: Ended, spent: float) -> None:
        """Note that a trial is over; it is on the disk when this returns."""
        self.ended[ended.number] = ended
        self.spent = spent
        self._append({"ended": asdict(ended), "spent": spent}, durable=True)

    def forgive(self) -> None:
        """Forget that trials failed: they are tried again."""
        for number in [number for number, one in self.ended.items() if one.state == "failed"]:
            del self.ended[number]
            self._append({"again": number}, durable=False)

    def _append(self, line: Mapping[str, Any], *, durable: bool) -> None:
        with self.path.open("ab") as stream:
            stream.write(json.dumps(line).encode() + b"\n")
            stream.flush()
            if durable:
                os.fsync(stream.fileno())

    def _read(self) -> None:
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        whole = content.rpartition(b"\n")[0] + b"\n" if b"\n" in content else b""
        if len(whole) < len(content):  # the driver was killed while it wrote the last line
            with self.path.open("r+b") as stream:
                stream.truncate(len(whole))
        for text in whole.splitlines():
            self._take(json.loads(text))

    def _take(self, line: Mapping[str, Any]) -> None:
        if "began" in line:
            self.began[line["began"]] = line["values"]
        elif "again" in line:
            self.ended.pop(line["again"], None)
        else:
            raw = line["ended"]
            ended = Ended(**{**raw, "curve": tuple((epoch, score) for epoch, score in raw["curve"])})
            self.ended[ended.number] = ended
            self.spent = line["spent"]
