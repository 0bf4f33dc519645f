"""The stage split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from mlforge.artifact import PARTS, ROW, UNUSED, Artifact, Assignment, Table, write_json
from mlforge.components import Job, Splitter, Stage
from mlforge.contract import Contract
from mlforge.errors import DataError, RunFailed
from mlforge.finding import Finding
from mlforge.report.figures import number
from mlforge.task import Task

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Split"]

_SHOWN = 5  # classes named in an error


class Split(Stage):
    """Assigns each row to train, validation or test; groups that would be torn apart are an error."""

    needs: ClassVar[tuple[str, ...]] = ("contract", "split")
    reads: ClassVar[tuple[str, ...]] = ("seed", "task")
    inputs: ClassVar[Mapping[str, type[Artifact]]] = {"table": Table}
    declares: ClassVar[tuple[str, ...]] = ("data/rows/*",)
    outputs: ClassVar[Mapping[str, type[Artifact]]] = {"assignment": Assignment}
    libraries: ClassVar[tuple[str, ...]] = ("polars",)

    def headline(self, findings: Sequence[Finding]) -> str:
        """Rows in each part."""
        return " · ".join(f"{finding.name.rpartition('/')[2]} {number(finding.value)}" for finding in findings)

    def run(self, job: Job) -> None:
        """Let the splitter decide, and see that each part has rows, and rows of each class."""
        import polars as pl

        table = job.input("table", Table)
        rows = pl.scan_parquet(table.partitions(), glob=False)
        classes = job.contract.target if job.task.output == "classes" and job.contract.having("target") else None
        if classes is not None:
            _check_classes(rows, job.contract, classes)
        splitter = job.component("split", Splitter)
        assigned = splitter.assign(rows, job.contract, job.seed)
        fold = [pl.col("fold").cast(pl.Int64)] if "fold" in assigned.collect_schema() else []
        parts = assigned.select(pl.col(ROW).cast(pl.Int64), pl.col("part").cast(pl.String), *fold).sort(ROW).collect(engine="streaming")
        _write(job, table, parts)
        counts = {part: int((parts["part"] == part).sum()) for part in PARTS}
        _check_parts(rows, parts, counts, classes, job.task)
        _check_groups(rows, parts, job.contract)
        unused = parts.height - sum(counts.values())
        write_json(job.draft("assignment") / "parts.json", counts)
        for part, count in (counts | ({UNUSED: unused} if unused else {})).items():
            share = count / parts.height
            job.find(
                Finding(name=f"data/rows/{part}", value=count, unit="rows", text=f"{share:.1%} of {parts.height:,} rows", rows=parts.height, subject="data")
            )


def _write(job: Job, table: Table, parts: pl.DataFrame) -> None:
    """The assignment, cut like the table's partitions. Raises RunFailed unless the splitter has named each row once, with a part that there is."""
    import polars as pl

    folder, start = job.draft("assignment"), 0
    for path in table.partitions():
        positions = pl.read_parquet(path, columns=[ROW])[ROW]
        piece = parts.slice(start, len(positions))
        if not piece[ROW].equals(positions):
            raise RunFailed(
                f"split: the splitter has not named each row once (near row {positions[0]:,})", hint="This is a fault of the component, not of the data."
            )
        piece.write_parquet(folder / path.name, compression="zstd", row_group_size=max(1, piece.height))
        start += len(positions)
        job.progress(start, table.rows, "rows")
    strange = parts["part"].is_in([*PARTS, UNUSED]).not_()
    if start != parts.height or strange.any():
        raise RunFailed("split: the splitter has named rows or parts that there are not", hint="This is a fault of the component, not of the data.")


def _check_classes(rows: pl.LazyFrame, contract: Contract, target: str) -> None:
    import polars as pl

    column = contract.columns[target]
    found = rows.select(pl.col(target).drop_nulls().unique().sort()).head(1000).collect(engine="streaming")[target].to_list()
    name = column.name or target
    if len(found) < 2:
        what = f"has one class only: {found[0]!r}" if found else "has no values"
        raise DataError(
            f"the target {name} {what}", hint="A classification needs rows of at least two classes: is it the right column, and is the source whole?"
        )
    if column.positive is not None and str(column.positive) not in {str(one) for one in found}:
        hint = f"It has {', '.join(repr(one) for one in found[:_SHOWN])}: set contract.columns.{target}.positive to one of them."
        raise DataError(f"the target {name} never is {column.positive!r}, its positive class", hint=hint)


def _check_parts(rows: pl.LazyFrame, parts: pl.DataFrame, counts: Mapping[str, int], classes: str | None, task: Task) -> None:
    import polars as pl

    for part, count in counts.items():
        if not count:
            hint = f"There are {parts.height:,} rows in all. Give more of them, or set its share: split.{part if part != 'train' else 'test'}=…"
            raise DataError(f"split: the part {part} is empty", hint=hint)
    if classes is None:
        return
    seen = pl.concat([rows.select(ROW, classes), parts.lazy().select(pl.col(ROW).alias("row"), "part")], how="horizontal")
    table = seen.filter(pl.col("part") != UNUSED).group_by(classes, "part").len().collect()
    for part in PARTS:
        inside = set(table.filter(pl.col("part") == part)[classes])
        lacking = sorted(str(one) for one in set(table[classes]) - inside if one is not None)
        if lacking:
            hint = "split=stratified gives each part some rows of each class, where a class has at least three." if task.output == "classes" else ""
            raise DataError(f"split: the part {part} has no rows of {', '.join(lacking[:_SHOWN])}", hint=hint)


def _check_groups(rows: pl.LazyFrame, parts: pl.DataFrame, contract: Contract) -> None:
    """Rows of one group in two parts would let the model be judged by what it has seen."""
    import polars as pl

    for key in contract.having("group"):
        seen = pl.concat([rows.select(pl.col(key).alias("group")), parts.lazy().select("part")], how="horizontal")
        used = seen.filter(pl.col("group").is_not_null() & (pl.col("part") != UNUSED))
        torn = used.group_by("group").agg(pl.col("part").unique().sort()).filter(pl.col("part").list.len() > 1).sort("group").collect(engine="streaming")
        if torn.height:
            shown = "; ".join(f"{_short(group)} in {' and '.join(inside)}" for group, inside in torn.head(_SHOWN).iter_rows())
            many = f"{torn.height:,} groups of {contract.real_name(key)} are" if torn.height > 1 else f"1 group of {contract.real_name(key)} is"
            hint = "split=grouped keeps groups whole. If rows of one group may be apart, the column is no group: give it another role."
            raise DataError(f"split: {many} in more than one part: {shown}", hint=hint)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
