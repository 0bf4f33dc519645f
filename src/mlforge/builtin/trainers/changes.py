"""What changes while a fit goes on: settings that hold from an epoch on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from mlforge.builtin.trainers.lightning import Lightning

__all__ = ["Change", "changed"]


class Change(BaseModel):
    """Settings that take the place of the trainer's after so many epochs, until another change."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    after: int = Field(ge=1, description="so many epochs are done when it comes")
    lr: float | None = Field(default=None, gt=0, description="learning rate, at its highest; the schedule goes on")
    weight_decay: float | None = Field(default=None, ge=0, description="how strongly weights are pulled to zero")
    label_smoothing: float | None = Field(default=None, ge=0, lt=1, description="share of each label that is spread over all classes")

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.given:
            raise ValueError("it changes nothing: give lr, weight_decay or label_smoothing")
        return self

    @property
    def given(self) -> dict[str, float]:
        """The settings that it gives."""
        return {name: value for name, value in self.model_dump(exclude={"after"}).items() if value is not None}


def changed(settings: Lightning, changes: Iterable[Change], epochs: int) -> Lightning:
    """The settings when so many epochs are done."""
    due = sorted((one for one in changes if one.after <= epochs), key=lambda one: one.after)
    return settings.model_copy(update={name: value for one in due for name, value in one.given.items()})
