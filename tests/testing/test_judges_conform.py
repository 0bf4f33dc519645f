"""The built-in probes and gates keep their contracts."""

from __future__ import annotations

import numpy as np
import polars as pl

from mlforge.artifact import ROW
from mlforge.builtin.gates.approval import Approval
from mlforge.builtin.gates.baseline import Baseline
from mlforge.builtin.gates.fairness import Fairness as FairnessGate
from mlforge.builtin.gates.no_regression import NoRegression
from mlforge.builtin.gates.thresholds import Rule, Thresholds
from mlforge.builtin.probes.balance import Balance
from mlforge.builtin.probes.classification import Classification
from mlforge.builtin.probes.constant import Constant
from mlforge.builtin.probes.duplicates import Duplicates
from mlforge.builtin.probes.freshness import Freshness
from mlforge.builtin.probes.language import Language
from mlforge.builtin.probes.leakage import Leakage
from mlforge.builtin.probes.missing import Missing
from mlforge.builtin.probes.outliers import Outliers
from mlforge.builtin.probes.regression import Regression
from mlforge.builtin.probes.shift import Shift
from mlforge.contract import Contract
from mlforge.task import TASKS, Output
from mlforge.testing import GateContract, ProbeContract
from mlforge.window import Window


class OfRows(ProbeContract):
    predictions = False


class TestBalance(OfRows):
    component = Balance()


class TestConstant(OfRows):
    component = Constant()


class TestDuplicates(OfRows):
    component = Duplicates()


class TestFreshness(OfRows):
    component = Freshness(now="2025-01-01")


class TestLeakage(OfRows):
    component = Leakage()


class TestMissing(OfRows):
    component = Missing()


class TestOutliers(OfRows):
    component = Outliers()


class TestShift(OfRows):
    component = Shift()


class TestClassification(ProbeContract):
    component = Classification()


class TestRegression(ProbeContract):
    component = Regression()
    task = "regression"


class TestLanguage(ProbeContract):
    component = Language(resamples=200)

    def window(self, rows: int) -> Window:
        random = np.random.default_rng(7)
        count = random.integers(1, 60, 3000)[:rows]
        bits = (count * random.normal(3, 0.3, 3000)[:rows]).astype(np.float32)
        texts = pl.DataFrame({ROW: range(rows), "text": ["x" * int(n) for n in count]}, schema={ROW: pl.Int64, "text": pl.String})
        said = pl.DataFrame({"prediction": [0] * rows, "bits": bits, "bytes": count})
        contract = Contract.model_validate({"columns": {"text": {"dtype": "text"}}})
        return Window("test", texts, contract, TASKS["language_model"], Output("bytes", "text", context=64), said)


class TestThresholds(GateContract):
    component = Thresholds(rules={"auc": Rule(finding="test/roc_auc", min=0.9), "late": Rule(finding="test/latency", max=10)})
    passing = {"test/roc_auc": 0.95, "test/latency": 5.0}
    failing = {"test/roc_auc": 0.95, "test/latency": 50.0}


class TestApproval(GateContract):
    component = Approval(role="risk")


class TestFairnessGate(GateContract):
    component = FairnessGate(columns=("sex", "sex*race"), max=0.1)
    passing = {"test/sex/equal_opportunity_difference": 0.05, "test/sex*race/equal_opportunity_difference": 0.1}
    failing = {"test/sex/equal_opportunity_difference": 0.05, "test/sex*race/equal_opportunity_difference": 0.2}


class TestBaseline(GateContract):
    component = Baseline(finding="test/roc_auc")
    passing = {"test/roc_auc": 0.9, "test/roc_auc@baseline": 0.5}
    failing = {"test/roc_auc": 0.5, "test/roc_auc@baseline": 0.5}


class TestNoRegression(GateContract):
    component = NoRegression()
    champion = "adult 3"
    passing = {"test/log_loss/gain": 0.1}
    failing = {"test/log_loss/gain": -0.1}
