"""Rows as points, so that whole distributions can be compared: random Fourier features of numbers, categories, texts and arrays.

The distance of two means of these features is the maximum mean discrepancy under a Gaussian kernel (Rahimi and Recht, 2007; Gretton et al., 2012). A window
keeps the sum of its rows' features; the reference their covariance too, from which the law of the distance under no drift follows. Sums merge by addition.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from mlforge.contract import Column

if TYPE_CHECKING:
    import polars as pl

    from mlforge.builtin.monitors.tails import Array

__all__ = ["FEATURES", "Scale", "angles", "covariance", "features", "sums"]

FEATURES = 64
_WORDS = 64  # words of a text that are read: its first ones
_BUCKETS = 4096
_CLIPPED = 5.0  # standard deviations


@dataclass(frozen=True, slots=True)
class Scale:
    """Middle and spread of a column of numbers on the reference."""

    mean: float = 0.0
    deviation: float = 1.0


def angles(rows: pl.DataFrame, columns: Mapping[str, Column], scales: Mapping[str, Scale]) -> Array:
    """[rows, features]: the sum of what each column adds, each with a spread of about one."""
    import numpy as np

    told = np.zeros((rows.height, FEATURES))
    for key, column in columns.items():
        told += _added(key, column, rows[key], scales.get(key, Scale()))
    scaled: Array = told / max(len(columns), 1) ** 0.5
    return scaled


def features(angled: Array, seed: str) -> Array:
    """Random Fourier features."""
    import numpy as np

    shift = _drawn(f"{seed} shift", 1)[0] * np.pi
    told: Array = np.cos(angled + shift) * (2 / FEATURES) ** 0.5
    return told


def sums(points: Array) -> pl.DataFrame:
    """Rows, and the sum of each feature."""
    import polars as pl

    return pl.DataFrame({"sum": [float(len(points)), *points.sum(axis=0).tolist()]})


def covariance(points: Array) -> pl.DataFrame:
    """The sums of products."""
    import polars as pl

    return pl.DataFrame({"product": (points.T @ points).ravel()})


def _added(key: str, column: Column, values: pl.Series, scale: Scale) -> Array:
    import numpy as np
    import polars as pl

    if column.dtype == "text":
        return _text(values)
    if column.dtype.startswith("array"):
        return _array(key, values)
    if column.dtype in ("category", "bool"):
        names = values.cast(pl.String).fill_null("\x00missing")
        labels = names.unique()
        table = np.stack([_drawn(f"{key}\x00{label}", 1)[0] for label in labels]) if len(labels) else np.zeros((0, FEATURES))
        places = dict(zip(labels, range(len(labels)), strict=True))
        chosen: Array = table[names.replace_strict(places, return_dtype=pl.Int64).to_numpy()] if places else np.zeros((0, FEATURES))
        return chosen
    number = values.dt.epoch("us") / 1e6 if column.dtype == "datetime" else values.str.len_chars() if column.dtype == "string" else values
    numbers = number.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    held = np.where(np.isfinite(numbers), np.clip((numbers - scale.mean) / (scale.deviation or 1.0), -_CLIPPED, _CLIPPED), 0.0)
    missing = np.where(np.isfinite(numbers), 0.0, 1.0)
    direction = _drawn(key, 2)
    told: Array = held[:, None] * direction[0] + missing[:, None] * direction[1]
    return told


def _text(values: pl.Series) -> Array:
    """The mean direction of its first words, each by its hash."""
    import numpy as np
    import polars as pl

    words = values.fill_null("").str.to_lowercase().str.extract_all(r"[\p{L}\p{N}]+").list.head(_WORDS)
    table = pl.DataFrame({"row": pl.int_range(len(words), eager=True), "word": words}).explode("word").drop_nulls("word")
    told = np.zeros((len(words), FEATURES))
    if not table.height:
        return told
    known = table["word"].unique()
    codes = pl.Series([zlib.crc32(word.encode()) % _BUCKETS for word in known], dtype=pl.Int64)
    places = table.join(pl.DataFrame({"word": known, "code": codes}), on="word", how="left", maintain_order="left")
    row, points = places["row"].to_numpy(), _drawn("words", _BUCKETS)[places["code"].to_numpy()]
    np.add.at(told, row, points)
    counts = np.bincount(row, minlength=len(words))
    scaled: Array = told / np.sqrt(np.maximum(counts, 1))[:, None]
    return scaled


def _array(key: str, values: pl.Series) -> Array:
    """A random projection of its numbers, each held to a few units."""
    import numpy as np

    flat = values.to_numpy().reshape(len(values), -1) if len(values) else np.zeros((0, 1))
    numbers = np.nan_to_num(flat.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    size = np.linalg.norm(numbers, axis=1, keepdims=True)
    told: Array = numbers / np.maximum(size, 1e-9) @ _drawn(key, numbers.shape[1])
    return told


@lru_cache(maxsize=4096)
def _drawn(name: str, rows: int) -> Array:
    """Directions that follow from a name alone: the same in every process and version."""
    import numpy as np

    told: Array = np.random.default_rng(zlib.crc32(name.encode())).normal(size=(rows, FEATURES))
    return told
