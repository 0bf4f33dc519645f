"""A file of rows becomes a recipe."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlforge.batch import source_at
from mlforge.drafting.columns import keys_of, propose
from mlforge.drafting.fitting import fitting
from mlforge.drafting.leaks import contract_of, without_leaks
from mlforge.drafting.look import Look, look, tokens_in
from mlforge.drafting.persons import parts as words_of
from mlforge.drafting.proposal import Proposal
from mlforge.drafting.recipe import Parts, recipe_text
from mlforge.drafting.sample import Sample, take
from mlforge.drafting.target import Target, target_of
from mlforge.drafting.text import writable
from mlforge.errors import RecipeError, nearest

if TYPE_CHECKING:
    import polars as pl

    from mlforge.components import Source
    from mlforge.plugins import Catalog
    from mlforge.project import Project

__all__ = ["Draft", "draft", "header", "recipe_name"]

_WIDEST = 4000  # columns; the recipe language bounds a file
_SEPARATORS = (",", ";", "\t", "|")
_CHECKS = ("balance", "constant", "duplicates", "freshness", "leakage", "missing", "outliers", "shift")
_WRITTEN = {"text", "array"}  # what text_drift looks at, and drift does not
_TIME = {"date", "time", "timestamp", "day", "month", "year", "period"}


@dataclass(frozen=True)
class Draft:
    """A recipe that is not yet written, and what there is to tell of it."""

    name: str
    text: str
    sample: Sample
    columns: Sequence[Proposal]
    outside: bool  # does the file lie where recipes may not read


def draft(file: Path, target: str, project: Project, catalog: Catalog, *, name: str | None = None, tell: Callable[[int], None] = lambda rows: None) -> Draft:
    """Look at the file and propose a recipe. Raises DataError or RecipeError for a file or a target that nothing can be made of."""
    source, option, settings = _source(file, catalog)
    sample = take(source, tell)
    _check_width(file, sample)
    undeclared = tuple(column for column in sample.frame.columns if not column.strip() or not writable(column))
    frame = sample.frame.drop(undeclared)
    if target not in frame.columns:
        listed = ", ".join(frame.columns[:20]) + (" …" if frame.width > 20 else "")
        raise RecipeError(f"--target {target}: {file.name} has no such column; it has {listed}", hint=nearest(target, frame.columns))
    nulls = tokens_in(frame)
    looks = {column: look(frame[column], nulls) for column in frame.columns}
    keys = keys_of(frame.columns)
    chosen = target_of(looks[target], keys[target], whole=sample.whole)
    columns = _columns(looks, keys, chosen, catalog)
    rows, rejected = _conformed(frame, nulls, columns)
    columns = [*without_leaks([c for c in columns if c.name != target], chosen.proposal, rows, chosen.task, catalog), chosen.proposal]
    order = list(frame.columns)
    columns.sort(key=lambda column: order.index(column.name))
    _check_features(columns, file)
    most, why = _tolerance(sample, rejected, frame.height)
    title = name or recipe_name(file)
    outside = not any(file.resolve().is_relative_to(root.resolve()) for root in project.roots)
    text = recipe_text(
        Parts(
            name=title, file=file.name, source=option, source_settings={"path": _path(file, project, outside=outside), **settings}, read=_read(sample),
            nulls=nulls, max_rejected=most, rejected_why=why, undeclared=undeclared, columns=columns, target=chosen,
            fitting=fitting(sample.read, chosen.task), checks=_checks(catalog, chosen, columns), monitors=_monitors(catalog, columns),
            splits=tuple(catalog.options("split")), models=tuple(catalog.options("model")), protections=tuple(catalog.options("privacy")),
            ordered=_in_order_of_time(looks),
        )
    )  # fmt: skip
    return Draft(title, text, sample, columns, outside)


def header(file: Path, catalog: Catalog) -> tuple[str, ...]:
    """The names of the file's columns. Raises DataError or RecipeError for a file that nothing can be made of."""
    source, _, _ = _source(file, catalog)
    return tuple(column for column in source.scan().collect_schema().names() if column.strip())


def _source(file: Path, catalog: Catalog) -> tuple[Source, str, dict[str, object]]:
    """The source that reads the file, its option, and what it must be told."""
    source = source_at(file, catalog)
    option = next(option for option in catalog.options("source") if catalog.load("source", option) is type(source))
    settings: dict[str, object] = {}
    if "separator" in type(source).model_fields and (separator := _separator(file)) != ",":
        settings["separator"] = separator
        source = source.model_validate({**source.model_dump(exclude_unset=True), **settings})
    return source, option, settings


