"""Where in a plugin something went wrong: `mlforge_acme/__init__.py:3`."""

from __future__ import annotations

import importlib
import traceback
from pathlib import Path

__all__ = ["place", "short"]

_LOADERS = ("<", str(Path(__file__).parent), str(Path(importlib.__file__).parent))  # what loads a plugin is not what broke


def short(path: str, module: str) -> str:
    """A file's path from its top-level package on; the file's name alone when it lies elsewhere."""
    top = module.partition(".")[0]
    parts = Path(path).parts
    return "/".join(parts[len(parts) - 1 - parts[::-1].index(top) :]) if top in parts else Path(path).name


def place(error: BaseException, module: str) -> str:
    """The deepest line in the module's own package that an error passed through, as " (file:line)"; the deepest line at all when it passed through none."""
    if isinstance(error, SyntaxError) and error.filename:
        return f" ({short(error.filename, module)}:{error.lineno})"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(_LOADERS)]
    top = module.partition(".")[0]
    own = [frame for frame in frames if top in Path(frame.filename).parts or Path(frame.filename).stem == top]
    return "".join(f" ({short(frame.filename, module)}:{frame.lineno})" for frame in (own or frames)[-1:])
