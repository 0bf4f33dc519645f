"""What mlforge brings along: a plugin like any other."""

from __future__ import annotations

from mlforge.hookspecs import hookimpl

__all__ = ["mlforge_components"]

_TABLE = {
    "source/csv": "sources.csv:Csv",
    "source/parquet": "sources.parquet:Parquet",
    "source/sample": "sources.sample:Sample",
    "split/random": "splits.random:Random",
    "split/stratified": "splits.stratified:Stratified",
    "checks/balance": "probes.balance:Balance",
    "checks/duplicates": "probes.duplicates:Duplicates",
    "features/numeric": "features.numeric:Numeric",
    "features/categorical": "features.categorical:Categorical",
    "model/linear": "models.linear:Linear",
    "model/mlp": "models.mlp:Mlp",
    "trainer/lightning": "trainers.lightning:Lightning",
    "exporters/onnx": "exporters.onnx:Onnx",
    "evaluators/classification": "probes.classification:Classification",
    "evaluators/regression": "probes.regression:Regression",
    "gates/thresholds": "gates.thresholds:Thresholds",
    "gates/baseline": "gates.baseline:Baseline",
    "gates/no_regression": "gates.no_regression:NoRegression",
}
_STAGES = ("ingest", "split", "inspect", "prepare", "train", "export", "evaluate", "gate", "register")


@hookimpl
def mlforge_components() -> dict[str, str]:
    """The built-in components and the lifecycle's own stages."""
    table = {key: f"mlforge.builtin.{reference}" for key, reference in _TABLE.items()}
    return table | {f"stages/{name}": f"mlforge.lifecycle.stages.{name}:{name.title()}" for name in _STAGES}
