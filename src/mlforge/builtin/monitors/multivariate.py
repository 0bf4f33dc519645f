"""The monitor multivariate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from mlforge.builtin.monitors.discrepancy import Discrepancy
from mlforge.contract import Contract
from mlforge.task import Task

__all__ = ["Multivariate"]


class Multivariate(Discrepancy):
    """Rows that are distributed otherwise as a whole, though each column may look as before: such as two columns that no longer go together.

    The maximum mean discrepancy of all features, on 64 random Fourier features, under a promise on false alarms. It says that something has moved; where it is
    one column, the monitor drift says which.
    """

    about: ClassVar[str] = "multivariate"

    def sets(self, contract: Contract) -> Mapping[str, Sequence[str]]:
        """All features together."""
        keys = [key for key in contract.having("feature", "protected") if contract.columns[key].pii is None and contract.columns[key].dtype != "image"]
        return {"": keys} if keys else {}

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """One distance."""
        return ("multivariate/distance", "multivariate/false_alarms")
