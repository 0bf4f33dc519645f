"""What an exporter must do.

    class TestHalf(ExporterContract):
        component = Half()

It exports small stand-ins: a network, and an estimator; say `families = ("network",)` for one that exports networks only.
"""

from __future__ import annotations

import atexit
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, ClassVar

import pytest

from mlforge.artifact import Encoding, Trained, target_array, write_json
from mlforge.components import Component, Exporter, Fitting, Model, Shipment, Tensors
from mlforge.contract import Contract
from mlforge.errors import DataError
from mlforge.lifecycle.bundling.front import blocks_of, front
from mlforge.runtime.bundle import read_bundle
from mlforge.task import TASKS
from mlforge.testing.component import ComponentContract
from mlforge.testing.files import files_of
from mlforge.testing.samples import OUTPUTS, contract_for, people
from mlforge.testing.stand_ins import model_for

if TYPE_CHECKING:
    import numpy as np

__all__ = ["ExporterContract", "shipment", "signature"]

_ROWS = 200  # that the stand-ins are fitted to
_PATH = re.compile(rb"(/tmp/|/home/|/root/|/Users/|[A-Z]:\\\\)[\w/.-]{4,}")


class ExporterContract(ComponentContract[Exporter]):
    """Clauses for an exporter."""

    kind: ClassVar[type[Component]] = Exporter
    families: ClassVar[Sequence[str]] = ("network", "estimator")
    tolerance: ClassVar[float] = 1e-4
    """How far a probability, or a value in standard deviations, may be from what the trained model says."""

    def exercise(self, component: Exporter, folder: Path) -> None:
        """Export a stand-in."""
        self._exported(component, folder, self.families[0])

    def disturb(self, component: Exporter, folder: Path) -> None:
        """Export a model whose weights are gone."""
        given = shipment(folder, self.families[0])
        component.export(replace(given, trained=Trained(folder / "nothing")))

    @pytest.mark.parametrize("task", ["classification", "regression"])
    def test_the_bundle_says_what_the_trained_model_says(self, subject: Exporter, tmp_path: Path, task: str) -> None:
        """Else what is judged and served is not what was trained."""
        from mlforge.lifecycle.bundling.parity import Parity
        from mlforge.runtime.predictor import Predictor
        from mlforge.runtime.session import Graph

        for family in self.families:
            given = self._exported(subject, tmp_path / family, family, task)
            rows, parity = people(100, seed=8), Parity()
            parity.add(Predictor.open(given.folder), given.scorer(), rows, Graph(given.encoding.folder / "front.onnx").run(rows))
            assert parity.largest <= self.tolerance, f"{family}: they differ by {parity.largest:.3g}; {self.tolerance:g} is allowed"

    def test_the_same_model_gives_the_same_bytes(self, subject: Exporter, tmp_path: Path) -> None:
        """Else an unchanged model has another digest, and is registered again."""
        for family in self.families:
            one, other = (self._exported(subject, tmp_path / family / name, family).folder for name in ("one", "other"))
            assert files_of(one) == files_of(other), f"{family}: two exports of one model differ"

    def test_no_path_of_this_machine_is_in_the_bundle(self, subject: Exporter, tmp_path: Path) -> None:
        """Else a bundle tells who made it and where, and differs from one machine to the next."""
        for family in self.families:
            for name, content in files_of(self._exported(subject, tmp_path / family, family).folder).items():
                found = _PATH.search(content)
                assert found is None, f"{family}: {name} has {found[0]!r}" if found else ""

    def test_no_code_is_in_the_bundle(self, subject: Exporter, tmp_path: Path) -> None:
        """Else opening a bundle runs whatever somebody has put there."""
        for family in self.families:
            files = files_of(self._exported(subject, tmp_path / family, family).folder)
            coded = [name for name, content in files.items() if content.startswith((b"\x80", b"PK\x03\x04")) or Path(name).suffix in (".py", ".pkl", ".pt")]
            assert not coded, f"{family}: {', '.join(coded)}"

    def test_the_exporter_says_which_models_it_exports(self, subject: Exporter) -> None:
        """Else a recipe that names the two together fails only when the model is trained."""
        assert set(self.families) == set(subject.families) & {"network", "estimator"}, f"it says {', '.join(sorted(subject.families))}"

    @pytest.mark.parametrize("count", [0, 1])
    def test_no_rows_and_one_row_are_predicted(self, subject: Exporter, tmp_path: Path, count: int) -> None:
        """Else a small request ends in a traceback."""
        from mlforge.runtime.predictor import Predictor

        for family in self.families:
            predictor = Predictor.open(self._exported(subject, tmp_path / family, family).folder)
            assert predictor.score(people(count)).height == count

    def test_a_row_that_breaks_the_contract_is_refused(self, subject: Exporter, tmp_path: Path) -> None:
        """Else the bundle has lost the contract on its way, and predicts nonsense."""
        import polars as pl

        from mlforge.runtime.predictor import Predictor

        predictor = Predictor.open(self._exported(subject, tmp_path, self.families[0]).folder)
        raw = people(3).select("age", "income", "city").cast(pl.String).with_columns(age=pl.lit("430"))
        try:
            answer = predictor.answer(raw)
        except DataError:
            return
        assert answer.rejected.height == 3, "an age of 430 is predicted, and the contract says at most 120"

    def _exported(self, component: Exporter, folder: Path, family: str, task: str = "classification") -> Shipment:
        given = shipment(folder, family, task)
        component.export(given)
        return given


