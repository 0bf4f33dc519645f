"""The protection drop."""

from __future__ import annotations

from mlforge.components import Protection
from mlforge.contract import Column
from mlforge.runtime.protections import Drop as Rule

__all__ = ["Drop"]


class Drop(Protection):
    """Leaves columns out: they are not read, not checked, and nowhere written."""

    def rule(self, key: str, column: Column) -> Rule:
        """Any column may be dropped."""
        return Rule()
