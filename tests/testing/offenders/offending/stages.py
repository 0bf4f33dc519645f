"""Stages with a flaw."""

import time
from collections.abc import Mapping
from typing import ClassVar

from mlforge.artifact import Artifact
from mlforge.components import Stage
from mlforge.finding import Finding


class Good(Stage):
    """Writes down the recipe's name."""

    outputs: ClassVar[Mapping[str, type[Artifact]]] = {"note": Artifact}
    declares: ClassVar[tuple[str, ...]] = ("note/length",)

    def run(self, job):
        job.progress(1, 1)
        (job.draft("note") / "name.txt").write_text(job.name)
        job.find(Finding(name="note/length", value=len(job.name), text="the name's length", subject="data"))


class Ticking(Good):
    """Notes the time beside it."""

    def run(self, job):
        super().run(job)
        (job.draft("note") / "at.txt").write_text(str(time.time_ns()))


class Chatty(Good):
    """Finds what it has not announced."""

    def run(self, job):
        super().run(job)
        job.find(Finding(name="note/vowels", value=1, subject="data"))


class Rambling(Good):
    """A headline of two lines."""

    def headline(self, findings):
        return "first\nsecond"
