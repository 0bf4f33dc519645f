"""What an observer of fits must do: a component of the section `observers`.

    class TestWeightLength(CallbackContract):
        component = WeightLength(every=2)

It looks on while Lightning fits a small network; give `model` for an observer of another, and `trainer` for one that needs other settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mlforge.components import Callback, Component, Fitting, Model, Place, Trainer
from mlforge.finding import Finding
from mlforge.testing.component import ComponentContract
from mlforge.testing.files import files_of
from mlforge.testing.fits import OUTPUTS, fitting, give_up
from mlforge.testing.stand_ins import Slopes, lightning

__all__ = ["CallbackContract"]

_PLAIN = (bool, int, float, str, type(None))


class CallbackContract(ComponentContract[Callback]):
    """Clauses for an observer of fits."""

    kind: ClassVar[type[Component]] = Callback
    model: ClassVar[Model] = Slopes()
    trainer: ClassVar[Trainer | None] = None
    """What fits while it looks on: the trainer `lightning` with a few short epochs."""

    def exercise(self, component: Callback, folder: Path) -> None:
        """Look on for a moment."""
        self._fit(replace(self._fitting(component, folder), smoke=True))

    def disturb(self, component: Callback, folder: Path) -> None:
        """Have the fit given up while it looks on."""
        self._fit(replace(self._fitting(component, folder), progress=give_up))

    def test_it_makes_a_callback_of_lightning_anew_for_each_fit(self, subject: Callback, tmp_path: Path) -> None:
        """Else what it has kept of one fit is told of the next."""
        from pytorch_lightning import Callback as Base

        fit = self._fitting(subject, tmp_path / "fit")
        one, other = subject.build(fit), subject.build(fit)
        assert isinstance(one, Base), f"build() gives a {type(one).__name__}; a pytorch_lightning.Callback was expected"
        assert one is not other, "both fits get the same callback"

    def test_the_same_seed_gives_the_same_bytes_and_findings(self, subject: Callback, tmp_path: Path) -> None:
        """Else a fit that is looked on cannot be repeated."""
        told = [self._seen(subject, tmp_path / name) for name in ("one", "other")]
        assert told[0][0] == told[1][0], "two fits with one seed differ"
        assert told[0][1] == told[1][1], f"{told[0][1]}, then {told[1][1]}"

    def test_given_up_and_called_again_it_ends_with_the_same_bytes_and_findings(self, subject: Callback, tmp_path: Path) -> None:
        """Else what it keeps over steps is lost when a run is stopped: it belongs into its `state_dict`."""
        whole = self._seen(subject, tmp_path / "whole")
        found: list[Finding] = []
        broken = replace(self._fitting(subject, tmp_path / "broken"), find=found.append)
        with pytest.raises(KeyError, match="gives up"):
            self._fit(replace(broken, progress=give_up))
        found.clear()
        for path in broken.folder.iterdir():  # a killed run's draft is thrown away; its work is kept
            path.unlink()
        self._fit(broken)
        assert files_of(broken.folder) == whole[0], "what is continued differs from what was not stopped"
        assert _lasting(found) == whole[1], f"{_lasting(found)} when continued, and {whole[1]} when not stopped"

    def test_its_state_is_plain_data(self, subject: Callback, tmp_path: Path) -> None:
        """Else no checkpoint can hold it: checkpoints carry no code."""
        watcher = _Keeping(subject)
        self._fit(self._fitting(watcher, tmp_path / "fit"))
        strange = [place for callback in watcher.built for place in _strange(callback.state_dict(), "state_dict()")]
        assert not strange, "; ".join(strange[:5])

    def test_a_finding_has_a_number_or_a_reason(self, subject: Callback, tmp_path: Path) -> None:
        """Else NaN passes through comparisons, and a gate says what it likes."""
        found: list[Finding] = []
        self._fit(replace(self._fitting(subject, tmp_path / "fit"), find=found.append))
        for finding in found:
            assert finding.value is not None or finding.text, f"{finding.name} has no value, and no word on why"
            assert finding.value is None or isfinite(finding.value), f"{finding.name} is {finding.value}"

    def test_only_the_first_process_tells_what_it_finds(self, subject: Callback, tmp_path: Path) -> None:
        """Else a fit by eight processes finds everything eight times."""
        second = _Elsewhere(subject)
        self._fit(self._fitting(second, tmp_path / "fit"))
        assert not second.found, f"rank 1 finds {', '.join(finding.name for finding in second.found)}"

    def _fitting(self, component: Any, folder: Path) -> Fitting:
        return replace(fitting(self.model, folder, OUTPUTS["binary"], rows=100), callbacks={"entry": component})

    def _fit(self, fit: Fitting) -> None:
        (self.trainer or lightning()).fit(fit)

    def _seen(self, component: Callback, folder: Path) -> tuple[Mapping[str, bytes], list[str]]:
        found: list[Finding] = []
        fit = replace(self._fitting(component, folder), find=found.append)
        self._fit(fit)
        return files_of(fit.folder), _lasting(found)


class _Keeping:
    """In the component's place: keeps what it builds."""

    def __init__(self, component: Callback) -> None:
        self.component, self.built = component, list[Any]()

    def build(self, fit: Fitting) -> Any:
        self.built.append(self.component.build(fit))
        return self.built[-1]


class _Elsewhere:
    """In the component's place: has it believe that it is rank 1 of two, and listens."""

    def __init__(self, component: Callback) -> None:
        self.component, self.found = component, list[Finding]()

    def build(self, fit: Fitting) -> Any:
        return self.component.build(replace(fit, place=Place(1, 2, 1, 2), find=self.found.append))


def _lasting(found: list[Finding]) -> list[str]:
    """Those of lasting figures, as text."""
    return [f"{finding.name} {finding.value}" for finding in found if not finding.volatile]


def _strange(state: Any, place: str) -> Iterator[str]:
    """Parts of a state that a checkpoint without code cannot hold."""
    import torch

    if isinstance(state, Mapping):
        for name, part in state.items():
            yield from _strange(part, f"{place}[{name!r}]")
    elif isinstance(state, list | tuple):
        for number, part in enumerate(state):
            yield from _strange(part, f"{place}[{number}]")
    elif not isinstance(state, (*_PLAIN, torch.Tensor)):
        yield f"{place} is a {type(state).__name__}"
