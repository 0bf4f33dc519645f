"""The evaluator of parts of the rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from mlforge.builtin.probes.groups import Group, Grouping, grouped, groups_of, merged, slug
from mlforge.builtin.probes.rates import Rate, rates
from mlforge.components import Objection, Probe
from mlforge.contract import Contract
from mlforge.errors import nearest
from mlforge.finding import Finding
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    from mlforge.task import Task

__all__ = ["Slices", "groupings", "objections"]

_NUMBERS = ("int", "float", "datetime")
_MOST = 50  # groups of a grouping that are told of, the largest first


class Slices(Probe):
    """How good predictions are in parts of the rows: by the values of columns, by ranges, by combinations, and where an expression holds.

    `slices/<column>/<value>/<measure>`, `slices/<name>/<measure>` of an expression, and `slices/worst/<measure>`, the worst of them all. Groups of fewer rows
    than `minimum` are counted and not judged. Intervals are in closed form, so that ten million rows need no more memory than ten thousand.
    """

    libraries: ClassVar[tuple[str, ...]] = ("numpy", "polars")

    columns: tuple[str, ...] = Field(default=(), description="columns whose values are slices; several joined by * for combinations: sex*race")
    edges: Mapping[str, tuple[float, ...]] = Field(default_factory=dict, description="of columns that are numbers: where a slice ends and the next begins")
    where: Mapping[str, str] = Field(
        default_factory=dict, description="slices by name, as SQL expressions over the columns: {young_women: age < 25 AND sex = 'F'}"
    )
    measures: tuple[str, ...] = Field(default=(), description="what is measured; by default accuracy and log_loss, or mae and rmse")
    minimum: int = Field(default=50, ge=1, description="rows that a slice must have to be judged")
    confidence: float = Field(default=0.95, ge=0.5, lt=1, description="confidence of the intervals")

    def objections(self, contract: Contract) -> Iterable[Objection]:
        """Columns that are not there, or that cannot be sliced; expressions that do not parse."""
        yield from objections(self.columns, self.edges, contract)
        for name, text in self.where.items():
            if reason := _unreadable(text, contract):
                yield Objection(f"where.{name}", reason, "a condition over the contract's columns, such as age < 25 AND sex = 'F'")

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Each measure of each slice, and of the worst."""
        for measure in self._measures(task.output == "value"):
            yield f"slices/worst/{measure}"
            yield from (f"slices/{slug(column)}/*/{measure}" for column in self.columns)
            yield from (f"slices/{slug(name)}/{measure}" for name in self.where)

    def summarise(self, window: Window) -> Profile:
        """Sums by slice: a sketch."""
        import polars as pl

        return grouped(window, groupings(self.columns, self.edges), {name: pl.sql_expr(text) for name, text in self.where.items()})

    def merge(self, one: Profile, other: Profile) -> Profile:
        """Sums of sums."""
        return merged(one, other)

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """Every measure of every slice that is large enough, and the worst."""
        if not profile.tables:
            return
        classes = tuple(profile.tables["classes"]["class"].to_list())
        known = rates(classes)
        wanted = [name for name in self._measures(not classes) if name in known]
        broken = int(profile.tables["broken"]["rows"].sum())
        told = list(self._told(profile))
        for name in wanted:
            seen: list[tuple[str, Finding]] = []
            for path, what, group in told:
                finding = self._finding(f"slices/{path}/{name}", what, group, name, classes)
                if broken:
                    finding = finding.model_copy(update={"value": None, "low": None, "high": None, "text": f"{broken} predictions are not finite numbers"})
                seen.append((what, finding))
                yield finding
            yield _worst(name, seen, known[name].better)

    def _told(self, profile: Profile) -> Iterator[tuple[str, str, Group]]:
        """Path, words and sums of each slice, the largest first."""
        for column in self.columns:
            found = sorted((group for group in groups_of(profile, column) if group.rows >= self.minimum), key=lambda group: (-group.rows, group.name))
            for group in found[:_MOST]:
                yield f"{slug(column)}/{slug(group.name)}", f"{column} {group.name}", group
        for name in self.where:
            none = Group("", {}, {})
            yield slug(name), name, next(iter(groups_of(profile, name)), none)

    def _finding(self, path: str, what: str, group: Group, measure: str, classes: tuple[str, ...]) -> Finding:
        named = rates(classes)[measure]
        about = {"name": path, "better": named.better, "rows": group.rows}
        if group.rows < self.minimum:
            return Finding(value=None, text=f"{what} has {group.rows} rows, and {self.minimum} are asked for", **about)
        rate: Rate = named.measure(group, self.confidence)
        if not rate.defined:
            return Finding(value=None, text=f"{what} has no {named.what}", **about)
        ends = {"low": rate.low, "high": rate.high, "interval": f"{100 * self.confidence:g} % {named.how}"}
        return Finding(value=rate.value, text=f"{measure} where {what}: {rate.value:.3g}, {group.rows} rows", **ends, **about)

    def _measures(self, values: bool) -> tuple[str, ...]:
        return self.measures or (("mae", "rmse") if values else ("accuracy", "log_loss"))


def groupings(columns: Iterable[str], edges: Mapping[str, tuple[float, ...]]) -> list[Grouping]:
    """The cuts that recipes write as sex and sex*race."""
    return [Grouping(name, tuple(name.split("*")), edges) for name in columns]


def objections(columns: Iterable[str], edges: Mapping[str, tuple[float, ...]], contract: Contract) -> Iterator[Objection]:
    """What speaks against cutting by these columns."""
    for key in dict.fromkeys(part for name in columns for part in name.split("*")):
        if key not in contract.columns:
            yield Objection("columns", f"there is no column {key}", f"one of {', '.join(list(contract.columns)[:20])}")
        elif contract.columns[key].dtype in _NUMBERS and not edges.get(key):
            yield Objection("columns", f"{key} is a number, and every value would be a slice", hint=f"Say where slices end: edges: {{{key}: [25, 50]}}")
    for key, cuts in edges.items():
        if key not in contract.columns:
            yield Objection(f"edges.{key}", f"there is no column {key}", hint=nearest(key, contract.columns))
        if list(cuts) != sorted(set(cuts)):
            yield Objection(f"edges.{key}", f"{list(cuts)} does not rise")


def _unreadable(text: str, contract: Contract) -> str:
    import polars as pl

    try:
        names = pl.sql_expr(text).meta.root_names()
    except Exception as error:
        return f"{text!r} cannot be read: {str(error).splitlines()[0]}"
    unknown = [name for name in names if name not in contract.columns]
    return f"there is no column {', '.join(unknown)}" if unknown else ""


def _worst(measure: str, seen: list[tuple[str, Finding]], better: str | None) -> Finding:
    having = [(what, finding) for what, finding in seen if finding.value is not None]
    if not having:
        return Finding(name=f"slices/worst/{measure}", value=None, text="no slice has enough rows")

    def badness(one: tuple[str, Finding]) -> float:
        value = one[1].value or 0.0
        return {"higher": value, "lower": -value}.get(better or "", -abs(value))

    what, worst = min(having, key=badness)
    return worst.model_copy(
        update={
            "name": f"slices/worst/{measure}",
            "text": f"the worst of {len(having)} slices is {what}: {measure} {worst.value:.3g}",
            "evidence": {"slice": what},
        }
    )
