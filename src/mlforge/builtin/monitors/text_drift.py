"""The monitor text_drift."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from mlforge.builtin.monitors.discrepancy import Discrepancy
from mlforge.builtin.probes.names import slug
from mlforge.components import Objection
from mlforge.contract import Contract
from mlforge.task import Task

__all__ = ["TextDrift"]


class TextDrift(Discrepancy):
    """Texts and arrays (embeddings) that are distributed otherwise than in training, column by column.

    The maximum mean discrepancy on random Fourier features: of a text, of its first 64 words by their hashes; of an array, of its direction. Nothing of a text
    is kept. Over all such columns together, false alarms stay what is promised (Holm).
    """

    about: ClassVar[str] = "text_drift"

    def objections(self, contract: Contract) -> Iterable[Objection]:
        """A contract without text."""
        yield from super().objections(contract)
        if not self.sets(contract):
            yield Objection("", "no feature is a text or an array", hint="Leave the monitor out; drift looks at all other columns.")

    def sets(self, contract: Contract) -> Mapping[str, Sequence[str]]:
        """Each by itself."""
        return {key: [key] for key in contract.having("feature") if contract.columns[key].dtype == "text" or contract.columns[key].dtype.startswith("array")}

    def declares(self, contract: Contract, task: Task) -> Iterable[str]:
        """A distance for each."""
        return (*(f"text_drift/{slug(key)}" for key in self.sets(contract)), "text_drift/distance", "text_drift/false_alarms")
