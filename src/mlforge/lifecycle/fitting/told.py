"""What the processes of a fit tell the one that waits for them: lines in a file, and a file for each process that fails."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from mlforge import errors
from mlforge.errors import MlforgeError, RunFailed
from mlforge.finding import Finding

__all__ = ["Listener", "Teller", "confess", "failure"]

_OFTEN = 0.2  # seconds between two lines on progress
_LONGEST = 500  # characters of an error's message
_KINDS = {name: kind for name in errors.__all__ if isinstance(kind := getattr(errors, name), type) and issubclass(kind, MlforgeError)}


@dataclass
class Teller:
    """The side of the processes: rank 0 speaks for all."""

    folder: Path
    silent: bool = False
    _last: float = 0.0

    def begin(self) -> None:
        """A try begins: what an earlier one has found does not count."""
        self._write({"begin": True})

    def progress(self, done: float, total: float, note: str = "") -> None:
        """Tell how far the fit is; now and then is enough."""
        now = time.monotonic()
        if now - self._last >= _OFTEN or done >= total:
            self._last = now
            self._write({"progress": [done, total, note]})

    def find(self, finding: Finding) -> None:
        """Tell of a finding."""
        self._write({"finding": finding.model_dump(mode="json")})

    def report(self, epoch: int, values: Mapping[str, float]) -> None:
        """Tell what an epoch came to."""
        self._write({"epoch": epoch, "values": dict(values)})

    def _write(self, line: object) -> None:
        if self.silent:
            return
        with (self.folder / "told.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")


@dataclass
class Listener:
    """The waiting side."""

    folder: Path
    progress: Callable[[float, float, str], None]
    report: Callable[[int, Mapping[str, float]], None]  # may raise to end the fit
    findings: list[Finding] = field(default_factory=list)  # of the last try
    _read: int = 0
    _epoch: int = 0

    def listen(self) -> None:
        """Take in every whole line that is new."""
        try:
            with (self.folder / "told.jsonl").open("rb") as stream:
                stream.seek(self._read)
                new = stream.read()
        except FileNotFoundError:
            return
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            self._take(json.loads(line))

    def _take(self, said: dict[str, object]) -> None:
        match said:
            case {"progress": [float() | int() as done, float() | int() as total, str() as note]}:
                self.progress(done, total, note)
            case {"epoch": int() as epoch, "values": dict() as values} if epoch > self._epoch:  # a try that was continued tells some epochs again
                self._epoch = epoch
                self.report(epoch, values)
            case {"finding": finding}:
                self.findings.append(Finding.model_validate(finding))
            case {"begin": _}:
                self.findings.clear()


def confess(folder: Path, rank: int, error: BaseException) -> None:
    """Leave word of the error with which this process ends; where the disk has no room for it, its exit code and output must do."""
    with suppress(OSError):
        _confess(folder, rank, error)


def _confess(folder: Path, rank: int, error: BaseException) -> None:
    mendable = isinstance(error, MlforgeError)
    evidence = folder / f"failed-{rank}.txt"
    if not mendable:
        evidence.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    message = str(error.args[0]) if mendable and error.args else f"{type(error).__name__}: {error}"
    kind = type(error).__name__ if mendable else ""
    told = {"rank": rank, "kind": kind, "message": message[:_LONGEST], "hint": getattr(error, "hint", ""), "at": time.time()}
    draft = folder / f"failed-{rank}.draft"
    draft.write_text(json.dumps(told | {"evidence": "" if mendable else str(evidence)}), encoding="utf-8")
    draft.replace(folder / f"failed-{rank}.json")


def failure(folder: Path) -> MlforgeError | None:
    """The error that came first, with its rank.

    One that a user can mend goes before the others: when one process fails, its neighbours only lose their connection.
    """
    told = [json.loads(path.read_bytes()) for path in folder.glob("failed-*.json")]
    if not told:
        return None
    first = min(told, key=lambda one: (not one["kind"], one["at"]))
    kind = _KINDS.get(first["kind"], RunFailed)
    return kind(f"rank {first['rank']}: {first['message']}", hint=first["hint"], evidence=first["evidence"])
