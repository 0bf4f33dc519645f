"""The kinds of plugin that one can start from, each with a folder in `templates/kinds`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["KINDS", "TEMPLATES", "Kind"]

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a plugin may be, and the section of a recipe that its component stands in."""

    name: str  # as `--kind` takes it, and the name of its module
    section: str  # "" for what is no component
    suite: str = ""  # the contract suite in mlforge.testing that its tests inherit
    example: str = ""  # arguments of the component that is tested
    needs: tuple[str, ...] = ()  # distributions that its component imports, beyond mlforge's base install

    @property
    def folder(self) -> Path:
        """Where its templates are."""
        return TEMPLATES / "kinds" / self.name


_ONNX, _TORCH, _LIGHTNING = "onnx>=1.18", "torch>=2.7", "pytorch-lightning>=2.5"
KINDS = {
    kind.name: kind
    for kind in (
        Kind("source", "source", "SourceContract", "rows=50"),
        Kind("protection", "privacy", "ProtectionContract", 'columns=("person",)'),
        Kind("schema", "schemas", "SchemaContract", 'column="age", low=0, high=150'),
        Kind("splitter", "split", "SplitterContract"),
        Kind("check", "checks", "ProbeContract"),
        Kind("transform", "features", "TransformContract", needs=(_ONNX,)),
        Kind("model", "model", "ModelContract", "width=8", (_TORCH,)),
        Kind("estimator", "model", "EstimatorContract", needs=(_ONNX,)),
        Kind("trainer", "trainer", "TrainerContract", "epochs=3", (_TORCH, "safetensors>=0.5")),
        Kind("callback", "observers", "CallbackContract", needs=(_TORCH, _LIGHTNING)),
        Kind("logger", "loggers", "LoggerContract", needs=(_TORCH, _LIGHTNING)),
        Kind("cluster", "cluster", "ClusterContract", needs=(_TORCH,)),
        Kind("sweep", "sweep", "SweepContract", "space=SPACE", ("ray[tune,train]>=2.50", "optuna>=4.2")),
        Kind("mitigation", "mitigations", "MitigationContract", 'column="sex"'),
        Kind("exporter", "exporters", "ExporterContract", needs=(_ONNX,)),
        Kind("evaluator", "evaluators", "ProbeContract"),
        Kind("perturbation", "perturbations", "PerturbationContract"),
        Kind("gate", "gates", "GateContract", 'finding="test/roc_auc", low=0.7, high=0.99'),
        Kind("monitor", "monitors", "MonitorContract"),
        Kind("alert", "alerts", "AlertContract"),
        Kind("stage", "stages", "StageContract"),
        Kind("command", ""),
        Kind("observer", ""),
    )
}
"""In the order of the lifecycle.

A check, an evaluator and a monitor are all probes: the one looks at the data, the other at predictions, the third at live rows.
"""
