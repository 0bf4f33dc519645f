"""Protections that do not protect."""

from pydantic import PrivateAttr

from mlforge.components import Protection
from mlforge.runtime.protections import Band, Prefix


class Varying(Protection):
    """Keeps more of a text from one time to the next."""

    _asked: int = PrivateAttr(default=0)

    def rule(self, key, column):
        self._asked += 1
        return Prefix(characters=1 + self._asked)


class Shifted(Band):
    shift: float = 1.0


class Private(Protection):
    """A rule of its own, of which a bundle knows nothing."""

    def rule(self, key, column):
        return Shifted(width=10)


class Transparent(Protection):
    """Keeps all of a text."""

    def rule(self, key, column):
        return Prefix(characters=1000)


class Rude(Protection):
    """Refuses with an error that says nothing to anyone."""

    def rule(self, key, column):
        if column.dtype != "string":
            raise KeyError(key)
        return Prefix(characters=3)
