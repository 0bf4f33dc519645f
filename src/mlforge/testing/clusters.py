"""What a cluster must do.

    class TestHere(ClusterContract):
        component = Here()

The errand's processes are small programs that leave a file each; what needs machines that are not at hand is for the author's own tests.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from mlforge.components import Cluster, Component
from mlforge.components.cluster import Errand
from mlforge.components.model import Place
from mlforge.errors import MlforgeError
from mlforge.testing.component import ComponentContract

__all__ = ["ClusterContract"]

_RANKS = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
_PART = "import os, pathlib, sys; pathlib.Path(sys.argv[1], 'took-part-' + os.environ.get('RANK', '0')).write_text(os.environ.get('WORLD_SIZE', '1'))"
_FAILING = "import sys; sys.exit(7)"


def _part(folder: str, place: Place) -> None:
    """Takes part: a file for its rank."""
    Path(folder, f"took-part-{place.rank}").write_text(str(place.world))


class ClusterContract(ComponentContract[Cluster]):
    """Clauses for a place where fits run."""

    kind: ClassVar[type[Component]] = Cluster
    processes: ClassVar[int] = 1
    """Processes on this machine that the errand asks for."""

    def exercise(self, component: Cluster, folder: Path) -> None:
        """Carry out an errand."""
        component.fit(self._errand(folder))

    def disturb(self, component: Cluster, folder: Path) -> None:
        """Carry out one that fails."""
        component.fit(self._failing(folder))

    def test_every_process_takes_part_once(self, subject: Cluster, tmp_path: Path) -> None:
        """Else a fit waits for a rank that never comes, or does the work twice."""
        (tmp_path / "errand").mkdir()
        subject.fit(self._errand(tmp_path / "errand"))
        parts = sorted(path.name for path in (tmp_path / "errand").glob("took-part-*"))
        assert parts == [f"took-part-{rank}" for rank in range(self.processes)]

    def test_a_process_that_fails_is_an_error_for_a_person(self, subject: Cluster, tmp_path: Path) -> None:
        """Else a run ends in a traceback, or is told to have gone well."""
        (tmp_path / "errand").mkdir()
        with pytest.raises(MlforgeError):
            subject.fit(self._failing(tmp_path / "errand"))

    def test_it_is_the_only_process_when_nobody_has_started_others(self, subject: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
        """Else a plain `mlforge run` waits for ranks that nobody has started."""
        _alone(monkeypatch)
        assert subject.place() is None

    def test_a_script_is_the_same_each_time(self, subject: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Else nobody can look at what is submitted before it is."""
        _alone(monkeypatch)
        one, other = (subject.script(["mlforge", "run", "adult"], tmp_path) for _ in range(2))
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert one.text == other.text
            assert "mlforge run adult" in one.text

    def _errand(self, folder: Path) -> Errand:
        (folder / "fitting.json").write_text("{}", encoding="utf-8")  # an errand's folder is never empty
        return Errand(
            folder=folder, processes=(self.processes, 1), command=(sys.executable, "-c", _PART, str(folder)), part=_part,
            here=lambda place: _part(str(folder), place), listen=lambda: None, failure=lambda: None,
        )  # fmt: skip

    def _failing(self, folder: Path) -> Errand:
        def here(place: Place) -> None:
            raise MlforgeError("the part has failed")

        return replace(self._errand(folder), command=(sys.executable, "-c", _FAILING), part=_fail, here=here)


def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has started this process as one of several."""
    for name in [name for name in os.environ if name.startswith(("SLURM_", "TORCHELASTIC_", *_RANKS))]:
        monkeypatch.delenv(name)


def _fail(folder: str, place: Place) -> None:
    raise MlforgeError("the part has failed")
