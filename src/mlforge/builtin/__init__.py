"""What mlforge brings along: a plugin like any other."""

from __future__ import annotations

from mlforge.hookspecs import hookimpl

__all__ = ["mlforge_components"]

_TABLE = {
    "source/csv": "sources.csv:Csv",
    "source/json_lines": "sources.json_lines:JsonLines",
    "source/arrow": "sources.arrow:Arrow",
    "source/excel": "sources.excel:Excel",
    "source/delta": "sources.delta:Delta",
    "source/iceberg": "sources.iceberg:Iceberg",
    "source/sql": "sources.sql:Sql",
    "source/query": "sources.query:Query",
    "source/parquet": "sources.parquet:Parquet",
    "source/sample": "sources.sample:Sample",
    "privacy/drop": "privacy.drop:Drop",
    "privacy/generalise": "privacy.generalise:Generalise",
    "privacy/pseudonymise": "privacy.pseudonymise:Pseudonymise",
    "split/random": "splits.random:Random",
    "split/stratified": "splits.stratified:Stratified",
    "split/grouped": "splits.grouped:Grouped",
    "split/time": "splits.time:Time",
    "split/column": "splits.column:Column",
    "split/kfold": "splits.kfold:Kfold",
    "checks/balance": "probes.balance:Balance",
    "checks/constant": "probes.constant:Constant",
    "checks/duplicates": "probes.duplicates:Duplicates",
    "checks/freshness": "probes.freshness:Freshness",
    "checks/leakage": "probes.leakage:Leakage",
    "checks/missing": "probes.missing:Missing",
    "checks/outliers": "probes.outliers:Outliers",
    "checks/shift": "probes.shift:Shift",
    "features/numeric": "features.numeric:Numeric",
    "features/categorical": "features.categorical:Categorical",
    "features/hashing": "features.hashing:Hashing",
    "features/dates": "features.dates:Dates",
    "features/text": "features.text:Text",
    "features/arrays": "features.arrays:Arrays",
    "model/linear": "models.linear:Linear",
    "model/mlp": "models.mlp:Mlp",
    "model/tabular_resnet": "models.tabular_resnet:TabularResnet",
    "model/ft_transformer": "models.ft_transformer:FtTransformer",
    "trainer/lightning": "trainers.lightning:Lightning",
    "trainer/estimator": "trainers.estimator:Estimator",
    "exporters/onnx": "exporters.onnx:Onnx",
    "evaluators/classification": "probes.classification:Classification",
    "evaluators/regression": "probes.regression:Regression",
    "evaluators/slices": "probes.slices:Slices",
    "evaluators/fairness": "probes.fairness:Fairness",
    "evaluators/behaviour": "probes.behaviour:Behaviour",
    "evaluators/latency": "probes.latency:Latency",
    "evaluators/errors": "probes.errors:Errors",
    "evaluators/importance": "probes.importance:Importance",
    "evaluators/shap": "probes.shap:Shap",
    "evaluators/segments": "probes.segments:Segments",
    "perturbations/typos": "perturbations.typos:Typos",
    "perturbations/noise": "perturbations.noise:Noise",
    "perturbations/shift": "perturbations.shift:Shift",
    "perturbations/scale": "perturbations.scale:Scale",
    "perturbations/missing": "perturbations.missing:Missing",
    "perturbations/permutation": "perturbations.permutation:Permutation",
    "perturbations/paraphrases": "perturbations.paraphrases:Paraphrases",
    "gates/approval": "gates.approval:Approval",
    "gates/fairness": "gates.fairness:Fairness",
    "mitigations/reweighing": "mitigations.reweighing:Reweighing",
    "mitigations/balanced_sampling": "mitigations.balanced_sampling:BalancedSampling",
    "mitigations/thresholds": "mitigations.thresholds:Thresholds",
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
