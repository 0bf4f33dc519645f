"""Which stages a recipe has, and in which order: derived from their ports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mlforge.artifact import Artifact, Tuned
from mlforge.components import Stage
from mlforge.errors import RecipeError
from mlforge.sections import active

__all__ = ["Node", "downstream", "graph", "upstream"]


@dataclass(frozen=True)
class Node:
    """One stage in a recipe's graph."""

    name: str
    stage: Stage
    sources: Mapping[str, str]  # input port → name of the stage that makes it
    after: tuple[str, ...]  # stages whose findings it gathers
    trials: tuple[Node, ...] = ()  # of a search: the stages that each of its trials runs
    steered: str = ""  # the search whose overrides join the recipe before this stage reads it

    @property
    def steers(self) -> bool:
        """Does it search for overrides."""
        return any(issubclass(kind, Tuned) for kind in self.stage.outputs.values())

    @property
    def waits(self) -> tuple[str, ...]:
        """The stages that must be done before it."""
        return (*self.sources.values(), *self.after, *((self.steered,) if self.steered else ()))

    @property
    def ports(self) -> Mapping[str, type[Artifact]]:
        """What lies at its input ports; a search takes what its trials take."""
        return {**{port: kind for one in self.trials for port, kind in one.stage.inputs.items()}, **self.stage.inputs}


def graph(stages: Mapping[str, Stage], sections: Iterable[str]) -> tuple[Node, ...]:
    """The stages whose sections the recipe has, every one after those that it takes from.

    Where ports leave a choice, the order in which the stages are registered holds. Raises RecipeError when two stages make one port, when a port is
    taken as another type than it is made, or when stages wait for each other.
    """
    waiting = active(stages, sections)
    makers = _makers(waiting)
    done: list[Node] = []
    while waiting:
        ready = next((name for name in waiting if _ready(waiting[name], done, waiting, makers, name)), None)
        if ready is None:
            raise RecipeError(f"stages wait for each other: {', '.join(waiting)}")
        stage = waiting.pop(ready)
        pure = tuple(node.name for node in done if not node.stage.effect)
        done.append(Node(ready, stage, {port: makers[port] for port in stage.inputs}, pure if stage.gathers else ()))
    return tuple(done)


def upstream(nodes: tuple[Node, ...], stage: str) -> tuple[Node, ...]:
    """That stage, after every stage that it takes from, directly or not."""
    wanted = {stage}
    for node in reversed(nodes):  # against the order, so that one pass is enough
        if node.name in wanted:
            wanted.update(node.waits)
    return tuple(node for node in nodes if node.name in wanted)


def downstream(nodes: tuple[Node, ...], stage: str) -> tuple[Node, ...]:
    """That stage, and every stage that takes from it, directly or not."""
    found = {stage}
    for node in nodes:
        if found.intersection(node.waits):
            found.add(node.name)
    return tuple(node for node in nodes if node.name in found)


def _makers(stages: Mapping[str, Stage]) -> dict[str, str]:
    makers: dict[str, str] = {}
    for name, stage in stages.items():
        for port in stage.outputs:
            if port in makers:
                raise RecipeError(f"stages {makers[port]} and {name} both make {port!r}")
            makers[port] = name
    for name, stage in stages.items():
        for port, kind in stage.inputs.items():
            made = stages[makers[port]].outputs[port]
            if not issubclass(made, kind):
                raise RecipeError(f"stage {name} takes {port!r} as {kind.__name__}, and stage {makers[port]} makes it as {made.__name__}")
    return makers


def _ready(stage: Stage, done: list[Node], waiting: Mapping[str, Stage], makers: Mapping[str, str], name: str) -> bool:
    finished = {node.name for node in done}
    if any(makers[port] not in finished for port in stage.inputs):
        return False
    rest = [other for other in waiting if other != name]
    if stage.effect:  # effects come when every pure stage is done
        return all(waiting[other].effect for other in rest)
    if stage.gathers:  # gatherers come when every other pure stage that does not need them is done
        return all(waiting[other].gathers or waiting[other].effect or _needs(waiting[other], name, waiting, makers) for other in rest)
    return True


def _needs(stage: Stage, name: str, waiting: Mapping[str, Stage], makers: Mapping[str, str]) -> bool:
    """Does `stage` take, directly or not, from the stage called `name`."""
    return any(makers[port] == name or (makers[port] in waiting and _needs(waiting[makers[port]], name, waiting, makers)) for port in stage.inputs)
