"""What a project says of its MLflow server: `[tool.mlforge.settings.mlforge-mlflow]`."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from mlforge.units import Duration

__all__ = ["Settings"]


class Settings(BaseModel):
    """Where to send what, and how long to wait. Credentials are MLflow's own variables of the environment (`MLFLOW_TRACKING_TOKEN` …), and nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str | None = Field(default=None, min_length=1, description="the server; the variable MLFLOW_TRACKING_URI comes first; without either nothing is sent")
    experiment: str | None = Field(default=None, min_length=1, description="the experiment of all runs; each recipe has one of its own name when not given")
    models: bool = Field(default=True, description="send the bundle too, and mirror registered versions and their aliases")
    required: bool = Field(default=False, description="fail a run that cannot be tracked; otherwise it goes on with a warning")
    timeout: Duration = Field(default=10.0, description="how long to wait for an answer, before one more try")

    @field_validator("uri")
    @classmethod
    def _without_credentials(cls, uri: str | None) -> str | None:
        if uri is not None and urlsplit(uri).password is not None:
            raise ValueError("a password has no place in a file; use MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD")
        return uri

    def plus(self, **changes: object) -> Self:
        """The same with changes."""
        return self.model_copy(update=changes)
