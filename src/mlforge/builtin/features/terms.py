"""The terms of a text column: which words, or runs of characters, are frequent enough to become inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import polars as pl

__all__ = ["TOKENS", "Terms", "Unit", "frequent"]

Unit = Literal["words", "characters"]
TOKENS: dict[Unit, str] = {"words": r"[\p{L}\p{M}\p{N}_]+(?:'\p{L}+)*", "characters": r"(?s:.)"}
"""What one token is, as a regular expression that Polars (here) and onnxruntime (in the graph) read alike."""

_ROWS = 2_000  # counted at a time
_SPARE = 20  # times as many terms as wanted are kept between two batches: a rare one may become frequent later


@dataclass(frozen=True)
class Terms:
    """What was found: terms as tuples of tokens, shorter terms first, and in how many of the rows each occurs."""

    terms: tuple[tuple[str, ...], ...]
    counts: tuple[int, ...]
    rows: int


@dataclass(frozen=True)
class _Level:
    """The frequent terms of one length, numbered from 0 in their order, by the code that `_coded` makes of them (for single tokens, the token)."""

    codes: pl.Series
    counts: list[int]
    terms: list[tuple[str, ...]]


def frequent(rows: pl.LazyFrame, key: str, unit: Unit, longest: int, *, most: int, least: int, lower: bool, sample: int) -> Terms:
    """The `most` terms of up to `longest` tokens that occur in the most rows, and in at least `least`; ties go to shorter terms.

    From at most `sample` rows, spread evenly, read once for each length: a term can be frequent only where its parts are, so that few are ever counted.
    """
    import polars as pl

    count = int(rows.select(pl.len()).collect().item())
    spread = rows.select(pl.col(key).alias("text")).gather_every(max(1, -(-count // sample)))
    levels: list[_Level] = []
    while len(levels) < longest:
        level = _level(spread, unit, levels, most=most, least=least, lower=lower)
        if not level.terms:
            break
        levels.append(level)
    found = sorted((-counted, term) for level in levels for counted, term in zip(level.counts, level.terms, strict=True))
    best = sorted(sorted(found, key=lambda one: (one[0], len(one[1]), one[1]))[:most], key=lambda one: (len(one[1]), one[1]))
    return Terms(tuple(term for _, term in best), tuple(-counted for counted, _ in best), -(-count // max(1, -(-count // sample))))


def _level(spread: pl.LazyFrame, unit: Unit, levels: list[_Level], *, most: int, least: int, lower: bool) -> _Level:
    """The frequent terms that are one token longer than those of the last level."""
    import polars as pl

    found: pl.DataFrame | None = None
    for frame in spread.collect_batches(chunk_size=_ROWS, maintain_order=True):
        seen = _coded(frame["text"], unit, levels, lower=lower).drop_nulls().unique().group_by("code").len()
        both = seen if found is None else pl.concat([found, seen]).group_by("code").agg(pl.col("len").sum())
        found = both.sort("len", "code", descending=[True, False]).head(_SPARE * most)
    if found is None:
        return _Level(pl.Series(dtype=pl.String), [], [])
    best = found.filter(pl.col("len") >= least).head(most).sort("code")
    codes = best["code"]
    if not levels:
        return _Level(codes, best["len"].to_list(), [(token,) for token in codes.to_list()])
    base, shorter, first = _base(levels), levels[-1].terms, levels[0].terms
    return _Level(codes, best["len"].to_list(), [shorter[code // base] + first[code % base] for code in codes.to_list()])


def _coded(text: pl.Series, unit: Unit, levels: list[_Level], *, lower: bool) -> pl.DataFrame:
    """`row` and `code` for each place of each text: what stands there and the tokens after it, as far as it may be frequent, else null."""
    import polars as pl

    written = pl.col("text").str.to_lowercase() if lower else pl.col("text")
    lists = pl.DataFrame({"text": text}).with_row_index("row").select("row", written.str.extract_all(TOKENS[unit]).alias("code"))
    places = lists.explode("code").filter(pl.col("code").is_not_null())
    if not levels:
        return places
    single = _numbered(places["code"], levels[0])
    longer = single
    for length in range(1, len(levels) + 1):
        longer = longer if length == 1 else _numbered(longer, levels[length - 1])
        same = places["row"] == places["row"].shift(-length)
        longer = pl.DataFrame({"code": longer * _base(levels) + single.shift(-length), "same": same}).select(pl.when("same").then("code")).to_series()
    return places.with_columns(longer.alias("code"))


def _numbered(codes: pl.Series, level: _Level) -> pl.Series:
    """The number of each within the level; null where it is not of the level."""
    import polars as pl

    return codes.replace_strict(level.codes, pl.int_range(len(level.codes), eager=True), default=None, return_dtype=pl.Int64)


def _base(levels: list[_Level]) -> int:
    return len(levels[0].terms)
