"""Imports a heavy library for a class that may never be used."""

import polars as pl

from offending.general import Fine


class Heavy(Fine):
    """Imports Polars at its module's top."""

    def scan(self):
        return pl.LazyFrame({"id": range(9)})
