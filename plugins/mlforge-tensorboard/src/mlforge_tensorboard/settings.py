"""Where a project keeps its event files: `[tool.mlforge.settings.mlforge-tensorboard]`."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Settings"]


class Settings(BaseModel):
    """Where the event files lie."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str = Field(default=".mlforge/tensorboard", min_length=1, description="folder of the event files, below the project's or absolute")

    def under(self, root: Path) -> Path:
        """The folder of a project."""
        return root / Path(self.folder).expanduser()
