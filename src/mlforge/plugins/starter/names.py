"""The names of a new plugin: from that of its distribution, those of its package, option and class."""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass

from mlforge.errors import RecipeError

__all__ = ["Names"]

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Names:
    """`mlforge-night-sky` is the package `mlforge_night_sky`, with the option `night_sky` and the class `NightSky`."""

    distribution: str

    def __post_init__(self) -> None:
        """Raise RecipeError for a name that could not be published or imported."""
        name = self.distribution
        if not _NAME.fullmatch(name) or len(name) > _LONGEST:
            near = re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()).strip("-")[:_LONGEST].strip("-")
            hint = f"Did you mean {near}?" if _NAME.fullmatch(near) else ""
            what = f"a name like mlforge-orbital was expected: lower-case letters, digits and single dashes, at most {_LONGEST}, a letter first"
            raise RecipeError(f"plugins new: {name[:80]!r} cannot be a plugin's name; {what}", hint=hint)
        if self.package in ("mlforge", *sys.stdlib_module_names) or keyword.iskeyword(self.package):
            raise RecipeError(
                f"plugins new: {name}: its package {self.package} would hide {'mlforge' if self.package == 'mlforge' else 'a part of Python'}",
                hint=f"Did you mean mlforge-{'orbital' if self.package == 'mlforge' else name}?",
            )
        if keyword.iskeyword(self.option) or not re.match(r"[a-z]", self.option):
            raise RecipeError(f"plugins new: {name}: recipes would call it {self.option}, which is no name of theirs", hint="Choose another name.")

    @property
    def package(self) -> str:
        """The Python package."""
        return self.distribution.replace("-", "_")

    @property
    def option(self) -> str:
        """What recipes and the command line call it."""
        return self.package.removeprefix("mlforge_")

    @property
    def cls(self) -> str:
        """The component's class."""
        return "".join(part.title() for part in self.option.split("_"))
