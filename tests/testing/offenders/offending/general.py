"""Sources that are good at reading and bad at being components."""

import logging
import os
import tempfile
import threading
from collections.abc import Callable

from pydantic import ConfigDict, Field, field_serializer

from mlforge.components import Component, Source, Variable


class Fine(Source):
    """Nine rows, as they should be."""

    def fingerprint(self):
        return "nine rows"

    def scan(self):
        import polars as pl

        return pl.LazyFrame({"id": range(9)})


class Undescribed(Fine):
    """A field without a word."""

    rows: int = 9


class Undocumented(Fine):
    pass


class Changeable(Fine):
    """Not frozen."""

    model_config = ConfigDict(frozen=False)


class Lenient(Fine):
    """Takes any key."""

    model_config = ConfigDict(extra="ignore")


class Forgetful(Fine):
    """Its settings come back otherwise than they went."""

    share: float = Field(default=0.123, description="a share")

    @field_serializer("share")
    def _rounded(self, value: float) -> float:
        return round(value, 1)


class Unshowable(Fine):
    """A field that no schema can tell of."""

    measure: Callable[[str], int] = Field(default=len, exclude=True, description="what to measure by")


class Unlisted(Fine):
    """The plugin's hook has forgotten it."""


class Objecting(Fine):
    """Looks for a column that is not there."""

    def objections(self, contract):
        return [contract.columns["nowhere"]]


class Littering(Fine):
    """Leaves a temporary file each time it is asked."""

    def fingerprint(self):
        tempfile.mkstemp()
        return "nine rows"


class Threading(Fine):
    """Its reader's thread is only told to end when all rows are read."""

    def batches(self, rows):
        done = threading.Event()
        threading.Thread(target=done.wait, daemon=True, name="reader").start()
        yield from super().batches(rows)
        done.set()


class Holding(Fine):
    """Has a password for a field."""

    password: str = Field(default="", description="the password")


class Telling(Fine):
    """Logs the token."""

    token_env: Variable = Field(default="OFFENDING_TOKEN", description="variable with the token")

    def fingerprint(self):
        logging.getLogger(__name__).debug("the token is %s", os.environ.get(self.token_env))
        return "nine rows"


class Kindless(Component):
    """No source, though the plugin says so."""
