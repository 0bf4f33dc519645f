"""A model's card as Markdown, with the metadata that Hugging Face reads in its header."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mlforge.report.card import CardView, Figure
from mlforge.report.markdown import plain, table
from mlforge.secrets import mask

__all__ = ["card_page"]

_KNOWN = ("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "gpl-3.0", "lgpl-3.0", "mpl-2.0", "isc")
"""Licences that Hugging Face knows by these names; any other is "other", with its name beside it."""


def card_page(card: CardView) -> str:
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
    yield plain(_about(card))
    yield from ("", f"bundle `{card.bundle}`", f"verdict `{card.verdict}`")
    yield from _part("What it takes", ("column", "type", "unit", "may be missing", "what it is"), _inputs(card))
    if card.audited:
        yield from ("", plain(f"Not features, but looked at for fairness: {', '.join(card.audited)}."))
    if card.guarded:
        yield from ("", plain(f"Protected before anything is learnt: {', '.join(f'{column} ({how})' for column, how in card.guarded.items())}."))
    yield from _part("How well it does", ("on the test rows", "value"), _figures(card.figures))
    yield from _part("Fairness", ("difference between groups", "value"), _figures(card.fairness))
    yield from _part("Behaviour", ("test", "share of rows that fail"), _figures(card.behaviour))
    yield from _part("What its gates asked", ("rule", "asked", "found", ""), [(rule.rule, rule.asked, rule.found, rule.said) for rule in card.rules])
    yield from _part("Who signed", ("role", "who", "why"), [(signer.role, signer.actor, signer.reason) for signer in card.signers])
    yield from _part("What it was made from", ("", ""), _made(card))


def _about(card: CardView) -> str:
    what = f"predicts {card.target}" + (f", {'any' if card.task == 'multilabel' else 'one'} of {', '.join(card.classes)}" if card.classes else "")
    return f"A {card.algorithm} for {card.task}: {what}. An ONNX bundle that takes raw rows and runs without other code; made by {card.maker}."


def _inputs(card: CardView) -> list[Sequence[str]]:
    return [(column.name, column.dtype, column.unit, "yes" if column.nullable else "", column.description) for column in card.inputs]


def _figures(shown: Sequence[Figure]) -> list[Sequence[str]]:
    return [(figure.name, figure.text + (f", {figure.rows:,} rows" if figure.rows else "")) for figure in shown]


def _made(card: CardView) -> list[Sequence[str]]:
    told = [("rows", f"{card.rows:,}")] if card.rows is not None else []
    told += [("source", card.source)] if card.source else []
    told += [("digest of the rows", card.data)] if card.data else []
    told += [("compared with the champion's bundles", card.compared_with)] if card.compared_with else []
    return [*told, *card.libraries.items()]


def _part(title: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return ["", f"## {title}", "", *table(titles, [[plain(cell) for cell in row] for row in rows])] if rows else []
