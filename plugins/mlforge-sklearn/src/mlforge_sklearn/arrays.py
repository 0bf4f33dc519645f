"""What was learned, as plain arrays in one file that cannot carry code."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mlforge.errors import DataError

__all__ = ["read", "write"]

_FILE = "model.npz"


def write(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the arrays; the same ones give the same bytes."""
    np.savez(folder / _FILE, allow_pickle=False, **{name: np.asarray(arrays[name]) for name in sorted(arrays)})


def read(folder: Path) -> dict[str, np.ndarray]:
    """Read them. Raises DataError when the file is missing, damaged, or asks to be unpickled."""
    try:
        with np.load(folder / _FILE, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{folder / _FILE}: cannot be read: {str(error)[:200]}", hint="Fit the model again.") from None
