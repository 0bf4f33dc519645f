"""The command line: one file a verb, heavy imports inside."""

from mlforge.cli.entry import main

__all__ = ["main"]
