"""What a report shows, kept beside it as JSON, so that the report can be written again when something has happened since: a signature, a version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mlforge.report.markdown import run_markdown
from mlforge.report.page import run_page
from mlforge.report.view import RunView
from mlforge.secrets import mask

__all__ = ["kept", "write_report"]

_FILE = "report.json"
_VIEW: TypeAdapter[RunView] = TypeAdapter(RunView)


def write_report(view: RunView, folder: Path) -> Path:
    """Write `report.html`, `report.md` and `report.json` into a folder that exists; the path of the page."""
    plain = TypeAdapter(Any).dump_json(_masked(_VIEW.dump_python(view, mode="json")), indent=1)
    for name, content in (("report.html", run_page(view).encode()), ("report.md", run_markdown(view).encode()), (_FILE, plain + b"\n")):
        (folder / name).write_bytes(content)
    return folder / "report.html"


def kept(folder: Path) -> RunView | None:
    """What the report in a folder shows; None where there is none, or one that another mlforge has written."""
    try:
        return _VIEW.validate_json((folder / _FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def _masked(value: Any) -> Any:
    """Text by text: a secret within quoted or escaped text would not be known again."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {mask(key): _masked(one) for key, one in value.items()}
    return [_masked(one) for one in value] if isinstance(value, list) else value