def shipment(folder: Path, family: str = "network", task: str = "classification", model: Model | None = None) -> Shipment:
    """A small fitted model (a stand-in, where none is given) with all that an exporter needs; its `folder` is empty."""
    made = _fitted(model or model_for(frozenset({family})), task)
    (folder / "bundle").mkdir(parents=True)
    shutil.copytree(made.trained.folder, folder / "trained")
    shutil.copytree(made.encoding.folder, folder / "encoding")
    encoding = Encoding(folder / "encoding")
    return replace(made, trained=Trained(folder / "trained"), encoding=encoding, folder=folder / "bundle", rows=lambda count: _encoded(encoding, count))


@lru_cache(maxsize=8)
def _fitted(model: Model, task: str) -> Shipment:
    """The same for every test: fitting takes longer than exporting."""
    from mlforge.builtin.features.categorical import Categorical
    from mlforge.builtin.features.numeric import Numeric
    from mlforge.builtin.trainers.estimator import Estimator
    from mlforge.builtin.trainers.lightning import Lightning
    from mlforge.runtime.session import Graph

    folder = Path(mkdtemp(prefix="mlforge-suite-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    contract, rows = _narrow(task), people(_ROWS)
    fragments = [Numeric().fit("numeric", ("age", "income"), rows.lazy(), contract), Categorical().fit("categorical", ("city",), rows.lazy(), contract)]
    kept = [fragment for fragment in fragments if fragment is not None]
    encoding = Encoding(_new(folder / "encoding"))
    graph = front(kept, contract)
    (encoding.folder / "front.onnx").write_bytes(graph.SerializeToString(deterministic=True))
    vocabularies = {key: list(seen) for fragment in kept for key, seen in fragment.vocabularies.items()}
    blocks = [asdict(block) for block in blocks_of(kept)]
    columns = [value.name for value in graph.graph.input]
    write_json(encoding.folder / "encoding.json", {"blocks": blocks, "columns": columns, "output": asdict(OUTPUTS[task]), "vocabularies": vocabularies})
    tensors = Tensors(Graph(encoding.folder / "front.onnx").run(rows), target_array(rows, OUTPUTS[task]))
    trained = _new(folder / "trained")
    fit = Fitting(model, encoding.blocks, OUTPUTS[task], tensors, tensors, 3, trained, _new(folder / "work"), False, _unheard, _unheard)
    (Lightning(max_epochs=2, accelerator="cpu", threads=1) if model.family == "network" else Estimator()).fit(fit)
    return Shipment(model, Trained(trained), encoding, contract, TASKS[task], folder, False)


def signature(bundle: Path) -> dict[str, object]:
    """What a bundle takes and puts out: of its graph, names, types and shapes; and what `bundle.json` says, without the digests of its files."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(bundle / "model.onnx"))
    graph = {"inputs": session.get_inputs(), "outputs": session.get_outputs()}
    sides = {side: sorted((value.name, value.type, tuple(value.shape)) for value in values) for side, values in graph.items()}
    return sides | read_bundle(bundle).model_dump(mode="json", exclude={"files"})


def _encoded(encoding: Encoding, count: int) -> tuple[np.ndarray, ...]:
    """Rows as the stand-ins were fed them."""
    from mlforge.runtime.session import Graph

    return Graph(encoding.folder / "front.onnx").run(people(min(count, _ROWS)))


def _narrow(task: str) -> Contract:
    """A number, one that may be missing, a category, and the target."""
    whole = contract_for(task)
    kept = {key: column for key, column in whole.columns.items() if key in ("age", "income", "city") or column.role == "target"}
    return whole.model_copy(update={"columns": kept})


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _unheard(*told: object) -> None:
    """Nobody listens."""
