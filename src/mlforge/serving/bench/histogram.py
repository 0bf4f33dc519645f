"""How long answers took, counted in buckets whose width grows with the time: any number of them in a few kilobytes.

The buckets are those of HdrHistogram (Gil Tene, https://hdrhistogram.github.io/HdrHistogram/): every power of two is cut into 128, so that a percentile
is at most 1/128 above the true one, and exact to the microsecond below 256 µs.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from math import ceil

__all__ = ["Histogram"]

_BITS = 7  # an octave has 2**7 buckets
_LONGEST = 3_600_000_000  # microseconds; what takes longer is counted as an hour, and its true length is `longest`


class Histogram:
    """Times in seconds."""

    __slots__ = ("_counts", "count", "longest")

    def __init__(self, times: Iterable[float] = ()) -> None:
        self._counts = array("Q", bytes(8 * (_bucket(_LONGEST) + 1)))
        self.count = 0
        self.longest = 0.0
        for one in times:
            self.add(one)

    def add(self, seconds: float) -> None:
        """Count one."""
        micros = int(seconds * 1e6)
        self._counts[_bucket(min(max(micros, 0), _LONGEST))] += 1
        self.count += 1
        self.longest = max(self.longest, seconds)

    def percentile(self, share: float) -> float | None:
        """The time within which this share of them, 0 … 1, came; None when there are none."""
        return next(iter(self.percentiles((share,))), None)

    def percentiles(self, shares: Iterable[float]) -> list[float]:
        """The times of several shares, which rise. Empty when nothing was counted."""
        found: list[float] = []
        if not self.count:
            return found
        seen, bucket = self._counts[0], 0
        for share in shares:
            rank = max(1, ceil(round(share * self.count, 6)))  # 0.999 × 1000 is a little more than 999
            while seen < rank:
                bucket += 1
                seen += self._counts[bucket]
            found.append(self.longest if rank >= self.count else min(_end(bucket) / 1e6, self.longest))
        return found


def _bucket(micros: int) -> int:
    shift = max(0, micros.bit_length() - _BITS - 1)
    return (shift << _BITS) + (micros >> shift)


def _end(bucket: int) -> int:
    """The first microsecond beyond a bucket."""
    shift = max(0, (bucket >> _BITS) - 1)
    return (bucket - (shift << _BITS) + 1) << shift
