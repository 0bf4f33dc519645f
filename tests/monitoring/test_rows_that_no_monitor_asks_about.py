"""Where no monitor looks at answers, the model is not asked; rows and what breaks the contract are told all the same."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.serving.bundles import make_bundle, people
from tests.serving.monitors.watched import asked, monitors

from mlforge.monitoring.intake import Intake
from mlforge.monitoring.monitor_set import MonitorSet, Watched
from mlforge.runtime.predictor import Predictor
from mlforge.task import TASKS
from mlforge.window import Profile


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    bundle = tmp_path_factory.mktemp("bundle") / "onnx"
    make_bundle(bundle, people())
    return Predictor.open(bundle)


@pytest.mark.parametrize("wrong", [(), (3, 17), tuple(range(40))])
def test_rows_and_reasons_are_the_same_whether_the_model_is_asked_or_not(predictor: Predictor, wrong: tuple[int, ...], tmp_path: Path) -> None:
    rows = asked(40, 1)
    for place in wrong:
        rows[place]["age"] = 430
    frame = pl.DataFrame(rows)
    both = [Intake(predictor, people(), asks=asks).live(frame) for asks in (True, False)]
    assert_frame_equal(both[0].rows, both[1].rows)
    assert both[0].reasons.to_list() == both[1].reasons.to_list()
    assert [place for place, reason in enumerate(both[1].reasons) if reason] == list(wrong)
    assert both[1].predictions is None
    assert both[0].predictions is not None
    assert both[0].predictions["prediction"].is_null().sum() == len(wrong)
    assert both[0].predictions.height == 40


@pytest.mark.parametrize(("names", "asks"), [(("drift", "data_quality"), False), (("drift", "prediction_drift"), True)])
def test_the_model_is_asked_when_a_monitor_is_held_against_the_test_rows(names: tuple[str, ...], asks: bool) -> None:
    chosen = monitors()
    assert MonitorSet(people(), TASKS["classification"], tuple(Watched(name, chosen[name], Profile()) for name in names)).asks is asks
