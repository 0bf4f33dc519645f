"""The folders of trials: those that nobody needs any more are removed, beside the search and not in its way."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

__all__ = ["Homes"]


class Homes:
    """The folders below one, each named by a trial's number."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._there = {int(home.name) for home in folder.iterdir()} if folder.is_dir() else set()
        self._hand = ThreadPoolExecutor(1, "clears")  # to remove a dozen files takes longer than to note what a small trial came to

    def came(self, number: int) -> None:
        """A trial begins."""
        self._there.add(number)

    def clear(self, over: Collection[int], kept: Collection[int]) -> None:
        """Remove those of trials that are over, but for some."""
        for number in [one for one in self._there if one in over and one not in kept]:
            self._there.discard(number)
            self._hand.submit(shutil.rmtree, self.folder / f"{number:05d}", ignore_errors=True)

    def close(self) -> None:
        """Wait until all is removed."""
        self._hand.shutdown()
