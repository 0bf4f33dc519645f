"""The bundle: one immutable folder from raw row to prediction, which loads without executing code.

`bundle.json` says what the model takes and puts out and has a digest of every other file; `model.onnx` is the graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlforge.contract import Column, Contract
from mlforge.errors import DataError
from mlforge.runtime.protections import Rule, guarded
from mlforge.task import Output

__all__ = ["DESCRIPTION", "FORMAT", "MODEL", "Bundle", "ask_also", "description_of", "enclose", "protect_bundle", "read_bundle", "write_bundle"]

FORMAT: Literal[1] = 1
MODEL = "model.onnx"
DESCRIPTION = "bundle.json"


class Bundle(BaseModel):
    """What `bundle.json` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = Field(default=1, description="version of this description")
    runtime: Literal["onnx"] = Field(default="onnx", description="what runs the model")
    task: str = Field(description="classification, regression, …")
    contract: Contract = Field(description="what a raw row must be: feature columns only")
    output: Output = Field(description="target, classes in the order of the probabilities; offset and scale are in the graph already")
    protections: Mapping[str, Rule] = Field(default_factory=dict, description="what is done to a column of a raw row before the graph sees it")
    protected: Contract | None = Field(default=None, description="what a row must be after its protections; None when there are none")
    columns: tuple[str, ...] = Field(description="contract keys of the columns that the graph takes, which are the names of its inputs")
    files: Mapping[str, str] = Field(description="sha256 of every other file")


def write_bundle(
    folder: Path, *, model: bytes, task: str, contract: Contract, output: Output, columns: tuple[str, ...], seen: Mapping[str, list[str]]
) -> Bundle:
    """Fill a folder with a bundle. Same inputs, same bytes.

    `seen` has the categories of the training rows: they become the column's `values` where the contract says that an unseen one is an error.
    """
    (folder / MODEL).write_bytes(model)
    bundle = Bundle(
        task=task,
        contract=_serving(contract, seen),
        output=output,
        columns=columns,
        files={MODEL: sha256(model).hexdigest()},
    )
    _describe(folder, bundle)
    return bundle


def protect_bundle(folder: Path, raw: Contract, rules: Mapping[str, Rule]) -> None:
    """Let a written bundle take raw rows, whose columns are protected by these rules: judged by the raw contract, then protected, then predicted."""
    bundle = read_bundle(folder)
    kept = bundle.contract.columns
    rules = {key: rule for key, rule in rules.items() if key in kept}
    if rules:
        columns = {key: raw.columns[key].model_copy(update={"unique": False}) if key in rules else column for key, column in kept.items()}
        contract = guarded(bundle.contract.model_copy(update={"columns": columns}), rules)
        _describe(folder, bundle.model_copy(update={"contract": contract, "protections": rules, "protected": bundle.contract}))


def enclose(folder: Path, name: str, content: bytes) -> None:
    """Put a further file into a written bundle, or another content into one of its files."""
    bundle = read_bundle(folder)
    (folder / name).write_bytes(content)
    _describe(folder, bundle.model_copy(update={"files": {**bundle.files, name: sha256(content).hexdigest()}}))


def ask_also(folder: Path, key: str, column: Column) -> None:
    """Let a written bundle, whose graph takes it, ask for a further column with every raw row. To be called before `protect_bundle`."""
    bundle = read_bundle(folder)
    contract = bundle.contract.model_copy(update={"columns": {**bundle.contract.columns, key: column}})
    _describe(folder, bundle.model_copy(update={"contract": contract, "columns": (*bundle.columns, key)}))


def _describe(folder: Path, bundle: Bundle) -> None:
    (folder / DESCRIPTION).write_text(bundle.model_dump_json(indent=1) + "\n", encoding="utf-8")


def description_of(folder: Path) -> str:
    """The sha256 of a bundle's description, which has those of all its files. Raises DataError when there is none."""
    try:
        return sha256((folder / DESCRIPTION).read_bytes()).hexdigest()
    except OSError as error:
        raise _missing(folder, error) from None


def read_bundle(folder: Path, described: str = "") -> Bundle:
    """Read and verify a bundle. Raises DataError when it is missing, of another format, or not what its digests say.

    `described` is the sha256 that its description must have, where that has been verified before.
    """
    try:
        content = (folder / DESCRIPTION).read_bytes()
        if described and sha256(content).hexdigest() != described:
            raise DataError(f"{folder / DESCRIPTION}: it is another than was verified", hint="Somebody has changed it meanwhile; do not use this bundle.")
        bundle = Bundle.model_validate_json(content)
    except OSError as error:
        raise _missing(folder, error) from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{folder / DESCRIPTION}: {where}: {first['msg']}", hint=f"This mlforge reads bundles of format {FORMAT}.") from None
    if MODEL not in bundle.files:
        raise DataError(f"{folder / DESCRIPTION}: files: {MODEL} is missing", hint="Make the bundle again.")
    for name, digest in bundle.files.items():
        _verify(folder, name, digest)
    return bundle


def _missing(folder: Path, error: OSError) -> DataError:
    return DataError(f"{folder}: no bundle: {DESCRIPTION}: {error.strerror}", hint="Name a folder that an export has written.")


def _verify(folder: Path, name: str, digest: str) -> None:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise DataError(f"{folder / DESCRIPTION}: files: {name!r} lies outside the bundle", hint="Make the bundle again; do not use this one.")
    try:
        with path.open("rb") as stream:
            found = file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}", hint="Make the bundle again.") from None
    if found != digest:
        raise DataError(
            f"{path}: has the digest {found[:12]}…, and {DESCRIPTION} says {digest[:12]}…", hint="The file was changed or damaged; make the bundle again."
        )


def _serving(contract: Contract, seen: Mapping[str, list[str]]) -> Contract:
    asked = contract.projected("predict")
    columns = dict(asked.columns)
    for key, categories in seen.items():
        column = columns[key]
        if column.dtype == "category" and column.unseen == "error" and column.values is None and categories:
            columns[key] = column.model_copy(update={"values": tuple(categories)})
    return asked.model_copy(update={"columns": columns})
