"""Write a plugin's package from the templates."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from tempfile import mkdtemp

import mlforge
from mlforge.errors import RecipeError
from mlforge.hookspecs import API
from mlforge.plugins.starter.kinds import TEMPLATES, Kind
from mlforge.plugins.starter.names import Names

__all__ = ["write"]

_SUFFIX = ".tmpl"


def write(names: Names, kind: Kind, parent: Path) -> list[Path]:
    """Make the folder `parent/NAME` with the whole package, or nothing; its files. Raises RecipeError when the folder is there."""
    target = parent / names.distribution
    if target.exists() or target.is_symlink():
        raise RecipeError(f"plugins new: {target} is there already", hint="Choose another name, or remove it first.")
    if not parent.is_dir():
        raise RecipeError(f"plugins new: {parent} is no folder", hint="Make it first, or choose another with --into.")
    words = _words(names, kind)
    draft = Path(mkdtemp(prefix=f".{names.distribution}-", dir=parent))
    try:
        for path, text in _texts(kind, words):
            file = draft / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        draft.chmod(0o755)
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return sorted(path for path in target.rglob("*") if path.is_file())


def _words(names: Names, kind: Kind) -> Mapping[str, str]:
    """What the templates may say."""
    return {
        "distribution": names.distribution,
        "package": names.package,
        "option": names.option,
        "cls": names.cls,
        "command": names.option.replace("_", "-"),
        "kind": kind.name,
        "section": kind.section,
        "suite": kind.suite,
        "example": kind.example,
        "version": ".".join(mlforge.__version__.split(".")[:2]),
        "api": str(API),
        "needs": "".join(f', "{need}"' for need in kind.needs),
    }


def _texts(kind: Kind, words: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Every file of the package, by its path in it: those of every kind, and over them those of this kind."""
    files = {path.relative_to(folder): path for folder in (TEMPLATES / "package", kind.folder) for path in sorted(folder.rglob(f"*{_SUFFIX}"))}
    for relative, path in files.items():
        # Names that begin with a dot would be lost on the way into a wheel.
        parts = [Template(part).substitute(words) for part in relative.as_posix().removesuffix(_SUFFIX).replace("dot-", ".").split("/")]
        yield "/".join(parts), Template(path.read_text(encoding="utf-8")).substitute(words)
