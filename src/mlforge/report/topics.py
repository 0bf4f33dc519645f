"""What a reader looks for, and which findings belong there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlforge.finding import Finding
from mlforge.report.view import StageView

__all__ = ["TOPICS", "Topic", "by_topic"]


@dataclass(frozen=True, slots=True)
class Topic:
    """One part of the page."""

    name: str
    title: str
    what: str  # one sentence, for readers who do not know the words
    folded: bool = False  # the table is long: shown when asked for


TOPICS = (
    Topic("performance", "Performance", "How well the model predicts rows that it has not seen in training."),
    Topic("slices", "Parts of the data", "The same, for some of the rows: a good average can hide a part where the model fails.", folded=True),
    Topic("fairness", "Fairness", "How far groups of people are apart in what the model does to them."),
    Topic("behaviour", "Behaviour", "What the model must do whatever its score: the share of rows where it does not."),
    Topic("errors", "Errors", "Where the model is wrong, and which labels look wrong themselves."),
    Topic("explanation", "Explanation", "Which columns the predictions rest on."),
    Topic("cost", "Cost", "Size, time and memory of a prediction."),
    Topic("data", "Data", "What was read, and what was found in it."),
    Topic("training", "Training", "How the model was fitted."),
    Topic("tuning", "Tuning", "The settings that were tried, and the best of them."),
    Topic("other", "Further measurements", ""),
)
_BY_PART = {
    "slices": "slices",
    "segments": "slices",
    "behaviour": "behaviour",
    "errors": "errors",
    "importance": "explanation",
    "shap": "explanation",
    "latency": "cost",
}
_BY_STAGE = {"ingest": "data", "split": "data", "inspect": "data", "prepare": "training", "train": "training", "export": "cost", "tune": "tuning"}
_GAPS = ("_difference", "_parity_ratio")


def by_topic(stages: Iterable[StageView]) -> dict[str, list[Finding]]:
    """The findings of each topic, in the order in which they were made; without those of the gates, which have a table of their own."""
    found: dict[str, list[Finding]] = {topic.name: [] for topic in TOPICS}
    for stage in stages:
        for finding in stage.findings:
            if not finding.name.startswith("gate/"):
                found[_topic(stage.name, finding)].append(finding)
    return found


def _topic(stage: str, finding: Finding) -> str:
    parts = finding.name.split("/")
    if parts[0] == "mitigation":
        return "fairness"
    if stage == "evaluate":
        if finding.name.endswith(_GAPS) and len(parts) > 2:
            return "fairness"
        return _BY_PART.get(parts[1], "performance") if len(parts) > 2 else "performance"
    return _BY_STAGE.get(stage, "other")
