"""The kinds of component: the page that a plugin author reads.

A component is a frozen pydantic model. Its fields are its YAML keys, with types, bounds, units and descriptions; from that one declaration come the
defaults, the errors, the JSON Schema and the reference docs. Heavy imports (torch, polars, sklearn) stay inside methods, so that checking a recipe is fast.

    class Sine(Source):
        '''A sine wave with noise.'''

        rows: int = Field(default=1000, gt=0, description="how many rows")

        def fingerprint(self) -> str:
            return f"sine {self.rows}"

        def scan(self) -> pl.LazyFrame:
            ...
"""

from mlforge.components.alert import Alert, Notice
from mlforge.components.cluster import Cluster, Errand, Fleet, Script
from mlforge.components.component import Component, Deprecated, InputPath, Names, Objection, Reads, Variable, parts_of, reads_of, summary
from mlforge.components.data import Fragment, Holds, Parts, Protection, Schema, Source, Splitter, Transform, dealt, rules_of
from mlforge.components.datamodule import DataModuleSource
from mlforge.components.judgement import Evidence, Gate, Perturbation, Probe, Ruling
from mlforge.components.mitigation import Decision, Mitigation, Scored
from mlforge.components.model import Callback, Estimator, Exporter, Fitting, Logger, Model, Place, Shipment, Tensors, Trainer
from mlforge.components.monitor import Monitor
from mlforge.components.space import Dimension, Value
from mlforge.components.stage import Champion, Job, Stage
from mlforge.components.sweep import Constraint, Judge, Objective, Population, Proposer, Seen, Sweep

__all__ = [
    "Alert", "Callback", "Champion", "Cluster", "Component", "Constraint", "DataModuleSource", "Decision", "Deprecated", "Dimension", "Errand", "Estimator",
    "Evidence", "Exporter", "Fitting", "Fleet", "Fragment", "Gate", "Holds", "InputPath", "Job", "Judge", "Logger", "Mitigation", "Model", "Monitor",
    "Names", "Notice", "Objection", "Objective", "Parts", "Perturbation", "Place", "Population", "Probe", "Proposer", "Protection", "Reads", "Ruling",
    "Schema", "Scored", "Script", "Seen", "Shipment", "Source", "Splitter", "Stage", "Sweep", "Tensors", "Trainer", "Transform", "Value", "Variable",
    "dealt", "parts_of", "reads_of", "rules_of", "summary",
]  # fmt: skip
