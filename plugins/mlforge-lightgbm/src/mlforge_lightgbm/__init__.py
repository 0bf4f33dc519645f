"""LightGBM as a model of mlforge."""

from __future__ import annotations

from mlforge.hookspecs import hookimpl

__all__ = ["mlforge_components"]

MLFORGE_API = 1


@hookimpl
def mlforge_components() -> dict[str, str]:
    """One model."""
    return {"model/lightgbm": "mlforge_lightgbm.model:LightGBM"}
