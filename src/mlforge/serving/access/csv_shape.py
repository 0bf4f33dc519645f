"""The head of a CSV, looked at before it is decoded: how many columns it has, and whether two have one name, of which a reader would take one in silence."""

from __future__ import annotations

import re

from mlforge.serving.http import Refused

__all__ = ["csv_within"]

_COLUMNS = 10_000
_FIELD = re.compile(rb'(?P<name>(?:[^",\n]++|"[^"]*+(?:"|\Z))*+)(?P<comma>,)?')  # a quote opens and closes wherever it stands, as for the reader
_BOM = b"\xef\xbb\xbf"


def csv_within(body: bytes) -> bytes:
    """The body, without blank lines around its table. Raises Refused for too many columns, or two of one name."""
    body = body.removeprefix(_BOM).lstrip(b"\r\n")
    names: set[bytes] = set()
    place, more = 0, True
    while more and (field := _FIELD.match(body, place)) is not None:
        name = field["name"].strip(b'"\r')
        if name and name in names:
            raise Refused(400, f"the CSV has two columns {name.decode('utf-8', 'replace')[:60]!r}")
        names.add(name or b'"%d' % place)  # spreadsheets leave columns without a name behind
        if len(names) > _COLUMNS:
            raise Refused(413, f"the CSV has more than {_COLUMNS:,} columns")
        place, more = field.end(), field["comma"] is not None
    return body.rstrip(b"\r\n") + b"\n" if len(names) > 1 else body  # of one column, a blank line is a missing value
