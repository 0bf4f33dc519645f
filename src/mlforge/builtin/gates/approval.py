"""A gate that a person opens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from mlforge.components import Evidence, Gate, Ruling

if TYPE_CHECKING:
    from mlforge.task import Task

__all__ = ["Approval"]


class Approval(Gate):
    """Somebody in a role must sign the verdict: `mlforge approve`. Until then the run waits, and nothing is registered.

    The project's settings say who may sign: `[tool.mlforge.roles] risk = ["alice"]`. What is signed is one verdict on one bundle: a model that is made anew, or
    judged anew, waits again.
    """

    role: str = Field(pattern=r"^[A-Za-z_][\w-]*$", description="the role of which somebody must sign, one of those in the project's settings")

    def needs(self, task: Task) -> Mapping[str, str]:
        """No finding: a person decides."""
        return {}

    def signers(self) -> Mapping[str, str]:
        """The role."""
        return {"role": self.role}

    def judge(self, entry: str, evidence: Evidence, task: Task) -> Iterable[Ruling]:
        """One ruling, which waits."""
        text = f"waits for approval by {self.role}"
        return [Ruling(rule=entry, passed=False, role=self.role, finding=f"approval/{self.role}", bound="signed", text=text)]
