"""What each column adds to an answer: Shapley values over the columns of a raw row (Lundberg and Lee 2017), whatever the model.

The value of a set of columns is the mean answer when the row's own values stand in them and background values in the others. With few columns every set is
asked about, and the values are exact; with more, columns are entered one by one in drawn orders, each order forwards and backwards (antithetic sampling:
Mitchell et al. 2022), which adds up exactly for every order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import comb, isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

__all__ = ["ADDS_UP", "Attribution", "Share", "attributed"]

ADDS_UP = 1e-3  # a larger relative gap than this, and the explanation has failed
_EXACT = 7  # columns up to which every set is asked about: 128 sets
_LEAST = 1e-3  # distances from the base below this are measured against this: relative to nearly nothing, rounding looks like an error
_ROWS = 65_536  # asked about at a time


@dataclass(frozen=True)
class Share:
    """What a column adds, in the unit of the answer; `error` is the standard error that drawing orders leaves (0 when exact)."""

    value: float
    error: float


@dataclass(frozen=True)
class Attribution:
    """An answer as a base and what each column adds to it."""

    base: float  # the mean answer over the background
    said: float  # the answer to explain
    shares: Mapping[str, Share]
    exact: bool

    @property
    def gap(self) -> float:
        """How far base and shares are from the answer, relative to the answer's distance from the base; NaN when something is no number."""
        left = self.said - self.base - sum(share.value for share in self.shares.values())
        return abs(left) / max(abs(self.said - self.base), _LEAST)

    @property
    def failed(self) -> str:
        """Why it must not be believed; empty when it may."""
        if not (isfinite(self.said) and isfinite(self.base) and isfinite(self.gap)):
            return "the model's answers are not finite numbers"
        return f"what the columns add misses the answer by {self.gap:.2g} of its distance from the base" if self.gap > ADDS_UP else ""


Ask = Callable[["pl.DataFrame"], "np.ndarray"]


def attributed(ask: Ask, row: pl.DataFrame, background: pl.DataFrame, said: float, *, orders: int = 8, seed: int = 0) -> Attribution:
    """The answer to one row, attributed to the background's columns; the row's other columns stay as they are. `said`: the answer as a user gets it.

    `ask` gives a number for each row.
    """
    import numpy as np

    columns = background.columns
    exact = len(columns) <= _EXACT
    paths = None if exact else _orders(len(columns), orders, seed)
    sets = _all(len(columns)) if paths is None else _prefixes(paths, len(columns))
    worth = dict(zip((one.tobytes() for one in sets), _worth(ask, row, background, sets), strict=True))
    base = worth[np.zeros(len(columns), dtype=bool).tobytes()]
    values = _exactly(worth, sets) if paths is None else _sampled(worth, paths, len(columns))
    return Attribution(float(base), said, {key: Share(float(mean), float(error)) for key, (mean, error) in zip(columns, values, strict=True)}, exact)


def _all(columns: int) -> np.ndarray:
    import numpy as np

    return (np.arange(2**columns)[:, None] >> np.arange(columns)[None, :] & 1).astype(bool)


def _orders(columns: int, orders: int, seed: int) -> np.ndarray:
    """Drawn orders, each followed by its reverse."""
    import numpy as np

    draw = np.random.default_rng((seed, columns))
    forwards = [draw.permutation(columns) for _ in range(orders)]
    return np.array([path for one in forwards for path in (one, one[::-1])]).reshape(-1, columns)


def _prefixes(paths: np.ndarray, columns: int) -> np.ndarray:
    """The distinct sets that these orders pass through."""
    import numpy as np

    masks = np.zeros((len(paths), columns + 1, columns), dtype=bool)
    for number, path in enumerate(paths):
        for place, column in enumerate(path):
            masks[number, place + 1 :, column] = True
    distinct: np.ndarray = np.unique(masks.reshape(-1, columns), axis=0)
    return distinct


def _worth(ask: Ask, row: pl.DataFrame, background: pl.DataFrame, sets: np.ndarray) -> np.ndarray:
    """The mean answer for each set of the row's own columns."""
    import numpy as np

    worth = np.empty(len(sets))
    step = max(1, _ROWS // background.height)
    for start in range(0, len(sets), step):
        some = sets[start : start + step]
        worth[start : start + step] = ask(_mixed(row, background, some)).reshape(len(some), background.height).mean(axis=1)
    return worth


def _mixed(row: pl.DataFrame, background: pl.DataFrame, sets: np.ndarray) -> pl.DataFrame:
    """The background once for each set, with the row's values in the set's columns."""
    import numpy as np
    import polars as pl

    height = background.height
    whole = row[np.zeros(len(sets) * height, dtype=np.int64)]
    both = pl.concat([background, row.select(background.columns)])
    places = np.where(sets.T[:, :, None], height, np.arange(height)[None, None, :])  # [columns, sets, rows]
    return whole.with_columns(both[key].gather(places[number].ravel()) for number, key in enumerate(background.columns))


def _exactly(worth: Mapping[bytes, float], sets: np.ndarray) -> Sequence[tuple[float, float]]:
    columns = sets.shape[1]
    values = []
    for column in range(columns):
        total = 0.0
        for one in sets[~sets[:, column]]:
            more = one.copy()
            more[column] = True
            total += (worth[more.tobytes()] - worth[one.tobytes()]) / (columns * comb(columns - 1, int(one.sum())))
        values.append((total, 0.0))
    return values


def _sampled(worth: Mapping[bytes, float], paths: np.ndarray, columns: int) -> Sequence[tuple[float, float]]:
    """Means over the orders; an order and its reverse count as one draw of the standard error."""
    import numpy as np

    steps = np.empty((len(paths), columns))
    for number, path in enumerate(paths):
        mask = np.zeros(columns, dtype=bool)
        before = worth[mask.tobytes()]
        for column in path:
            mask[column] = True
            after = worth[mask.tobytes()]
            steps[number, column], before = after - before, after
    pairs = (steps[0::2] + steps[1::2]) / 2
    errors = pairs.std(axis=0, ddof=1) / len(pairs) ** 0.5 if len(pairs) > 1 else np.zeros(columns)
    return list(zip(pairs.mean(axis=0), errors, strict=True))
