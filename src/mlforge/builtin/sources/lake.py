"""The place of a table that is made of many files, and whether a file that its metadata names lies there."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlforge.errors import DataError
from mlforge.secrets import mask

__all__ = ["Lake", "s3_settings"]

_METADATA = ".metadata.json"
_NUMBER = re.compile(r"v?(\d+)")


class Lake:
    """The folder or URL below which a table's files lie; given by itself, or by the table's metadata file."""

    def __init__(self, path: str) -> None:
        self._path = path.rstrip("/")
        self._root = _normal(self._path.rpartition("/metadata/")[0] or "/nowhere" if self._path.endswith(_METADATA) else self._path)

    def within(self, file: str) -> str:
        """The file, if it lies here. DataError if not: metadata is data, and may name anything."""
        ways = _normal(file), _normal(unquote(file))  # some readers take %2e%2e for ..
        if not all(way.startswith(f"{self._root}/") and ".." not in way.split("/") for way in ways):
            told = f"source.path: {mask(self._path)} is a table of which a file lies elsewhere: {mask(file)[:200]}"
            raise DataError(told, hint="Copy the table as a whole, or name the folder or URL below which all of it lies.")
        return file

    def metadata(self) -> str:
        """The newest metadata file: the one that is named, else the one with the highest number. DataError when there is none, or several."""
        if self._path.endswith(_METADATA):
            return self._path
        numbered = sorted((_number(name), name) for name in self._listed())
        if not numbered:
            raise DataError(f"source.path: {mask(self._path)} is no Iceberg table: it has no metadata", hint="Name the folder with `metadata` in it.")
        if len(numbered) > 1 and numbered[-1][0] == numbered[-2][0]:
            told = f"source.path: {mask(self._path)} has two metadata files of one number: {Path(numbered[-2][1]).name}, {Path(numbered[-1][1]).name}"
            raise DataError(told, hint="Name the right one, or the table in its catalogue.")
        return numbered[-1][1]

    def _listed(self) -> list[str]:
        if "://" not in self._path:
            return [str(file) for file in Path(self._path, "metadata").glob(f"*{_METADATA}")]
        from mlforge.builtin.sources.remote import listed

        return listed(f"{self._path}/metadata/*{_METADATA}")


def s3_settings() -> dict[str, str]:
    """What the environment says of S3 to the store's own tools, and the readers of tables do not all take from there: `endpoint` and `region`."""
    named = {"endpoint": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"), "region": ("AWS_REGION", "AWS_DEFAULT_REGION")}
    found = {key: next((os.environ[name] for name in names if os.environ.get(name)), None) for key, names in named.items()}
    return {key: value for key, value in found.items() if value is not None}


def _normal(place: str) -> str:
    """A path without links, or a URL without its variants (s3a, file:/), so that two of them can be compared."""
    scheme = urlsplit(place).scheme
    if scheme in ("", "file"):
        return os.path.realpath(re.sub(r"^file:/+", "/", place))
    return re.sub(r"^s3[an]:", "s3:", place).rstrip("/")


def _number(name: str) -> int:
    found = _NUMBER.match(Path(name).name)
    return int(found[1]) if found else -1
