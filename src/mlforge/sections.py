"""The sections of a recipe: which kind of component each takes, and how many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mlforge.components import (
    Alert,
    Callback,
    Cluster,
    Component,
    Exporter,
    Gate,
    Logger,
    Mitigation,
    Model,
    Monitor,
    Perturbation,
    Probe,
    Protection,
    Schema,
    Source,
    Splitter,
    Stage,
    Sweep,
    Trainer,
    Transform,
)

__all__ = ["SECTIONS", "TOP", "Section", "active"]


@dataclass(frozen=True, slots=True)
class Section:
    """One section: `source: csv` in the singular, `gates: [thresholds, baseline]` in the plural."""

    name: str
    kind: type[Component]
    plural: bool
    what: str  # one line for help, docs and the JSON Schema
    default: tuple[str, ...] = ()  # options taken when a recipe with a model does not list the section
    within: str = ""  # the component that holds its entries, when a recipe has no such section of its own


SECTIONS = {
    section.name: section
    for section in (
        Section("source", Source, False, "where the rows come from"),
        Section("privacy", Protection, True, "what is done to personal data before anything is written"),
        Section("references", Source, True, "other tables that the contract's expectations look into"),
        Section("schemas", Schema, True, "Pandera models of plugins that rows must keep besides the contract; at ingest only"),
        Section("split", Splitter, False, "which rows are for training, validation and test"),
        Section("checks", Probe, True, "what to look for in the data"),
        Section(
            "features", Transform, True, "how raw columns become numbers; part of the bundle", default=("numeric", "categorical", "dates", "text", "arrays")
        ),
        Section("model", Model, False, "what is fitted"),
        Section("trainer", Trainer, False, "how it is fitted"),
        Section("observers", Callback, True, "what is called while a network is fitted: Lightning callbacks"),
        Section("loggers", Logger, True, "where to write down how a fit goes"),
        Section("cluster", Cluster, False, "where the fit runs: in how many processes, on which machines"),
        Section("sweep", Sweep, False, "which overrides to try, and how to search"),
        Section("mitigations", Mitigation, True, "what is done so that groups of people are treated more alike"),
        Section("exporters", Exporter, True, "variants of the bundle; `compress` decides which ships, else the first listed does"),
        Section("evaluators", Probe, True, "what is measured on the test rows"),
        Section("perturbations", Perturbation, True, "how behaviour tests change values", within="evaluators.behaviour"),
        Section("monitors", Monitor, True, "what is watched once the model serves"),
        Section("alerts", Alert, True, "who is told when a monitor alarms, and how"),
        Section("gates", Gate, True, "which findings decide whether the model is registered"),
        Section("stages", Stage, True, "settings of single stages: retries and time limits"),
    )
}

TOP = {name: section for name, section in SECTIONS.items() if not section.within}
"""The sections that stand in a recipe of their own."""


def active(stages: Mapping[str, Stage], sections: Iterable[str]) -> dict[str, Stage]:
    """The stages that a recipe with these sections has: it has every section that they need, and their inputs are made by stages that it has."""
    given = set(sections)
    found = {name: stage for name, stage in stages.items() if given.issuperset(stage.needs)}
    while True:
        made = {port for stage in found.values() for port in stage.outputs}
        kept = {name: stage for name, stage in found.items() if made.issuperset(stage.inputs)}
        if len(kept) == len(found):
            return kept
        found = kept
