"""A model's card as Markdown, with the metadata that Hugging Face reads in its header."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlforge.report.card import CardView
from mlforge.report.card_parts import about, card_parts
from mlforge.report.markdown import plain, table
from mlforge.secrets import mask

__all__ = ["card_markdown"]

_KNOWN = ("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "gpl-3.0", "lgpl-3.0", "mpl-2.0", "isc")
"""Licences that Hugging Face knows by these names; any other is "other", with its name beside it."""


def card_markdown(card: CardView) -> str:
    """The card. The same card, the same text."""
    import yaml

    header = yaml.safe_dump(_header(card), sort_keys=False, allow_unicode=True, width=160)
    return f"---\n{header}---\n\n" + "\n".join(_lines(card)) + "\n"


def _header(card: CardView) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if card.license:
        known = card.license.lower() in _KNOWN
        told |= {"license": card.license.lower()} if known else {"license": "other", "license_name": card.license.lower().replace(" ", "-")}
    told |= {"library_name": "mlforge", "tags": ["mlforge", "onnx", card.task, card.algorithm]}
    if card.pipeline:
        told["pipeline_tag"] = card.pipeline
    metrics = [
        {"type": figure.name, "value": figure.value, "name": figure.name.replace("_", " ")}
        for figure in card.figures
        if not figure.unit and "/" not in figure.name
    ]
    if metrics:
        task = {"type": card.pipeline or card.task, "name": card.task}
        result = {"task": task, "dataset": {"type": card.source or "rows", "name": f"{card.model}, test rows"}, "metrics": metrics}
        told["model-index"] = [{"name": card.model, "results": [result]}]
    masked: dict[str, Any] = _masked(told)
    return masked


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return mask(value) if isinstance(value, str) else value


def _lines(card: CardView) -> Iterator[str]:
    yield from (f"# {plain(card.model)}", "")
    yield from ([plain(card.description), ""] if card.description else [])
    yield plain(about(card))
    yield from ("", f"bundle `{card.bundle}`", f"verdict `{card.verdict}`")
    for part in card_parts(card):
        yield from ("", f"## {part.title}", "")
        listed = len(part.sentences) > 1
        yield from (f"- {plain(sentence)}" if listed else plain(sentence) for sentence in part.sentences)
        if part.rows:
            yield from [""] if part.sentences else []
            yield from table(part.titles, [[plain(cell) for cell in row] for row in part.rows])
