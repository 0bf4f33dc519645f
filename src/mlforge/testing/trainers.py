"""What a trainer must do.

    class TestPatient(TrainerContract):
        component = Patient(max_epochs=3)

It fits a small stand-in of a family that it says it fits; for another family, give `model`. Choose settings with which it is done in a second.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import pytest

from mlforge.artifact import Trained
from mlforge.components import Component, Estimator, Fitting, Model, Tensors, Trainer
from mlforge.errors import MlforgeError
from mlforge.task import Output
from mlforge.testing.component import ComponentContract
from mlforge.testing.files import files_of
from mlforge.testing.fits import OUTPUTS, fitting, tensors
from mlforge.testing.stand_ins import model_for

__all__ = ["TrainerContract"]


class TrainerContract(ComponentContract[Trainer]):
    """Clauses for a trainer."""

    kind: ClassVar[type[Component]] = Trainer
    model: ClassVar[Model | None] = None

    def exercise(self, component: Trainer, folder: Path) -> None:
        """Fit for a moment."""
        component.fit(replace(self._fitting(component, folder), smoke=True))

    def disturb(self, component: Trainer, folder: Path) -> None:
        """Have its caller give up half way."""
        component.fit(replace(self._fitting(component, folder), progress=_give_up))

    def test_it_says_what_it_fits(self, subject: Trainer) -> None:
        """Else `mlforge check` cannot tell that a model does not suit it."""
        assert subject.fits, "fits names no family of models"

    @pytest.mark.parametrize("output", sorted(OUTPUTS))
    def test_it_leaves_what_was_learned_as_stages_read_it(self, subject: Trainer, tmp_path: Path, output: str) -> None:
        """Else the export finds nothing, or the report no curves."""
        import polars as pl

        fit = self._fitting(subject, tmp_path / "fit", OUTPUTS[output])
        subject.fit(fit)
        record = Trained(fit.folder).json("trained.json")
        assert {"epochs", "best_epoch", "best_score"} <= set(record), f"trained.json has {', '.join(sorted(record))}"
        assert pl.read_parquet(fit.folder / "curves.parquet").columns == ["epoch", "name", "value"]
        assert not [path.name for path in fit.folder.rglob("*") if path.suffix in (".pt", ".pth", ".pkl", ".pickle", ".joblib")], "a pickle is left"

    def test_it_learns(self, subject: Trainer, tmp_path: Path) -> None:
        """Else it leaves the weights with which it began."""
        fit = self._fitting(subject, tmp_path / "fit")
        subject.fit(fit)
        right = float((self._scores(fit, fit.validation.blocks).argmax(1) == fit.validation.target).mean())
        assert right > 0.6, f"{right:.0%} of the validation rows are right, and half of them is guessing"

    def test_the_same_seed_gives_the_same_bytes(self, subject: Trainer, tmp_path: Path) -> None:
        """Else no run can be repeated, and no digest trusted."""
        fits = [self._fitting(subject, tmp_path / name) for name in ("one", "other")]
        for fit in fits:
            subject.fit(fit)
        assert files_of(fits[0].folder) == files_of(fits[1].folder), "two fits with one seed differ"

    def test_called_again_in_the_same_place_it_ends_with_the_same_bytes(self, subject: Trainer, tmp_path: Path) -> None:
        """Else a run that was killed after training ends otherwise than one that was not."""
        fit = self._fitting(subject, tmp_path / "fit")
        subject.fit(fit)
        again = replace(fit, folder=tmp_path / "again")
        again.folder.mkdir()
        subject.fit(again)
        assert files_of(again.folder) == files_of(fit.folder)

    def test_given_up_and_called_again_it_ends_with_the_same_bytes(self, subject: Trainer, tmp_path: Path) -> None:
        """Else a run that was stopped in the middle of training ends otherwise than one that was not."""
        whole, broken = self._fitting(subject, tmp_path / "whole"), self._fitting(subject, tmp_path / "broken")
        subject.fit(whole)
        try:
            subject.fit(replace(broken, progress=_after(3)))
        except KeyError:
            for path in broken.folder.iterdir():  # a killed run's draft is thrown away; its work is kept
                path.unlink()
        subject.fit(broken)
        assert files_of(broken.folder) == files_of(whole.folder)

    def test_a_smoke_run_is_short(self, subject: Trainer, tmp_path: Path) -> None:
        """Else a trial of the whole chain takes as long as the real thing."""
        fit = replace(self._fitting(subject, tmp_path / "fit"), smoke=True)
        subject.fit(fit)
        assert Trained(fit.folder).json("trained.json")["epochs"] <= 1

    def test_a_loss_that_is_no_number_is_an_error_for_a_person(self, subject: Trainer, tmp_path: Path) -> None:
        """Else weights of NaN are exported, judged and registered."""
        fit = self._fitting(subject, tmp_path / "fit", OUTPUTS["regression"])
        spoilt = replace(fit, train=_spoilt(fit.train), validation=_spoilt(fit.validation))
        with pytest.raises(MlforgeError):
            subject.fit(spoilt)

    def test_without_rows_to_validate_by_it_fits_or_says_so(self, subject: Trainer, tmp_path: Path) -> None:
        """Else a split without validation rows ends in a traceback."""
        fit = self._fitting(subject, tmp_path / "fit")
        try:
            subject.fit(replace(fit, validation=tensors(0, 1, fit.blocks, fit.output)))
        except MlforgeError:
            return

    def test_one_row_is_fitted_or_said_to_be_too_few(self, subject: Trainer, tmp_path: Path) -> None:
        """Else a tiny data set ends in a traceback."""
        fit = self._fitting(subject, tmp_path / "fit", OUTPUTS["regression"])
        try:
            subject.fit(replace(fit, train=tensors(1, 1, fit.blocks, fit.output), validation=tensors(1, 2, fit.blocks, fit.output)))
        except MlforgeError:
            return

    def _fitting(self, component: Trainer, folder: Path, output: Output | None = None) -> Fitting:
        return fitting(self.model or model_for(component.fits), folder, output or OUTPUTS["binary"], rows=300)

    def _scores(self, fit: Fitting, blocks: tuple[np.ndarray, ...]) -> np.ndarray:
        if fit.model.family == "estimator":
            built = cast("Estimator", fit.model.build(fit.blocks, fit.output))
            built.load(fit.folder)
            return built.scores(blocks)
        import torch
        from safetensors.torch import load_file

        network = cast("torch.nn.Module", fit.model.build(fit.blocks, fit.output))
        network.load_state_dict(load_file(fit.folder / "weights.safetensors"))
        with torch.inference_mode():
            said: np.ndarray = network.eval()(*map(torch.from_numpy, blocks)).numpy()
            return said


def _give_up(*told: object) -> None:
    raise KeyError("the caller gives up")


class _after:  # noqa: N801 - read as a function
    """Gives up when it is told of progress for so-manieth time."""

    def __init__(self, count: int) -> None:
        self.left = count

    def __call__(self, *told: object) -> None:
        self.left -= 1
        if self.left <= 0:
            _give_up()


def _spoilt(rows: Tensors) -> Tensors:
    return replace(rows, target=np.full_like(rows.target, np.nan))
