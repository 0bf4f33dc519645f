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
    curve: tuple[tuple[int, float], ...] = ()  # epoch and what the first objective looks at, where it is one of the fit's curves

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
            raw = json.loads((folder / _RESULT).read_bytes())
            return cls(raw["findings"], raw["epochs"], _curve(raw["curve"]))
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
    """A file of lines, for each trial that began, for its epochs where they decide on it, and for its end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.began: dict[int, Mapping[str, Value]] = {}  # values by number
        self.parents: dict[int, int] = {}  # the trial from which one goes on
        self.ended: dict[int, Ended] = {}  # in the order in which they came to their end
        self.curves: dict[int, dict[int, float]] = {}  # of trials that are on their way: the first objective's score by epoch
        self.spent = 0.0  # seconds of the search so far
        self._read()

    def begin(self, number: int, values: Mapping[str, Value], parent: int | None = None) -> None:
        """Note what a trial tries, and from which other it goes on."""
        line = {"began": number, "values": values} | ({"parent": parent} if parent is not None else {})
        self._take(line)
        self._append(line, durable=False)

    def epoch(self, number: int, epoch: int, score: float) -> None:
        """Note what an epoch came to: who is to be given up follows from that, and a fit that goes on does not tell it again."""
        line = {"epoch": number, "at": epoch, "score": score}
        self._take(line)
        self._append(line, durable=False)

    def end(self, ended: Ended, spent: float) -> None:
        """Note that a trial is over; it is on the disk when this returns."""
        self.ended[ended.number] = ended
        self.curves.pop(ended.number, None)
        self.spent = spent
        self._append({"ended": asdict(ended), "spent": spent}, durable=True)

    def forgive(self) -> None:
        """Forget that trials failed: they are tried again."""
        for number in [number for number, one in self.ended.items() if one.state == "failed"]:
            self._take({"again": number})
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
            if "parent" in line:
                self.parents[line["began"]] = line["parent"]
        elif "epoch" in line:
            self.curves.setdefault(line["epoch"], {})[line["at"]] = line["score"]
        elif "again" in line:
            self.ended.pop(line["again"], None)
            self.curves.pop(line["again"], None)
        else:
            raw = line["ended"]
            ended = Ended(**{**raw, "curve": _curve(raw["curve"])})
            self.ended[ended.number] = ended
            self.curves.pop(ended.number, None)
            self.spent = line["spent"]


def _curve(raw: list[list[float]]) -> tuple[tuple[int, float], ...]:
    return tuple((int(epoch), value) for epoch, value in raw)
