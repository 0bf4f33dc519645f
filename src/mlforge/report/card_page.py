"""A model's card as a page: for people who open it, beside the Markdown that is read by hubs."""

from __future__ import annotations

from mlforge.report.card import CardView
from mlforge.report.card_parts import CardPart, about, card_parts
from mlforge.report.markup import document, sheet, table, text

__all__ = ["card_page"]


def card_page(card: CardView) -> str:
    """One HTML file that needs nothing else. The same card, the same bytes."""
    described = f"<p>{text(card.description)}</p>" if card.description else ""
    head = f'<h1>{text(card.model)}</h1>{described}<p class="soft">{text(about(card))}</p>'
    digests = f'<p class="soft">bundle <code>{text(card.bundle)}</code><br>verdict <code>{text(card.verdict)}</code></p>'
    return document(f"{card.model} · model card", (head + digests, *(sheet(part.title, _body(part)) for part in card_parts(card))))


def _body(part: CardPart) -> str:
    said = [text(sentence) for sentence in part.sentences]
    told = f"<ul>{''.join(f'<li>{one}</li>' for one in said)}</ul>" if len(said) > 1 else "".join(f"<p>{one}</p>" for one in said)
    return told + (table(part.titles, [_row(part.titles, row) for row in part.rows], "stacked") if part.rows else "")


def _row(titles: tuple[str, ...], row: tuple[str, ...]) -> str:
    first, *rest = row
    cells = "".join(f'<td data-of="{text(title)}">{text(cell)}</td>' for title, cell in zip(titles[1:], rest, strict=True))
    return f'<tr><th scope="row">{text(first)}</th>{cells}</tr>'
