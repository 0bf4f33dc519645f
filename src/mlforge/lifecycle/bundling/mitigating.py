"""What the mitigations of a recipe do to training rows, and to the bundle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlforge.artifact import Assignment, Encoding, Table, frames
from mlforge.components import Decision, Job, Mitigation, Scored, Tensors
from mlforge.errors import RecipeError, RunFailed
from mlforge.finding import Finding
from mlforge.lifecycle.bundling.deciding import draw_lines
from mlforge.task import Output

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from mlforge.runtime.predictor import Predictor

__all__ = ["DECLARED", "decided", "mitigated"]

DECLARED = ("mitigation/accuracy_cost", "mitigation/difference")


def mitigated(job: Job, encoding: Encoding, train: Tensors, validation: Tensors) -> tuple[Tensors, Tensors]:
    """Training and validation rows as the recipe's mitigations weigh and draw them; validation rows are weighed only."""
    import numpy as np

    for entry, mitigation in job.entries("mitigations", Mitigation).items():
        _classes_only(entry, encoding.output)
        names, groups = _ids(job, mitigation.column, "train")
        others, later = _ids(job, mitigation.column, "validation")
        if len(groups) != len(train.target):
            raise RecipeError(f"mitigations.{entry} follows one that draws rows", hint="Let the one that draws rows be the last.")
        train, validation = _weighed(mitigation, encoding.output, train, validation, names, groups, others, later)
        taken = mitigation.take(groups, np.asarray(train.target), job.seed)
        if taken is not None:
            weight = None if train.weight is None else train.weight[taken]
            taught = None if train.taught is None else train.taught[taken]
            train = replace(train, blocks=tuple(block[taken] for block in train.blocks), target=train.target[taken], weight=weight, taught=taught)
    return train, validation


def decided(job: Job, variant: str, folder: Path) -> None:
    """Let the written bundle draw the line between two classes where a mitigation says, and tell what that costs on the test rows."""
    from mlforge.runtime.predictor import Predictor

    for entry, mitigation in job.entries("mitigations", Mitigation).items():
        predictor = Predictor.open(folder)
        output = predictor.bundle.output
        _classes_only(entry, output)
        if len(output.classes) != 2:
            if type(mitigation).decide is not Mitigation.decide:
                raise RecipeError(f"mitigations.{entry} draws a line between two classes, and {output.target} has {len(output.classes)}")
            continue
        decision = mitigation.decide(_scored(job, predictor, mitigation.column, "validation"))
        if decision is None:
            _nothing(job, entry, mitigation, variant)
            continue
        column = job.contract.columns[mitigation.column]
        draw_lines(folder, decision, mitigation.column, column)
        tested = _scored(job, predictor, mitigation.column, "test")
        for finding in _told(mitigation, decision, tested):
            job.find(finding.model_copy(update={"variant": variant}))


def _classes_only(entry: str, output: Output) -> None:
    if output.kind != "classes":
        raise RecipeError(
            f"mitigations.{entry}: mitigations are for classification, and {output.target} is not one target with classes", hint="Leave `mitigations` out."
        )


def _nothing(job: Job, entry: str, mitigation: Mitigation, variant: str) -> None:
    """A mitigation that should have decided says so; one that only weighs or draws rows has nothing to say here."""
    if type(mitigation).decide is not Mitigation.decide:
        text = f"{entry} finds fewer than two groups of {mitigation.column} with enough validation rows, so no line was moved"
        for name in DECLARED:
            job.find(Finding(name=name, value=None, text=text, variant=variant, severity="warning"))


def _weighed(
    mitigation: Mitigation, output: Output, train: Tensors, validation: Tensors, names: list[str], groups: np.ndarray, others: list[str], later: np.ndarray
) -> tuple[Tensors, Tensors]:
    import numpy as np

    totals = np.zeros((len(names), output.width))
    np.add.at(totals, (groups, np.asarray(train.target)), 1.0 if train.weight is None else np.asarray(train.weight, dtype=float))
    factors = mitigation.weigh(totals)
    if factors is None:
        return train, validation
    of = {name: factors[place] for place, name in enumerate(names)}
    unseen = np.array([of.get(name, np.ones(output.width)) for name in others]).reshape(-1, output.width)
    return _times(train, factors[groups, train.target]), _times(validation, unseen[later, validation.target])


