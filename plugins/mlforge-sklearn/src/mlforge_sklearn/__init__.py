"""A chosen list of scikit-learn's estimators as models of mlforge."""

from __future__ import annotations

from mlforge.hookspecs import hookimpl

__all__ = ["mlforge_components"]

MLFORGE_API = 1


@hookimpl
def mlforge_components() -> dict[str, str]:
    """The models."""
    return {
        "model/logistic_regression": "mlforge_sklearn.linear:LogisticRegression",
        "model/ridge": "mlforge_sklearn.linear:Ridge",
        "model/random_forest": "mlforge_sklearn.forest:RandomForest",
        "model/extra_trees": "mlforge_sklearn.forest:ExtraTrees",
        "model/hist_gradient_boosting": "mlforge_sklearn.boosting:HistGradientBoosting",
    }
