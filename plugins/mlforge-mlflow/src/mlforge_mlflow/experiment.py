"""Where on the server a recipe's runs are, and which of them one is looking for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from mlforge_mlflow.settings import Settings

__all__ = ["experiment_of", "found_run"]


def experiment_of(client: MlflowClient, settings: Settings, recipe: str) -> str:
    """The id of the experiment: MLFLOW_EXPERIMENT_NAME's, else the project's, else one of the recipe's own name; made when it is not there."""
    from mlflow.exceptions import MlflowException

    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or settings.experiment or recipe
    known = client.get_experiment_by_name(name)
    if known is None:
        try:
            return str(client.create_experiment(name))
        except MlflowException:
            known = client.get_experiment_by_name(name)  # somebody else was faster
            if known is None:
                raise
    return str(known.experiment_id)


def found_run(client: MlflowClient, settings: Settings, recipe: str, tags: Mapping[str, str], states: tuple[str, ...] = ()) -> Run | None:
    """The newest run of the recipe's experiment with these tags, in one of these states (any, when none is named)."""
    wanted = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
    runs = client.search_runs([experiment_of(client, settings, recipe)], wanted, order_by=["attributes.start_time DESC"], max_results=100)
    return next((run for run in runs if not states or run.info.status in states), None)