def _times(part: Tensors, factors: np.ndarray) -> Tensors:
    import numpy as np

    return replace(part, weight=(factors * (1.0 if part.weight is None else part.weight)).astype(np.float32))


def _columns(job: Job, part: str, columns: list[str]) -> Iterator[pl.DataFrame]:
    yield from frames(job.input("table", Table), job.input("assignment", Assignment), part, columns=columns)


def _groups(rows: pl.DataFrame, column: str) -> np.ndarray:
    import polars as pl

    names: np.ndarray = rows[column].cast(pl.String).fill_null("").to_numpy().astype(str)
    return names


def _ids(job: Job, column: str, part: str) -> tuple[list[str], np.ndarray]:
    """The groups of a part, and each row's."""
    import numpy as np

    read = [_groups(rows, column) for rows in _columns(job, part, [column])]
    names, places = np.unique(np.concatenate(read) if read else np.array([], dtype=str), return_inverse=True)
    return names.tolist(), places


def _scored(job: Job, predictor: Predictor, column: str, part: str) -> Scored:
    """A part as the bundle scores it."""
    import numpy as np
    import polars as pl

    output, weights = predictor.bundle.output, job.contract.having("weight")
    columns = list(dict.fromkeys([*job.contract.having("feature"), column, output.target, *weights[:1]]))
    read: list[tuple[np.ndarray, ...]] = []
    for rows in _columns(job, part, columns):
        if not rows.height:
            continue
        said = predictor.score(rows)["probability_1"].to_numpy()
        target = (rows[output.target].cast(pl.String) == str(_text(rows[output.target], output.classes[1]))).to_numpy()
        weight = rows[weights[0]].cast(pl.Float64).to_numpy() if weights else np.ones(rows.height)
        read.append((said, target, _groups(rows, column), weight))
    if not read:
        raise RunFailed(f"mitigations: there are no {part} rows to draw a line by", hint=f"Give the split a {part} share.")
    return Scored(*(np.concatenate(parts) for parts in zip(*read, strict=True)))


def _text(column: pl.Series, value: object) -> str:
    """A class as the column has it in text: a bool is "true", not "True"."""
    import polars as pl

    return str(pl.Series([value]).cast(column.dtype).cast(pl.String)[0])


def _told(mitigation: Mitigation, decision: Decision, tested: Scored) -> Iterator[Finding]:
    """What the lines cost, and what they bring, on rows that had no say in them."""
    import numpy as np

    before, after = tested.positive >= 0.5, tested.positive >= _lines(decision, tested.groups)
    lost = (before == tested.target).astype(float) - (after == tested.target)
    share = tested.weight / tested.weight.sum()
    cost = float((lost * share).sum())
    half = 1.96 * float(np.sqrt((share**2 * (lost - cost) ** 2).sum()))
    accuracy = float(((after == tested.target) * share).sum())
    lines = ", ".join(f"{group} from {line:.3g}" for group, line in decision.groups.items()) or f"all from {decision.otherwise:.3g}"
    nobody = "; nobody is predicted positive any more" if not after.any() else ""
    yield Finding(
        name="mitigation/accuracy_cost", value=cost, low=cost - half, high=cost + half, interval="95 % normal, paired over test rows", better="lower",
        rows=len(lost), severity="warning" if nobody else "info", evidence={"lines": dict(decision.groups), "otherwise": decision.otherwise},
        text=f"accuracy is {accuracy:.4g} instead of {accuracy + cost:.4g} with the lines of {mitigation.column}: {lines}{nobody}",
    )  # fmt: skip
    was, now = mitigation.apart(tested, before), mitigation.apart(tested, after)
    text = (
        "fewer than two groups have enough test rows"
        if was is None or now is None
        else f"groups of {mitigation.column} are {now:.3g} apart instead of {was:.3g}"
    )
    yield Finding(name="mitigation/difference", value=now, better="lower", rows=len(lost), text=text)


def _lines(decision: Decision, groups: np.ndarray) -> np.ndarray:
    import numpy as np

    by_group: Mapping[str, float] = decision.groups
    return np.array([by_group.get(str(group), decision.otherwise) for group in groups], dtype=np.float32)
