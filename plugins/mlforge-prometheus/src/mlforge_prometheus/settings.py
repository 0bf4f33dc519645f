"""Where a project leaves its figures: `[tool.mlforge.settings.mlforge-prometheus]`."""

from __future__ import annotations

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from mlforge.units import Duration

__all__ = ["Settings"]


class Settings(BaseModel):
    """A folder that the node exporter collects, a Pushgateway, or both."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str | None = Field(default=None, min_length=1, description="folder of the textfile collector, below the project's or absolute; one file a recipe")
    gateway: str | None = Field(default=None, min_length=1, description="a Pushgateway, such as http://127.0.0.1:9091; one group a recipe")
    timeout: Duration = Field(default=5.0, description="how long to wait for the gateway")

    @field_validator("gateway")
    @classmethod
    def _is_http(cls, gateway: str | None) -> str | None:
        parts = urlsplit(gateway or "http://")
        if parts.scheme not in ("http", "https"):
            raise ValueError("a gateway is written as http://host:port")
        if parts.password is not None:
            raise ValueError("a password has no place in a file")
        return gateway

    def under(self, root: Path) -> Self:
        """The same, with the folder's whole path."""
        return self if self.folder is None else self.model_copy(update={"folder": str(root / Path(self.folder).expanduser())})
