"""What people say of a model, and no measurement can: who owns it, what it is for, where it must not be used."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Notes"]

Sentence = Annotated[str, Field(min_length=1, max_length=1000)]


class Notes(BaseModel):
    """The part of a model's card that people write: the headings of "Model Cards for Model Reporting" (Mitchell et al., 2019)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: Sentence | None = Field(default=None, description="who answers for the model: a person or a team, and how to reach them")
    users: tuple[Sentence, ...] = Field(default=(), description="who is meant to use it")
    intended_uses: tuple[Sentence, ...] = Field(default=(), description="what it is meant for")
    out_of_scope_uses: tuple[Sentence, ...] = Field(default=(), description="what it must not be used for")
    limitations: tuple[Sentence, ...] = Field(default=(), description="where it is known to be weak")
    ethical_considerations: tuple[Sentence, ...] = Field(default=(), description="whom it may harm, and what was done about it")
