"""Findings' names as people say them: "Area under the ROC curve" for `test/roc_auc`."""

from __future__ import annotations

__all__ = ["spoken"]

_MEASURES = {
    "roc_auc": "Area under the ROC curve",
    "pr_auc": "Area under the precision–recall curve",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "accuracy": "Share of right answers (accuracy)",
    "balanced_accuracy": "Accuracy, each class counting the same",
    "f1": "F1 score",
    "f_beta": "F-beta score",
    "precision": "Share of alarms that are right (precision)",
    "recall": "Share of cases that are found (recall)",
    "subset_accuracy": "Share of rows with every label right",
    "hamming_loss": "Share of labels that are wrong",
    "ece": "Calibration error",
    "cost": "Cost of errors, per row",
    "cheapest_threshold": "Threshold at which errors cost least",
    "selection_rate": "Share predicted positive",
    "mae": "Mean absolute error",
    "rmse": "Root of the mean squared error",
    "r2": "Share of variance explained (R²)",
    "mape": "Mean error as a share of the value",
    "bias": "Mean error",
}
_GAPS = {
    "demographic_parity_difference": "Gap in how often {} is predicted positive",
    "demographic_parity_ratio": "Ratio of how often {} is predicted positive",
    "equal_opportunity_difference": "Gap in recall between groups of {}",
    "equalised_odds_difference": "Gap in recall or false alarms between groups of {}",
    "predictive_parity_difference": "Gap in precision between groups of {}",
    "accuracy_difference": "Gap in accuracy between groups of {}",
    "calibration_difference": "Gap in calibration between groups of {}",
    "mae_difference": "Gap in mean absolute error between groups of {}",
    "bias_difference": "Gap in mean error between groups of {}",
}
_WHOLE = {
    "data/rows": "Rows that kept the contract",
    "data/rejected": "Rows in quarantine",
    "data/rejected_share": "Share of rows in quarantine",
    "data/balance/smallest_share": "Share of the rarest class",
    "data/balance/ratio": "Largest class over smallest",
    "data/balance/part_difference": "How far the classes' shares differ between parts",
    "data/duplicates/share": "Share of rows that repeat an earlier one",
    "data/duplicates/leaks": "Test rows that are also in training",
    "data/constant/columns": "Columns with one value only",
    "data/constant/nearly": "Columns with nearly one value only",
    "data/leakage/strongest": "Strongest tie of one feature to the target",
    "data/leakage/suspects": "Features that tell the target almost alone",
    "data/missing/largest_share": "Largest share of missing values",
    "data/missing/class_difference": "How far missing values depend on the class",
    "data/outliers/largest_share": "Largest share of outlying values",
    "data/outliers/farthest": "Farthest value, in robust deviations",
    "data/shift/largest": "Largest shift from training to test",
    "data/shift/columns": "Columns that are distributed otherwise in test",
    "features/width": "Inputs of the model",
    "bundle/size": "Size of the bundle",
    "parity/max_difference": "Largest difference from the trained model",
    "parity/mean_difference": "Mean difference from the trained model",
    "parity/agreement": "Same answers as the trained model",
    "train/seconds": "Time of the training",
    "train/epochs": "Passes over the training rows",
    "test/errors/worst": "The most expensive error",
    "test/errors/confusions": "Confusions of one class with another",
    "test/errors/label_suspects": "Labels that look wrong",
    "test/latency/p50": "Time of one prediction, half are faster",
    "test/latency/p99": "Time of one prediction, 99 % are faster",
    "test/latency/cold_start": "Time to the first answer of a fresh process",
    "test/latency/peak_memory": "Memory at most",
    "test/latency/rows_per_second": "Rows predicted in a second",
}


def spoken(name: str) -> str:
    """The name as a person says it; nothing where only the code name is known."""
    parts = name.split("/")
    last = parts[-1]
    if name in _WHOLE:
        return _WHOLE[name]
    if len(parts) == 2 and last in _MEASURES:
        return _MEASURES[last]
    if len(parts) == 2 and last.removesuffix("_micro") in _MEASURES:
        return f"{_MEASURES[last.removesuffix('_micro')]}, all labels together"
    if len(parts) == 3 and last in _GAPS:
        return _GAPS[last].format(parts[1].replace("*", " and "))
    return _of_part(parts)


def _of_part(parts: list[str]) -> str:
    """Of some of the rows, of one class, of one column."""
    match parts:
        case [_, "slices", "worst", measure]:
            return f"{_measure(measure)}, where it is worst"
        case [_, "slices", *where, measure]:
            return f"{_measure(measure)}, where {_words(' is '.join(where))}"
        case [_, "segments", *where, measure] if measure in _MEASURES:
            return f"{_measure(measure)}, where {_words(' is '.join(where))}"
        case [_, "roc_auc" | "pr_auc" | "f1" | "f_beta" as measure, label]:
            return f"{_MEASURES[measure]}, of {_words(label)}"
        case [_, "recall" | "precision" as measure, label]:
            return f"{measure.capitalize()} of {_words(label)}"
        case [_, "ranking", measure]:
            return _ranking(measure)
        case [_, "pinball", quantile]:
            return f"Pinball loss at {quantile}"
        case [_, "importance", column]:
            return f"What is lost without {_words(column)}"
        case [_, "behaviour", test]:
            return f"Rows that fail: {_words(test)}"
        case ["data", "nulls", column]:
            return f"Share missing in {_words(column)}"
        case ["data", "rows", part]:
            return f"Rows for {_words(part)}"
    return ""


def _ranking(measure: str) -> str:
    kind, _, count = measure.partition("_at_")
    told = {"ndcg": "Gain of the first {} (NDCG)", "recall": "Share found among the first {}", "map": "Mean average precision", "mrr": "Mean reciprocal rank"}
    return told[kind].format(count) if kind in told else ""


def _measure(name: str) -> str:
    return _MEASURES.get(name, _words(name).capitalize())


def _words(text: str) -> str:
    return text.replace("_", " ").replace("|", "/").replace("*", " and ")
