"""What a logger of fits must do: a component of the section `loggers`.

    class TestLines(LoggerContract):
        component = Lines(file="metrics.jsonl")

One that writes to a server, and nothing into the folder that it is given, says `writes = False`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from mlforge.components import Component, Fitting, Logger, Trainer
from mlforge.testing.component import ComponentContract
from mlforge.testing.files import files_of
from mlforge.testing.fits import OUTPUTS, fitting, give_up
from mlforge.testing.stand_ins import Slopes, lightning

__all__ = ["LoggerContract"]


class LoggerContract(ComponentContract[Logger]):
    """Clauses for a logger of fits."""

    kind: ClassVar[type[Component]] = Logger
    writes: ClassVar[bool] = True
    """Does it leave files in the folder that it is given."""

    trainer: ClassVar[Trainer | None] = None
    """What fits while it writes: the trainer `lightning` with a few short epochs."""

    def exercise(self, component: Logger, folder: Path) -> None:
        """Write down a short fit."""
        self._fit(replace(self._fitting(component, folder), smoke=True))

    def disturb(self, component: Logger, folder: Path) -> None:
        """Have the fit given up while it writes."""
        self._fit(replace(self._fitting(component, folder), progress=give_up))

    def test_it_makes_a_logger_of_lightning(self, subject: Logger, tmp_path: Path) -> None:
        """Else the trainer refuses it, after the rows are read."""
        from pytorch_lightning.loggers import Logger as Base

        (tmp_path / "beside").mkdir()
        made = subject.build(self._fitting(None, tmp_path / "fit"), tmp_path / "beside")
        assert isinstance(made, Base), f"build() gives a {type(made).__name__}; a pytorch_lightning.loggers.Logger was expected"

    def test_it_writes_into_its_own_folder(self, subject: Logger, tmp_path: Path) -> None:
        """Else what it has written is in another run's folder, or nowhere."""
        fit = self._fitting(subject, tmp_path / "fit")
        self._fit(fit)
        assert fit.aside is not None
        written = [path for path in fit.aside.rglob("*") if path.is_file() and path.stat().st_size]
        assert bool(written) == self.writes, "nothing is written" if self.writes else f"{written[0].name} is written, and `writes` is False"
        outside = [path.name for path in written if not path.is_relative_to(fit.aside / "entry")]
        assert not outside, f"{', '.join(outside)} lie outside its folder"

    def test_what_is_learned_is_the_same_with_it_and_without(self, subject: Logger, tmp_path: Path) -> None:
        """Else a run that is looked at is another run than one that is not."""
        logged, plain = self._fitting(subject, tmp_path / "logged"), self._fitting(None, tmp_path / "plain")
        self._fit(logged)
        self._fit(plain)
        assert files_of(logged.folder) == files_of(plain.folder), "the fit's files differ"

    def test_a_fit_that_was_given_up_goes_on_with_it(self, subject: Logger, tmp_path: Path) -> None:
        """Else a run that was stopped cannot be continued: the files of its beginning are in the way."""
        whole, broken = self._fitting(subject, tmp_path / "whole"), self._fitting(subject, tmp_path / "broken")
        self._fit(whole)
        with pytest.raises(KeyError, match="gives up"):
            self._fit(replace(broken, progress=give_up))
        for path in broken.folder.iterdir():  # a killed run's draft is thrown away; its work is kept
            path.unlink()
        self._fit(broken)
        assert files_of(broken.folder) == files_of(whole.folder), "what is continued differs from what was not stopped"

    def _fitting(self, component: Logger | None, folder: Path) -> Fitting:
        fit = fitting(Slopes(), folder, OUTPUTS["binary"], rows=100)
        return replace(fit, aside=folder / "beside", loggers={} if component is None else {"entry": component})

    def _fit(self, fit: Fitting) -> None:
        (self.trainer or lightning()).fit(fit)
