"""Files that a recipe reads and that are not there: no problem of the recipe, which may be checked where its data is not, and worth a line all the same."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mlforge.components import reads_of
from mlforge.errors import nearest
from mlforge.recipe.library import display

if TYPE_CHECKING:
    from mlforge.recipe.recipe import Recipe

__all__ = ["absent"]


def absent(recipe: Recipe) -> Iterator[str]:
    """A sentence for each file or folder of this machine that a component would read, and that is not there."""
    for where, one in recipe.components():
        for key, path in reads_of(one).items():
            if isinstance(path, str) and "://" not in path and not glob.has_magic(path) and not Path(path).exists():
                yield f"{where}.{key}: there is no file {display(Path(path))}; a run would stop there. {_near(Path(path))}".rstrip()


def _near(path: Path) -> str:
    try:
        return nearest(path.name, (other.name for other in path.parent.iterdir()))
    except OSError:
        return ""
