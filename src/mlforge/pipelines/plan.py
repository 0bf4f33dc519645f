"""What a pipeline runs: the commands of one recipe, whoever runs them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

import mlforge
from mlforge.packaging.plan import dns_name
from mlforge.recipe import Recipe

__all__ = ["CODES", "ROWS", "VERDICT", "Plan"]

VERDICT = "verdict.xml"  # what the gates said, for servers that show tests
ROWS = "MLFORGE_ROWS"  # a variable that names the rows to look at, where a recipe has no request log


@dataclass(frozen=True)
class Plan:
    """One recipe, and how often it is looked after."""

    recipe: str
    overrides: tuple[str, ...]
    schedule: str  # five fields of cron, UTC
    root: Path  # of the project
    programs: Path  # the folder in which mlforge lies
    env: tuple[str, ...] = ()  # variables that the project allows its recipes to read
    gated: bool = True
    watched: bool = False  # `mlforge watch` has something to look after
    monitored: bool = False  # there are monitors, and no log that they could read by themselves

    @classmethod
    def of(cls, recipe: Recipe, overrides: tuple[str, ...], schedule: str, root: Path, programs: Path, env: tuple[str, ...]) -> Plan:
        """By what the recipe declares."""
        monitors = bool(recipe.sections.get("monitors"))
        logged = recipe.serve is not None and recipe.serve.log is not None
        rollback = recipe.rollout is not None and recipe.rollout.rollback is not None
        watched = recipe.retrain is not None or rollback or (monitors and logged)
        gated = bool(recipe.sections.get("gates"))
        return cls(recipe.name, overrides, schedule, root, programs, env, gated, watched, monitors and not watched)

    @property
    def name(self) -> str:
        """Letters, digits and dashes, as all of them allow names."""
        return dns_name(self.recipe)

    @property
    def check(self) -> str:
        """Needs no data, and takes a second."""
        return shlex.join(("mlforge", "check", self.recipe, *self.overrides))

    @property
    def run(self) -> str:
        """From rows to a verdict, which is written as JUnit XML too, and a version if it passes."""
        return shlex.join(("mlforge", "run", self.recipe, *self.overrides, "--junit", VERDICT))

    @property
    def look(self) -> str | None:
        """What is done on the schedule; None when the recipe declares nothing of the kind."""
        if self.watched:
            return shlex.join(("mlforge", "watch", self.recipe, *self.overrides, "--once"))
        return f'{shlex.join(("mlforge", "monitor", self.recipe))} --source "${ROWS}" --fail' if self.monitored else None

    @property
    def logged(self) -> str:
        """A line of a comment on the log that is read, with its line break; empty when none is."""
        return (
            f"\n# `mlforge watch` reads the server's log (serve.log.path of {self.recipe}): it must be reachable from there, as a bucket is."
            if self.watched
            else ""
        )

    @property
    def package(self) -> str:
        """The champion as a container."""
        return shlex.join(("mlforge", "package", f"{self.recipe}@champion", "--to", "package"))

    @property
    def variables(self) -> tuple[str, ...]:
        """What must be in the environment."""
        return (*self.env, *([ROWS] if self.monitored else []))

    @property
    def requirement(self) -> str:
        """What is installed: this very version."""
        return f"mlforge[all]=={mlforge.__version__}"

    @property
    def python(self) -> str:
        """The interpreter's version, as images are tagged."""
        return "3.12"


CODES = "2: the recipe is wrong · 3: rows broke their contract · 4: a gate said no, or an alarm · 5: something is missing · 6: it could not finish"
"""What the exit codes of the commands mean."""
