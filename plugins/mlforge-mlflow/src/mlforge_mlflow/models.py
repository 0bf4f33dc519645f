"""Bundles as models that MLflow can load, and versions and aliases as they are in mlforge's registry."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import yaml

from mlforge.artifact import Bundles
from mlforge_mlflow.experiment import experiment_of, found_run

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from mlforge_mlflow.settings import Settings

__all__ = ["FOLDER", "mirror", "model_folder", "send_bundle"]

FOLDER = "model"  # among a run's artifacts
_DIGEST = "mlforge.bundle"


def send_bundle(client: MlflowClient, run: str, bundles: Bundles) -> None:
    """Log the bundle that ships among the artifacts of a run."""
    _send(client, run, bundles.bundle(), bundles.digest)


def mirror(client: MlflowClient, settings: Settings, details: Mapping[str, Any]) -> None:
    """Make the version that mlforge has registered, or find it, and give it its aliases. Versions are known by their bundle: numbers may differ."""
    from mlflow.exceptions import MlflowException

    name, digest = details["model"], details["digest"]
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    known = next((one for one in client.search_model_versions(f"name = '{name}'") if one.tags.get(_DIGEST) == digest), None)
    number = known.version if known is not None else _registered(client, settings, details)
    for alias in details["aliases"]:
        client.set_registered_model_alias(name, alias, number)


def model_folder(folder: Path, bundle: Path) -> None:
    """Lay out a bundle as an MLflow model: as a Python function that takes raw rows, and as the ONNX graph in it."""
    shutil.copytree(bundle, folder / "bundle", copy_function=shutil.copyfile)
    flavours: dict[str, Any] = {
        "python_function": {"loader_module": "mlforge_mlflow.flavour", "data": "bundle", "python_version": platform.python_version()},
        "onnx": {"data": "bundle/model.onnx", "onnx_version": "1", "providers": ["CPUExecutionProvider"], "code": None},
    }
    (folder / "MLmodel").write_text(yaml.safe_dump({"flavors": flavours}, sort_keys=True), encoding="utf-8")
    (folder / "requirements.txt").write_text(f"mlforge-mlflow=={version('mlforge-mlflow')}\n", encoding="utf-8")


def _send(client: MlflowClient, run: str, bundle: Path, digest: str) -> None:
    with TemporaryDirectory(prefix="mlforge-") as name:
        model_folder(Path(name), bundle)
        client.log_artifacts(run, name, FOLDER)
    client.set_tag(run, _DIGEST, digest)


def _registered(client: MlflowClient, settings: Settings, details: Mapping[str, Any]) -> str:
    """Make the version, from the run that has its bundle; from one made for it where none has."""
    model, digest = str(details["model"]), str(details["digest"])
    holder = found_run(client, settings, model, {_DIGEST: digest})
    if holder is None:
        if details["bundle"] is None:
            raise LookupError(f"the bundle of {model} {details['version']} is gone from the store, and was never sent")
        tags = {"mlforge.run": details["run"], "mlforge.recipe": model}
        holder = client.create_run(experiment_of(client, settings, model), tags=tags, run_name=f"{model} {details['version']}")
        _send(client, holder.info.run_id, Path(details["bundle"]), digest)
        client.set_terminated(holder.info.run_id)
    tags = {_DIGEST: digest, "mlforge.version": str(details["version"]), "mlforge.run": str(details["run"])}
    made = client.create_model_version(model, f"{holder.info.artifact_uri}/{FOLDER}", holder.info.run_id, tags=tags, await_creation_for=0)
    return str(made.version)
