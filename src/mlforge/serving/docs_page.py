"""The page /docs: the OpenAPI description for a browser, with no assets from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from mlforge.serving.row_schema import example_row

if TYPE_CHECKING:
    from mlforge.contract import Column
    from mlforge.serving.engine import Engine

__all__ = ["docs_page"]

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2.2rem; border-bottom: 1px solid #ddd; padding-bottom: .3rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #eee; vertical-align: top }
th { font-weight: 600; color: #555 }
code, pre { font: 13px/1.45 ui-monospace, monospace }
pre { background: #f5f5f3; padding: .8rem 1rem; overflow-x: auto; border-radius: 4px }
.method { font-weight: 600; width: 4rem; color: #14532d } .dim { color: #777 }
@media (prefers-color-scheme: dark) { body { background: #161616; color: #e4e4e4 } pre { background: #222 } th, .dim { color: #999 }
  .method { color: #86c99b } th, td { border-color: #333 } h2 { border-color: #444 } a { color: #8ab4f8 } }
"""


def docs_page(description: Mapping[str, Any], engines: Sequence[Engine]) -> str:
    """The page as HTML."""
    title = escape(description["info"]["title"])
    parts = [f"<h1>{title}</h1>", '<p>For programs: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).</p>']
    for engine in engines:
        parts += _model(engine)
    parts += ["<h2>What can be asked</h2><table>", *_paths(description["paths"]), "</table>"]
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>{"".join(parts)}</html>\n'


def _model(engine: Engine) -> Iterator[str]:
    output = engine.bundle.output
    yield f"<h2>{escape(str(engine.offer))}</h2><p>Predicts <b>{escape(output.target)}</b> ({escape(engine.bundle.task)}"
    yield f": {escape(', '.join(engine.classes[:12]))})</p>" if engine.classes else ")</p>"
    if (row := example_row(engine.contract)) is not None:
        body = json.dumps({"rows": [row]}, ensure_ascii=False).replace("'", "'\\''")
        yield f"<pre>curl -s http://HOST:PORT/models/{escape(engine.name)}/predict -H 'content-type: application/json' \\\n  -d '{escape(body)}'</pre>"
    yield "<table><tr><th>column</th><th>type</th><th>allowed</th><th>missing</th><th></th></tr>"
    for key, column in engine.contract.columns.items():
        if column.role != "ignore":
            cells = (column.name or key, column.dtype, _allowed(column), "yes" if column.nullable else "no", _about(column))
            yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
    yield "</table>"


def _allowed(column: Column) -> str:
    if column.values is not None:
        shown = ", ".join(str(value) for value in column.values[:12])
        return shown + (f" … {len(column.values) - 12} more" if len(column.values) > 12 else "")
    signs = (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))
    bounds = [f"{sign} {getattr(column, rule)}" for rule, sign in signs if getattr(column, rule) is not None]
    if column.regex is not None:
        bounds.append(f"matches {column.regex}")
    if column.length is not None:
        bounds.append(f"{column.length.min} to {column.length.max or '…'} characters")
    return ", ".join(bounds)


def _about(column: Column) -> str:
    return "; ".join(text for text in (column.description, column.unit) if text)


def _paths(paths: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in paths.items():
        for method, said in methods.items():
            told = f'<td class="method">{escape(method.upper())}</td><td><code>{escape(path)}</code></td>'
            yield f'<tr>{told}<td class="dim">{escape(said.get("summary", ""))}</td></tr>'
