"""The evaluator of differences between groups of people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from mlforge.builtin.probes.groups import Group, grouped, groups_of, merged, slug
from mlforge.builtin.probes.rates import Apart, Rate, apart, rates
from mlforge.builtin.probes.slices import groupings, objections
from mlforge.components import Objection, Probe
from mlforge.contract import Contract
from mlforge.finding import Finding
from mlforge.window import Profile, Window

if TYPE_CHECKING:
    from mlforge.task import Task

__all__ = ["Fairness"]

_BY_RATE = {
    "demographic_parity_difference": "selection_rate",
    "equal_opportunity_difference": "recall",
    "predictive_parity_difference": "precision",
    "accuracy_difference": "accuracy",
}
_OF_VALUES = {"mae_difference": "mae", "bias_difference": "bias"}
_SHOWN = 30  # groups in the evidence


class Fairness(Probe):
    """How far groups of people are apart in what the model does to them.

    For each protected column, and each combination in `columns`: `<column>/demographic_parity_difference` (shares that are predicted positive), `…_ratio`
    (the smallest share over the largest), `equal_opportunity_difference` (recall), `equalised_odds_difference` (recall or false positives, the larger),
    `predictive_parity_difference` (precision), `accuracy_difference` and `calibration_difference` (calibration error within groups), for the positive one of
    two classes, as Fairlearn defines them. With more classes, accuracy alone; of values, `mae_difference` and `bias_difference`.

    The lower end of an interval lies above the true difference in at most 5 % of cases, whatever the number of groups and their size: a gate that judges
    `by: low` refuses what is shown and not what is drawn by chance.
    """

    libraries: ClassVar[tuple[str, ...]] = ("numpy", "polars")

    columns: tuple[str, ...] = Field(
        default=(), description="columns to compare groups by, joined by * for combinations: [sex, sex*race]; by default all protected ones"
    )
    edges: Mapping[str, tuple[float, ...]] = Field(default_factory=dict, description="of columns that are numbers: where a group ends and the next begins")
    minimum: int = Field(default=30, ge=1, description="rows that a group must have to be compared")
    confidence: float = Field(default=0.95, ge=0.5, lt=1, description="confidence of the intervals, over all pairs of groups at once")

    def objections(self, contract: Contract) -> Iterable[Objection]:
        """Columns that are not there, or that cannot be cut into groups; nobody to compare."""
        yield from objections(self._columns(contract), self.edges, contract)
        if not self._columns(contract):
            hint = "Give a column role: protected in the contract, or name columns here."
            yield Objection("columns", "the contract has no protected column, so there are no groups to compare", hint=hint)

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """Each difference, by column."""
        for column in self._columns(contract):
            yield from (f"{slug(column)}/{name}" for name in _names(task))

    def summarise(self, window: Window) -> Profile:
        """Sums by group: a sketch."""
        return grouped(window, groupings(self._columns(window.contract), self.edges))

    def merge(self, one: Profile, other: Profile) -> Profile:
        """Sums of sums."""
        return merged(one, other)

    def findings(self, profile: Profile, reference: Profile | None) -> Iterable[Finding]:
        """Every difference, with the two groups that are furthest apart and the rates of all."""
        if not profile.tables:
            return
        classes = tuple(profile.tables["classes"]["class"].to_list())
        broken = int(profile.tables["broken"]["rows"].sum())
        cuts = profile.tables["cells"]["grouping"].unique().sort().to_list()
        for column in (name for name in cuts if name != "all"):
            groups = groups_of(profile, column)
            large = {group.name: group for group in groups if group.rows >= self.minimum}
            for finding in self._column(column, large, len(groups), classes):
                yield finding.model_copy(update=_nothing(f"{broken} predictions are not finite numbers")) if broken else finding

    def _column(self, column: str, large: Mapping[str, Group], groups: int, classes: tuple[str, ...]) -> Iterator[Finding]:
        known = rates(classes)
        small = groups - len(large)
        left_out = f"; {small} groups of fewer than {self.minimum} rows are left out" if small else ""
        few = f"{column} has {len(large)} group{'s' * (len(large) != 1)} of at least {self.minimum} rows, and two are needed to compare"
        for name, rate in (_OF_VALUES if not classes else _BY_RATE).items():
            if rate in known:
                yield self._difference(f"{slug(column)}/{name}", column, large, known[rate].measure, rate, few, left_out)
        if len(classes) == 2:
            yield self._odds(column, large, few, left_out)
            yield _ratio(column, large, known["selection_rate"].measure, self.confidence, few, left_out)
            yield _calibration(column, large, few, left_out)

    def _difference(self, name: str, column: str, large: Mapping[str, Group], measure: Any, rate: str, few: str, left_out: str) -> Finding:
        found = apart(large, measure, self.confidence)
        if found is None:
            return Finding(name=name, value=None, better="lower", text=few if len(large) < 2 else f"fewer than two groups of {column} have a {rate}")
        return _told(name, found, {group: measure(sums, self.confidence) for group, sums in large.items()}, large, rate, self.confidence, left_out)

    def _odds(self, column: str, large: Mapping[str, Group], few: str, left_out: str) -> Finding:
        """The larger of the differences in recall and in false positives; each at half the share of errors, for the larger of two is looked for."""
        name, known, half = f"{slug(column)}/equalised_odds_difference", rates(("", "")), 1 - (1 - self.confidence) / 2
        both = [(rate, apart(large, known[rate].measure, half)) for rate in ("recall", "false_positive_rate")]
        having = [(rate, found) for rate, found in both if found is not None]
        if not having:
            return Finding(name=name, value=None, better="lower", text=few)
        rate, found = max(having, key=lambda one: one[1].value)
        widest = Apart(found.value, max(one.low for _, one in having), max(one.high for _, one in having), found.least, found.most, found.pairs)
        seen = {group: known[rate].measure(sums, self.confidence) for group, sums in large.items()}
        return _told(name, widest, seen, large, rate, self.confidence, left_out)

    def _columns(self, contract: Contract) -> tuple[str, ...]:
        return self.columns or tuple(
            key for key in contract.having("protected") if contract.columns[key].dtype in ("category", "string", "bool") or key in self.edges
        )


def _names(task: Task) -> Iterable[str]:
    if task.output == "value":
        return _OF_VALUES
    return (*_BY_RATE, "equalised_odds_difference", "demographic_parity_ratio", "calibration_difference")


def _told(name: str, found: Apart, seen: Mapping[str, Rate], large: Mapping[str, Group], rate: str, confidence: float, left_out: str) -> Finding:
    rows = sum(group.rows for group in large.values())
    text = f"{rate} is {seen[found.least].value:.3g} for {found.least} and {seen[found.most].value:.3g} for {found.most}{left_out}"
    how = f"{100 * confidence:g} % Newcombe score, Bonferroni over {found.pairs} pair{'s' * (found.pairs != 1)}"
    largest = sorted(seen, key=lambda group: (-large[group].rows, group))[:_SHOWN]
    groups = {
        group: {"rows": large[group].rows, rate: seen[group].value, "low": seen[group].low, "high": seen[group].high}
        for group in largest
        if seen[group].defined
    }
    return Finding(
        name=name,
        value=found.value,
        low=found.low,
        high=found.high,
        interval=how,
        better="lower",
        rows=rows,
        text=text,
        evidence={"groups": groups, "left_out": left_out[2:]},
    )


def _ratio(column: str, large: Mapping[str, Group], measure: Any, confidence: float, few: str, left_out: str) -> Finding:
    """The smallest selection rate over the largest: below 0.8 the "four-fifths rule" (29 CFR 1607.4 D) speaks of adverse impact."""
    name = f"{slug(column)}/demographic_parity_ratio"
    seen = {group: rate for group, sums in large.items() if (rate := measure(sums, confidence)).defined}
    if len(seen) < 2:
        return Finding(name=name, value=None, better="higher", text=few)
    least, most = min(seen, key=lambda group: (seen[group].value, group)), max(seen, key=lambda group: (seen[group].value, group))
    if not seen[most].value:
        return Finding(name=name, value=None, better="higher", text=f"no row of any group of {column} is predicted positive")
    value = seen[least].value / seen[most].value
    return Finding(
        name=name, value=value, better="higher", rows=sum(large[group].rows for group in seen),
        text=f"{least} is predicted positive {value:.2f} times as often as {most}{left_out}",
    )  # fmt: skip


def _calibration(column: str, large: Mapping[str, Group], few: str, left_out: str) -> Finding:
    """How far the groups' calibration errors (15 bins) are apart."""
    name = f"{slug(column)}/calibration_difference"
    errors = {group: sum(abs(true - said) for _, said, true in sums.bins) / sums.weight for group, sums in large.items() if sums.weight > 0}
    if len(errors) < 2:
        return Finding(name=name, value=None, better="lower", text=few)
    least, most = min(errors, key=lambda group: (errors[group], group)), max(errors, key=lambda group: (errors[group], group))
    text = f"the calibration error is {errors[least]:.3g} for {least} and {errors[most]:.3g} for {most}{left_out}"
    rows = sum(large[group].rows for group in errors)
    return Finding(
        name=name,
        value=errors[most] - errors[least],
        better="lower",
        rows=rows,
        text=text,
        evidence={"calibration_error": dict(sorted(errors.items())[:_SHOWN])},
    )


def _nothing(text: str) -> dict[str, Any]:
    return {"value": None, "low": None, "high": None, "text": text}
