"""Findings, curves and recipes as MLflow takes them: metrics, steps and params under legal names."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mlforge.finding import Finding
from mlforge.secrets import mask

__all__ = ["Figure", "curves", "figures", "legal", "params"]

_LONGEST_NAME = 250
_LONGEST_VALUE = 6000
_MOST_PARAMS = 500
_NO_PARAMS = ("contract", "defaults")  # sent as files: a contract of a wide table would bury the rest

Figure = tuple[str, float, int]
"""Name, value and step of a metric."""


def legal(name: str, taken: set[str] | None = None) -> str:
    """A name that MLflow takes: letters, digits, `_-./` and spaces; a number behind it where two would be the same."""
    plain = re.sub(r"[^\w\-./ ]", "_", name, flags=re.ASCII).strip("/. ") or "_"
    plain = re.sub(r"/+", "/", plain)[:_LONGEST_NAME]
    if taken is None:
        return plain
    found, number = plain, 1
    while found in taken:
        number += 1
        found = f"{plain[: _LONGEST_NAME - 6]}_{number}"
    taken.add(found)
    return found


def figures(findings: Iterable[Finding], ships: str = "") -> Iterator[Figure]:
    """The findings that have a value, with the ends of their intervals as `.low` and `.high`.

    What was measured on the candidate, in the variant that ships, has the finding's own name; anything else has its subject or variant before it.
    """
    taken: set[str] = set()
    for finding in findings:
        if finding.value is None or not math.isfinite(finding.value):
            continue
        subject = "" if finding.subject in ("candidate", "data") else f"{finding.subject}/"
        variant = f"{finding.variant}/" if finding.variant and finding.variant != ships else ""
        name = legal(f"{subject}{variant}{finding.name}", taken)
        yield name, float(finding.value), 0
        for end in ("low", "high"):
            value = getattr(finding, end)
            if value is not None and math.isfinite(value):
                yield legal(f"{name}.{end}", taken), float(value), 0


def curves(path: Path) -> Iterator[Figure]:
    """The curves of a training, a step an epoch; those that diverged are left out where they did."""
    import polars as pl

    if not path.exists():
        return
    for epoch, name, value in pl.read_parquet(path).select("epoch", "name", "value").iter_rows():
        if value is not None and math.isfinite(value):
            yield legal(name), float(value), int(epoch)


def params(plain: Mapping[str, Any]) -> dict[str, str]:
    """The values of a composed recipe by key, without its contract; secrets are masked."""
    found = dict(_flat({key: value for key, value in plain.items() if key not in _NO_PARAMS}, ""))
    return dict(list(found.items())[:_MOST_PARAMS])


def _flat(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for name, below in value.items():
            yield from _flat(below, f"{key}.{name}" if key else str(name))
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield legal(key), mask(text)[:_LONGEST_VALUE]
