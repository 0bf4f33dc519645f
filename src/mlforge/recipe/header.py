"""The keys of a recipe that are no section: name, seed, task, store and so on."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mlforge.budget import Budget
from mlforge.compress import Compress
from mlforge.contract import Contract
from mlforge.notes import Notes
from mlforge.service.retrain import Retrain
from mlforge.service.rollout import Rollout
from mlforge.service.serve import Serve
from mlforge.task import TASKS

__all__ = ["HEADER", "Header"]


def _readable(text: str) -> str:
    """A requirement as pip takes it. It names what to install, never where from: recipes are not trusted, and the command that we print is copied."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        found = Requirement(text)
    except InvalidRequirement:
        raise ValueError(f"{text[:60]!r} is no requirement; a name with versions was expected, such as mlforge-lightgbm>=0.2") from None
    if found.url:
        raise ValueError(f"{found.name} is required from a URL; a name with versions was expected, such as {found.name}>=0.2")
    return text


Wanted = Annotated[str, AfterValidator(_readable)]
"""A distribution and its versions, as PEP 508 writes them."""


class Header(BaseModel):
    """What a recipe says besides its sections."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)] = Field(description="the recipe's name, which is the model's")
    description: str = Field(default="", description="one sentence on what the model is for")
    license: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+ -]*$", max_length=100)] | None = Field(
        default=None, description="under which licence the model is passed on, as SPDX names it; for its card"
    )
    card: Notes | None = Field(default=None, description="what people say of the model, for its card: owner, uses, limits")
    seed: int = Field(default=0, ge=0, lt=2**32, description="the seed of everything that is random")
    task: str = Field(description=f"what is predicted: {', '.join(TASKS)}")
    store: str | None = Field(default=None, description="folder or URL of the store; null takes the project's")
    requires: tuple[Wanted, ...] = Field(default=(), description="plugins and packages that the recipe needs, as pip names them")
    budget: Budget | None = Field(default=None, description="what a run may use: it stops when a limit is reached")
    compress: Compress | None = Field(default=None, description="what a smaller variant of the model may cost and must bring: it decides which one ships")
    rollout: Rollout | None = Field(default=None, description="which version answers in a server, and what happens when it does not")
    serve: Serve | None = Field(default=None, description="how `mlforge serve` serves the model: address, processes, objective, limits, keys, log")
    retrain: Retrain | None = Field(default=None, description="when `mlforge watch` trains the model again, on which rows, and what becomes of the new version")
    contract: Contract | None = Field(default=None, description="what each column is")


HEADER = tuple(Header.model_fields)
