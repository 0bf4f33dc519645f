"""A model's card as a CycloneDX 1.6 bill of materials: the model with its modelCard, the rows and the libraries it was made from."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from mlforge.notes import Notes
from mlforge.report.card import CardView, Figure
from mlforge.secrets import mask

__all__ = ["card_bom"]

_SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"


def card_bom(card: CardView) -> str:
    """The bill as JSON. The same card, the same text: its serial number follows from the digests, and it has no time stamp."""
    data = [_data(card)] if card.data else []
    libraries = [_library(name, version) for name, version in sorted(card.libraries.items())]
    bom = {
        "$schema": _SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, f'mlforge:{card.model}:{card.bundle}:{card.verdict}')}",
        "version": 1,
        "metadata": {"tools": {"components": [{"type": "application", "name": card.maker.partition(" ")[0], "version": card.maker.partition(" ")[2]}]}},
        "components": [_model(card), *data, *libraries],
        "dependencies": [{"ref": "model", "dependsOn": [one["bom-ref"] for one in (*data, *libraries)]}],
    }
    return json.dumps(_clean(bom), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _model(card: CardView) -> dict[str, Any]:
    properties = {"mlforge:bundle": card.bundle, "mlforge:verdict": card.verdict, "mlforge:judged_against": card.compared_with}
    properties |= {f"mlforge:approved:{signer.role}": f"{signer.actor}{': ' if signer.reason else ''}{signer.reason}" for signer in card.signers}
    properties |= {f"mlforge:sha256:{name}": digest for name, digest in card.files.items()}
    return {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": card.model,
        "version": card.bundle[:16],
        "description": card.description,
        "supplier": {"name": card.notes.owner} if card.notes and card.notes.owner else {},
        "licenses": [{"license": {"name": card.license}}] if card.license else [],
        "modelCard": {
            "modelParameters": {
                "approach": {"type": "supervised"},
                "task": card.pipeline or card.task,
                "architectureFamily": card.algorithm,
                "modelArchitecture": "ONNX graph from raw rows to predictions",
                "datasets": [{"ref": "data"}] if card.data else [],
                "inputs": [{"format": f"{column.name}: {column.dtype}"} for column in card.inputs],
                "outputs": [{"format": f"{card.target}: {' | '.join(card.classes) if card.classes else 'number'}"}],
            },
            "quantitativeAnalysis": {
                "performanceMetrics": [_metric(figure) for figure in (*card.figures, *card.fairness, *card.behaviour)],
            },
            "considerations": _considerations(card),
        },
        "properties": [{"name": name, "value": value} for name, value in properties.items() if value],
    }


def _considerations(card: CardView) -> dict[str, Any]:
    notes = card.notes or Notes()
    return {
        "users": list(notes.users),
        "useCases": list(notes.intended_uses) or ([card.description] if card.description else []),
        "technicalLimitations": [*notes.limitations, *(f"Out of scope: {use}" for use in notes.out_of_scope_uses)],
        "ethicalConsiderations": [{"name": concern} for concern in notes.ethical_considerations],
        "fairnessAssessments": [{"groupAtRisk": f"groups by {figure.name.partition('/')[0]}", "harms": _harm(figure)} for figure in card.fairness],
    }


def _metric(figure: Figure) -> dict[str, Any]:
    told: dict[str, Any] = {"type": figure.name, "value": repr(figure.value)}
    if figure.low is not None and figure.high is not None:
        told["confidenceInterval"] = {"lowerBound": repr(figure.low), "upperBound": repr(figure.high)}
    return told


def _harm(figure: Figure) -> str:
    return f"{figure.name.rpartition('/')[2]} {figure.text}"


def _data(card: CardView) -> dict[str, Any]:
    sensitive = [*card.audited, *card.guarded]
    rows = "rows" if card.rows is None else f"{card.rows:,} rows"
    about = {"type": "dataset", "name": f"{card.model}, rows that keep the contract", "sensitiveData": sensitive, "description": f"{rows} from {card.source}"}
    return {
        "type": "data",
        "bom-ref": "data",
        "name": f"{card.model} rows",
        "version": card.data[:16],
        "data": [about],
        "properties": [{"name": "mlforge:table", "value": card.data}],
    }


def _library(name: str, version: str) -> dict[str, Any]:
    normal = re.sub(r"[-_.]+", "-", name).lower()
    purl = f"pkg:pypi/{normal}@{quote(version, safe='.')}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _clean(value: Any) -> Any:
    """Without secrets, and without parts that are empty."""
    if isinstance(value, dict):
        made = {key: _clean(item) for key, item in value.items()}
        return {key: item for key, item in made.items() if item not in ("", [], {})}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return mask(value) if isinstance(value, str) else value
