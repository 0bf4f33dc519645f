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
    needs: tuple[str, ...] = ()  # distributions that its component imports, beyond mlforge's base install

    @property
    def folder(self) -> Path:
        """Where its templates are."""
        return TEMPLATES / "kinds" / self.name


_ONNX, _TORCH = "onnx>=1.18", "torch>=2.7"
KINDS = {
    kind.name: kind
    for kind in (
        Kind("source", "source"),
        Kind("protection", "privacy"),
        Kind("schema", "schemas"),
        Kind("splitter", "split"),
        Kind("check", "checks"),
        Kind("transform", "features", (_ONNX,)),
        Kind("model", "model", (_TORCH,)),
        Kind("estimator", "model", (_ONNX,)),
        Kind("trainer", "trainer", (_TORCH, "safetensors>=0.5")),
        Kind("exporter", "exporters", (_ONNX,)),
        Kind("evaluator", "evaluators"),
        Kind("gate", "gates"),
        Kind("stage", "stages"),
        Kind("command", ""),
        Kind("observer", ""),
    )
}
"""In the order of the lifecycle. A check and an evaluator are both probes: the one looks at the data, the other at predictions."""