def _separator(file: Path) -> str:
    """What stands between the names of the first line most often; a comma where nothing does."""
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            line = opened.readline(65_536)
    except OSError:
        return ","  # the source says what is wrong
    bare = re.sub(r'"[^"]*"', "", line)
    return max(_SEPARATORS, key=lambda separator: (bare.count(separator), separator == ","))


def _check_width(file: Path, sample: Sample) -> None:
    if sample.frame.width > _WIDEST:
        hint = "Write them as one column of lists (parquet, dtype: array[float, n]), or choose the columns that matter."
        raise RecipeError(f"{file.name} has {sample.frame.width:,} columns, and a recipe names at most {_WIDEST:,}", hint=hint)


def _columns(looks: dict[str, Look], keys: dict[str, str], target: Target, catalog: Catalog) -> list[Proposal]:
    features = frozenset(catalog.options("features"))
    made: list[Proposal] = []
    for name, one in looks.items():
        if name == target.proposal.name:
            made.append(target.proposal)
            continue
        made.append(propose(one, keys[name], features, first_time=not any(column.role == "time" for column in made)))
    return made


def _conformed(frame: pl.DataFrame, nulls: tuple[str, ...], columns: Sequence[Proposal]) -> tuple[pl.DataFrame, int]:
    """The sample's rows that keep the proposed contract, and how many do not."""
    from mlforge.runtime.conform import Conformer

    contract = contract_of(columns).model_copy(update={"nulls": nulls})
    parted = Conformer(contract).separate(frame)
    return parted.rows, parted.rejected.height


def _check_features(columns: Sequence[Proposal], file: Path) -> None:
    if any(column.role == "feature" for column in columns):
        return
    told = "; ".join(f"{column.name}: {column.seen}" for column in columns[:5] if column.seen)
    raise RecipeError(f"{file.name} leaves no column to learn from: {told}", hint="A model needs at least one feature: is it the right file?")


def _tolerance(sample: Sample, rejected: int, rows: int) -> tuple[str, str]:
    """`max_rejected`, and why."""
    if not sample.whole:
        share = max(0.01, 2 * rejected / rows)
        return f"{math.ceil(100 * share)}%", "not every row was looked at; more than this share of rows that break the contract stops the run"
    if rejected:
        share = math.ceil(1000 * min(1.0, 1.5 * rejected / rows)) / 10
        return f"{share:g}%", f"{rejected:,} of {rows:,} rows break the contract, and go to quarantine; more than this share stops the run"
    return "0", ""


def _checks(catalog: Catalog, target: Target, columns: Sequence[Proposal]) -> tuple[str, ...]:
    timed = any(column.role == "time" for column in columns)
    unfit = ({"balance"} if target.task == "regression" else set()) | (set() if timed else {"freshness"})
    return tuple(check for check in _CHECKS if check in catalog.options("checks") and check not in unfit)


def _monitors(catalog: Catalog, columns: Sequence[Proposal]) -> tuple[str, ...]:
    """What looks at new rows: those that every recipe can have, and the drift of what its features are."""
    written = {str(column.settings["dtype"]).partition("[")[0] in _WRITTEN for column in columns if column.role == "feature"}
    wanted = [*(["drift"] if False in written else []), *(["text_drift"] if True in written else []), "data_quality", "performance"]
    return tuple(one for one in wanted if one in catalog.options("monitors"))


def _in_order_of_time(looks: dict[str, Look]) -> bool:
    """Does a column that is named like a time never fall from one row to the next."""
    for name, one in looks.items():
        timed = one.dtype == "datetime" or (one.numeric and set(words_of(name)) & _TIME)
        if timed and one.distinct > 2 and one.known == one.rows and one.values.is_sorted():
            return True
    return False


def recipe_name(file: Path) -> str:
    """What a recipe for this file is called."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", file.name.partition(".")[0]).strip("_") or "recipe"
    return "my_lifecycle" if plain == "lifecycle" else plain[:100]


def _path(file: Path, project: Project, *, outside: bool) -> str:
    return str(file.resolve()) if outside else os.path.relpath(file.resolve(), project.root.resolve())


def _read(sample: Sample) -> str:
    if sample.whole:
        return f"{sample.read:,} rows"
    return f"{sample.frame.height:,} of {'' if sample.ended else 'the first '}{sample.read:,} rows"
