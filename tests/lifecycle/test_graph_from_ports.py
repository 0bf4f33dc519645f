"""The order of stages follows from their ports."""

from __future__ import annotations

from typing import ClassVar

import pytest

from mlforge.artifact import Artifact, Table, Trained
from mlforge.components import Job, Stage
from mlforge.errors import RecipeError
from mlforge.lifecycle.graph import graph


class Quiet(Stage):
    """Does nothing."""

    def run(self, job: Job) -> None:
        """Nothing."""


class Ingest(Quiet):
    """Makes a table."""

    needs = ("source",)
    outputs: ClassVar = {"table": Table}


class Train(Quiet):
    """Takes a table."""

    needs = ("model",)
    inputs: ClassVar = {"table": Table}
    outputs: ClassVar = {"trained": Trained}


class Judge(Quiet):
    """Gathers findings and makes a verdict."""

    gathers = True
    outputs: ClassVar = {"verdict": Artifact}


class Inspect(Quiet):
    """Takes a table, makes nothing else than findings."""

    inputs: ClassVar = {"table": Table}


class Publish(Quiet):
    """Acts on the verdict."""

    effect = True
    inputs: ClassVar = {"verdict": Artifact}


def names(stages, sections=("source", "model")):
    return [node.name for node in graph(stages, sections)]


def test_a_stage_comes_after_those_that_make_its_inputs():
    assert names({"train": Train(), "ingest": Ingest()}) == ["ingest", "train"]


def test_a_gatherer_comes_after_every_other_pure_stage_and_effects_last():
    stages = {"publish": Publish(), "judge": Judge(), "train": Train(), "inspect": Inspect(), "ingest": Ingest()}
    assert names(stages) == ["ingest", "train", "inspect", "judge", "publish"]
    judge = graph(stages, ("source", "model"))[3]
    assert judge.after == ("ingest", "train", "inspect")


def test_what_takes_from_a_gatherer_comes_after_it():
    class Announce(Quiet):
        """Takes the verdict."""

        inputs: ClassVar = {"verdict": Artifact}

    assert names({"announce": Announce(), "judge": Judge(), "ingest": Ingest()}) == ["ingest", "judge", "announce"]


def test_a_recipe_has_the_stages_it_has_sections_for():
    assert names({"train": Train(), "ingest": Ingest()}, sections=("source",)) == ["ingest"]


def test_a_recipe_has_no_stage_whose_inputs_nobody_makes():
    assert names({"train": Train(), "inspect": Inspect()}) == []


def test_two_makers_of_one_port_are_both_named():
    with pytest.raises(RecipeError, match="ingest and again both make 'table'"):
        graph({"ingest": Ingest(), "again": Ingest()}, ("source",))


def test_a_port_of_the_wrong_type_is_refused():
    class Odd(Quiet):
        """Takes a table for a model."""

        inputs: ClassVar = {"table": Trained}

    with pytest.raises(RecipeError, match="as Trained, and stage ingest makes it as Table"):
        graph({"ingest": Ingest(), "odd": Odd()}, ("source",))


def test_stages_that_wait_for_each_other_are_refused():
    class One(Quiet):
        """Takes two."""

        inputs: ClassVar = {"two": Artifact}
        outputs: ClassVar = {"one": Artifact}

    class Two(Quiet):
        """Takes one."""

        inputs: ClassVar = {"one": Artifact}
        outputs: ClassVar = {"two": Artifact}

    with pytest.raises(RecipeError, match="wait for each other: one, two"):
        graph({"one": One(), "two": Two()}, ())
