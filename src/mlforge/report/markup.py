"""What pages are written with: a document that needs nothing else, sheets, tables, pairs. Text from data or recipes is escaped here, and secrets masked."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from mlforge.report.charts import Chart, drawn
from mlforge.report.style import CSS
from mlforge.secrets import mask

__all__ = ["document", "figure", "pairs", "sheet", "table", "text"]


def document(title: str, parts: Iterable[str], style: str = "") -> str:
    """A whole page: it opens from disk, asks for nothing over the network, and is read on a phone as well. `style` is what the page adds to that of all."""
    meta = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    head = f'<!doctype html>\n<html lang="en"><head>{meta}<title>{text(title)}</title><style>{CSS}{style}</style></head>'
    return f"{head}<body><main>\n" + "\n".join(parts) + "\n</main></body></html>\n"


def text(words: str) -> str:
    """Masked first: an escaped secret would not be known again."""
    return escape(mask(words))


def sheet(title: str, body: str) -> str:
    """A part of a page under its heading; the body is markup."""
    return f'<section class="sheet"><h2>{text(title)}</h2>{body}</section>'


def figure(chart: Chart, note: str = "") -> str:
    """A picture with its title, and a note below it; nothing where it cannot be drawn."""
    picture = drawn(chart).replace("<svg ", f'<svg aria-label="{text(chart.title)}" ', 1)
    below = f'<p class="note">{text(note)}</p>' if note else ""
    return f"<figure><figcaption>{text(chart.title)}</figcaption>{picture}{below}</figure>" if picture else ""


def pairs(told: Iterable[tuple[str, str]]) -> str:
    """Names with what they are."""
    return "<dl>" + "".join(f"<dt>{text(name)}</dt><dd>{text(words)}</dd>" for name, words in told) + "</dl>"


def table(titles: tuple[str, ...], rows: Iterable[str], kind: str = "plain") -> str:
    """A table that scrolls by itself where it is too wide, by keys as well; the rows are markup."""
    head = "".join(f'<th scope="col">{text(title)}</th>' for title in titles)
    inner = f'<table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    return f'<div class="wide" tabindex="0" role="group" aria-label="{text(", ".join(titles))}">{inner}</div>'
