"""Fit the transforms to the training rows: how raw columns become tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar

from mlforge.artifact import Artifact, Assignment, Encoding, Table, write_json
from mlforge.components import Fragment, Job, Stage, Transform, dealt
from mlforge.contract import Contract
from mlforge.errors import DataError
from mlforge.finding import Finding
from mlforge.lifecycle.bundling.front import blocks_of, front
from mlforge.task import Output, Task

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Prepare"]


class Prepare(Stage):
    """Fits the features to the training rows and writes them as one graph from raw columns to tensors."""

    needs: ClassVar[tuple[str, ...]] = ("contract", "features")
    reads: ClassVar[tuple[str, ...]] = ("task",)
    inputs: ClassVar[Mapping[str, type[Artifact]]] = {"table": Table, "assignment": Assignment}
    declares: ClassVar[tuple[str, ...]] = ("features/width",)
    outputs: ClassVar[Mapping[str, type[Artifact]]] = {"encoding": Encoding}

    def run(self, job: Job) -> None:
        """Write `front.onnx` and `encoding.json`."""
        rows = _training_rows(job.input("table", Table), job.input("assignment", Assignment))
        output = output_of(rows, job.contract, job.task) if job.task.output != "bytes" else None
        fragments = list(_fit(job, rows))
        if not fragments:
            raise DataError("contract: no feature column is left", hint="Declare at least one column with role feature.")
        output = output or _text_of(fragments)
        draft = job.draft("encoding")
        model = front(fragments, job.contract)
        (draft / "front.onnx").write_bytes(model.SerializeToString(deterministic=True))
        write_json(draft / "encoding.json", _described(fragments, [value.name for value in model.graph.input], output))
        width = sum(block.width for block in blocks_of(fragments))
        job.find(Finding(name="features/width", value=width, text=_widened(len(model.graph.input), width), subject="data"))


def output_of(rows: pl.LazyFrame, contract: Contract, task: Task) -> Output:
    """What the model must put out, from the target of the training rows. Raises DataError when there is nothing to tell apart."""
    import polars as pl

    if task.output == "labels":
        return _labels(rows, contract)
    target = contract.target
    column = contract.columns[target]
    where = f"contract.columns.{target}"
    if task.output == "value":
        values = rows.select(pl.col(target).cast(pl.Float64)).collect()[target].to_numpy()
        scale = float(values.std()) if len(values) else 0.0
        if not scale > 0:
            raise DataError(f"{where}: the target has one value in all {len(values)} training rows", hint="A regression needs a target that varies.")
        return Output("value", target, (), float(values.mean()), scale)
    classes = sorted(rows.select(pl.col(target).unique()).collect()[target].drop_nulls().to_list())
    if len(classes) < 2:
        found = f"only the class {classes[0]!r}" if classes else "no class"
        raise DataError(f"{where}: the training rows have {found}; a classification needs two or more", hint="Check the source, or the split's shares.")
    if column.positive is not None:
        classes = _positive_last(classes, column.positive, where)
    return Output("classes", target, tuple(classes))


def _labels(rows: pl.LazyFrame, contract: Contract) -> Output:
    """The targets in declared order. Raises DataError for one that no training row has, or that all have, and where it is not known."""
    import polars as pl

    targets = contract.having("target")
    shares = rows.select(pl.col(targets).cast(pl.Float64).mean()).collect().row(0, named=True)
    unknown = rows.select(pl.col(targets).null_count()).collect().row(0, named=True)
    for key in targets:
        if unknown[key]:
            hint = "Leave these rows out of the source, or say what a missing label means there."
            raise DataError(f"contract.columns.{key}: {unknown[key]} training rows do not say whether they have this label", hint=hint)
        if shares[key] in (None, 0.0, 1.0):
            how = "every training row has" if shares[key] else "no training row has"
            raise DataError(f"contract.columns.{key}: {how} this label, so there is nothing to learn", hint="Give it the role ignore, or bring more rows.")
    return Output("labels", ", ".join(targets), targets)


def _text_of(fragments: list[Fragment]) -> Output:
    """What a language model reads and goes on with: one text as bytes."""
    if len(fragments) != 1 or fragments[0].block != "bytes":
        made = ", ".join(sorted({fragment.block for fragment in fragments}))
        raise DataError(f"features: a language model reads one text as bytes, and these make {made}", hint="Write features: [bytes], and nothing beside it.")
    return Output("bytes", fragments[0].columns[0], context=fragments[0].width)


def _positive_last(classes: list[Any], positive: Any, where: str) -> list[Any]:
    known = [value for value in classes if value == positive and isinstance(value, bool) == isinstance(positive, bool)]
    if not known:
        shown = ", ".join(repr(value) for value in classes[:10])
        raise DataError(f"{where}.positive: no training row has the class {positive!r}; there are {shown}", hint="Write the class as the data has it.")
    if len(classes) != 2:
        raise DataError(f"{where}.positive: a positive class needs a target with two classes, and this one has {len(classes)}", hint="Leave `positive` out.")
    return [value for value in classes if value not in known] + known


def _training_rows(table: Table, assignment: Assignment) -> pl.LazyFrame:
    import polars as pl

    parts = [
        pl.concat([pl.scan_parquet(path), pl.scan_parquet(assignment.folder / path.name).select("part")], how="horizontal").filter(pl.col("part") == "train")
        for path in table.partitions()
    ]
    return pl.concat(parts).drop("part")


def _fit(job: Job, rows: pl.LazyFrame) -> Iterator[Fragment]:
    """Each feature column goes to one entry."""
    transforms = job.entries("features", Transform)
    shares = dealt(transforms, job.contract)
    taken = {key for keys in shares.values() for key in keys}
    waiting = [key for key in job.contract.having("feature") if key not in taken]
    if waiting:
        raise _untaken(waiting, job.contract, tuple(transforms))
    for done, (entry, columns) in enumerate(shares.items()):
        job.progress(done, len(shares), entry)
        fragment = transforms[entry].fit(entry, columns, rows, job.contract)
        if fragment is not None:
            yield fragment


def _untaken(columns: list[str], contract: Contract, entries: tuple[str, ...]) -> DataError:
    shown = ", ".join(f"{key} ({contract.columns[key].dtype})" for key in columns[:8]) + (" …" if len(columns) > 8 else "")
    return DataError(
        f"features: no entry takes {shown}; there are {', '.join(entries)}",
        hint="Add a transform that takes the type (`mlforge ls features`), or give the column the role ignore.",
    )


def _described(fragments: list[Fragment], columns: list[str], output: Output) -> dict[str, Any]:
    vocabularies = {key: list(seen) for fragment in fragments for key, seen in fragment.vocabularies.items()}
    return {"blocks": [asdict(block) for block in blocks_of(fragments)], "columns": columns, "output": asdict(output), "vocabularies": vocabularies}


def _widened(columns: int, inputs: int) -> str:
    return f"{columns:,} {'column becomes' if columns == 1 else 'columns become'} {inputs:,} {'input' if inputs == 1 else 'inputs'} of the model"
