"""What stands on a card, part by part: the same on the page that is opened and in the Markdown that is read by others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlforge.report.card import CardView, Figure
from mlforge.report.names import spoken

__all__ = ["CardPart", "about", "card_parts"]


@dataclass(frozen=True, slots=True)
class CardPart:
    """A heading with sentences, or with a table below it."""

    title: str
    sentences: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def about(card: CardView) -> str:
    """In a sentence: what it is and what it predicts."""
    what = f"predicts {card.target}" + (f", {'any' if card.task == 'multilabel' else 'one'} of {', '.join(card.classes)}" if card.classes else "")
    return f"Model {card.algorithm}, for {card.task}: {what}. An ONNX bundle that takes raw rows and runs without other code; made by {card.maker}."


def card_parts(card: CardView) -> Iterator[CardPart]:
    """The parts that have something to say."""
    parts = (
        *_notes(card),
        CardPart("What it takes", _protected(card), ("column", "type", "unit", "may be missing", "what it is"), _inputs(card)),
        CardPart("How well it does", (), ("on the test rows", "value"), _figures(card.figures)),
        CardPart("Fairness", (), ("difference between groups", "value"), _figures(card.fairness)),
        CardPart("Behaviour", (), ("test", "share of rows that fail"), _figures(card.behaviour)),
        CardPart("What its gates asked", (), ("rule", "asked", "found", "kept"), tuple((rule.rule, rule.asked, rule.found, rule.said) for rule in card.rules)),
        CardPart("Who signed", (), ("role", "who", "why"), tuple((signer.role, signer.actor, signer.reason) for signer in card.signers)),
        CardPart("What it was made from", (), ("", ""), tuple(_made(card))),
    )
    return (part for part in parts if part.sentences or part.rows)


def _notes(card: CardView) -> Iterator[CardPart]:
    notes = card.notes
    if notes is None:
        return
    yield CardPart("Owner", (notes.owner,) if notes.owner else ())
    yield CardPart("Who uses it", notes.users)
    yield CardPart("Intended uses", notes.intended_uses)
    yield CardPart("Out of scope", notes.out_of_scope_uses)
    yield CardPart("Limitations", notes.limitations)
    yield CardPart("Ethical considerations", notes.ethical_considerations)


def _protected(card: CardView) -> tuple[str, ...]:
    told = [f"Not features, but looked at for fairness: {', '.join(card.audited)}."] if card.audited else []
    told += [f"Protected before anything is learnt: {', '.join(f'{column} ({how})' for column, how in card.guarded.items())}."] if card.guarded else []
    return tuple(told)


def _inputs(card: CardView) -> tuple[tuple[str, ...], ...]:
    return tuple((column.name, column.dtype, column.unit, "yes" if column.nullable else "", column.description) for column in card.inputs)


def _figures(shown: Sequence[Figure]) -> tuple[tuple[str, ...], ...]:
    """By the name that gates use, with what people call it."""
    return tuple((_named(figure.name), figure.text + (f", {figure.rows:,} rows" if figure.rows else "")) for figure in shown)


def _named(name: str) -> str:
    known = spoken(name if name.startswith("bundle/") else f"test/{name}")
    return f"{known} ({name})" if known and known != name else name


def _made(card: CardView) -> Iterator[tuple[str, ...]]:
    yield from [("rows", f"{card.rows:,}")] if card.rows is not None else []
    yield from [("source", card.source)] if card.source else []
    yield from [("digest of the rows", card.data)] if card.data else []
    yield from [("compared with the champion's bundles", card.compared_with)] if card.compared_with else []
    yield from card.libraries.items()
