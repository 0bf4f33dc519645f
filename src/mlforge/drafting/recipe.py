"""The recipe as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlforge.drafting.fitting import Fitting
from mlforge.drafting.proposal import Proposal
from mlforge.drafting.target import Target
from mlforge.drafting.text import aligned, comment, flow, scalar

__all__ = ["Parts", "recipe_text"]


@dataclass(frozen=True)
class Parts:
    """All that is written."""

    name: str
    file: str  # as a person calls it
    source: str  # the component
    source_settings: dict[str, object]
    read: str  # "32,561 rows"
    nulls: tuple[str, ...]
    max_rejected: str  # "0" or a share such as "1%"
    rejected_why: str
    undeclared: tuple[str, ...]  # columns that a contract cannot name
    columns: Sequence[Proposal]
    target: Target
    fitting: Fitting
    checks: tuple[str, ...]
    monitors: tuple[str, ...]
    splits: tuple[str, ...]  # what is installed
    models: tuple[str, ...]
    protections: tuple[str, ...]
    ordered: bool  # do the rows seem to be in the order of time


def recipe_text(parts: Parts) -> str:
    """The whole file."""
    blocks = [_head(parts), _defaults(parts), _about(parts), _contract(parts), _privacy(parts), _trainer(parts), _gates(parts)]
    return "\n".join(line.rstrip() for block in blocks for line in block) + "\n"


def _head(parts: Parts) -> Iterator[str]:
    target = parts.target.proposal.name
    yield comment(f"Predict {target} from {parts.file}. Drafted by mlforge init from {parts.read}: every comment is a choice to look at.")
    yield f"#   mlforge check {parts.name}"
    yield f"#   mlforge run {parts.name} --smoke"
    yield f"#   mlforge run {parts.name}"
    yield "mlforge: 1"


def _defaults(parts: Parts) -> Iterator[str]:
    regression = parts.target.task == "regression"
    boosted = next((model for model in parts.models if model.startswith(("lightgbm", "xgboost"))), "")
    better = f"; {boosted} is often the best on tables" if boosted else ""
    evaluators = "regression" if regression else "classification"
    lines = [
        ("  - lifecycle", ""),
        (f"  - source: {parts.source}", ""),
        (f"  - split: {'random' if regression else 'stratified'}", _split(parts)),
        (f"  - checks: [{', '.join(parts.checks)}]", "what `inspect` looks for in the data; none of them stops a run"),
        (f"  - model: {parts.fitting.model}", parts.fitting.reason + better),
        ("  - trainer: lightning", ""),
        ("  - exporters: [onnx]", ""),
        (f"  - evaluators: [{evaluators}]", ""),
        ("  - gates: [baseline, no_regression]", "better than guessing, and no worse than the model that serves"),
    ]
    if parts.monitors:
        lines.append((f"  - monitors: [{', '.join(parts.monitors)}]", "what `mlforge monitor` holds new rows against: one false alarm a month each"))
    lines.append(("  - _self_", ""))
    yield "defaults:"
    yield from aligned(lines, 50)


def _split(parts: Parts) -> str:
    there = [name for name in ("time", "grouped") if name in parts.splits]
    usual = "rows at random" if parts.target.task == "regression" else "each class in the same shares"
    if any(column.role == "time" for column in parts.columns) and "time" in there:
        return f"{usual}; split: time would judge the model on the newest rows, as in use"
    if parts.ordered:
        return f"{usual}; the rows seem to be in the order of time: a split by time would be more honest"
    return usual


def _about(parts: Parts) -> Iterator[str]:
    yield ""
    yield f"name: {parts.name}"
    if parts.target.task != "classification":
        yield f"task: {parts.target.task}"
    yield f"source: {flow(parts.source_settings)}"


def _contract(parts: Parts) -> Iterator[str]:
    yield "contract:"
    head = [(f"  nulls: [{', '.join(scalar(token) for token in parts.nulls)}]", "what the file writes for a missing value")] if parts.nulls else []
    if parts.max_rejected != "0":
        head.append((f"  max_rejected: {parts.max_rejected}", parts.rejected_why))
    if parts.undeclared:
        which = "one column has no name" if parts.undeclared == ("",) else f"{len(parts.undeclared)} columns have no name, or one with ${{"
        head.append(("  extra: drop", f"{which}: it cannot be declared, and is left out" if len(parts.undeclared) == 1 else f"{which}: they are left out"))
    yield from aligned(head)
    yield "  columns:"
    width = min(32, max(len(column.key) for column in parts.columns) + 1)
    yield from aligned((f"    {scalar(column.key) + ':':<{width}} {flow(column.settings)}", column.comment) for column in parts.columns)


def _privacy(parts: Parts) -> Iterator[str]:
    kinds = sorted({str(column.settings["pii"]) for column in parts.columns if "pii" in column.settings})
    if not kinds:
        return
    listed = f"pii: [{', '.join(kinds)}]"
    if "drop" in parts.protections:
        yield "privacy:"
        yield f"  persons: {{use: drop, {listed}}}  # nowhere written, not even where rows are rejected"
    yield comment("To use a column of personal data, give it another role than ignore, and for drop:")
    yield f"#   persons: {{use: pseudonymise, {listed}, key_env: MLFORGE_PSEUDONYM_KEY}}"


def _trainer(parts: Parts) -> Iterator[str]:
    fit = parts.fitting
    yield "trainer:"
    lines = [
        (f"  max_epochs: {fit.max_epochs}", "passes over the training rows at most"),
        (f"  batch_size: {fit.batch_size}", "larger is faster, smaller often generalises better"),
        (f"  lr: {fit.lr:g}", "learning rate; lower when the loss jumps"),
        (f"  patience: {fit.patience}", "epochs without a better validation loss before training stops"),
    ]
    yield from aligned(lines)


def _gates(parts: Parts) -> Iterator[str]:
    if parts.target.task == "regression":
        rule = f"error: {{finding: test/rmse, max: {parts.target.spread:.2g}}}"
    else:
        rule = "auc: {finding: test/roc_auc, min: 0.8}" if parts.target.classes == 2 else "accuracy: {finding: test/accuracy, min: 0.8}"
    yield "# When you know what is good enough, add thresholds to the gates above, and the figure here:"
    yield f"# gates: {{thresholds: {{rules: {{{rule}}}}}}}"
