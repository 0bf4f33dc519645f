"""What an environment variable holds."""

from __future__ import annotations

import os

from mlforge.errors import MissingRequirement
from mlforge.secrets import remember

__all__ = ["held"]


def held(name: str) -> str:
    """Its value, masked from now on. MissingRequirement when it is not set."""
    value = os.environ.get(name, "")
    if not value:
        raise MissingRequirement(f"the environment variable {name} is not set", hint="Set it where alerts are sent from.")
    remember(value)
    return value
