"""Where a search stands among the stages, and which of them its trials run.

What a search finds joins the recipe: so it stands before the first stage that reads what it varies, and every stage from there on waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlforge.artifact import Trained
from mlforge.components import Stage, Sweep
from mlforge.lifecycle.graph import Node, graph, upstream
from mlforge.recipe import Recipe

__all__ = ["nodes_of"]


def nodes_of(recipe: Recipe) -> tuple[Node, ...]:
    """The stages that the recipe's sections call for, in order."""
    settings = recipe.sections.get("stages", {})
    assert isinstance(settings, Mapping), "stages is a section in the plural"
    stages = {name: stage for name, stage in settings.items() if isinstance(stage, Stage)}
    sections = [*recipe.sections, *(["contract"] if recipe.contract is not None else [])]
    nodes = graph(stages, sections)
    sweep = recipe.sections.get("sweep")
    return _steered(nodes, sweep) if isinstance(sweep, Sweep) else nodes


def _steered(nodes: tuple[Node, ...], sweep: Sweep) -> tuple[Node, ...]:
    search = next((node for node in nodes if node.steers), None)
    if search is None:
        return nodes
    rest = [node for node in nodes if node is not search]
    last = _measuring(rest, sweep)
    varied = {dimension.key.partition(".")[0] for dimension in sweep.space.values()}
    first = next((place for place, node in enumerate(rest) if varied & _read(node.stage)), rest.index(last[0]))
    after = [node for node in rest[first:] if not node.stage.effect]
    wanted = {node.name for end in last for node in upstream(nodes, end.name)}
    trials = tuple(node for node in after if node.name in wanted)
    before = {node.name for node in rest[:first]}
    shared = {port: source for node in trials for port, source in node.sources.items() if source in before}
    made = replace(search, sources=shared, trials=trials)
    return (*rest[:first], made, *(replace(node, steered=search.name) for node in rest[first:]))


def _read(stage: Stage) -> set[str]:
    return {*stage.needs, *stage.reads}


def _measuring(nodes: Sequence[Node], sweep: Sweep) -> list[Node]:
    """The stages that make the findings which the sweep looks at; at least the one that trains."""
    names = [*(one.finding for one in sweep.goals.values()), *(one.finding for one in sweep.constraints.values())]
    train = next(node for node in nodes if any(issubclass(kind, Trained) for kind in node.stage.outputs.values()))
    found = {train.name: train}
    for name in names:
        maker = next((node for node in nodes if _makes(node.stage, name)), train)
        found[maker.name] = maker
    return [node for node in nodes if node.name in found]


def _makes(stage: Stage, name: str) -> bool:
    if name.startswith("test/"):
        return "evaluators" in stage.needs
    return any(_matches(name, declared) for declared in stage.declares)


def _matches(name: str, declared: str) -> bool:
    parts, known = name.split("/"), declared.split("/")
    return len(parts) == len(known) and all(one in (other, "*") or other == "*" for one, other in zip(parts, known, strict=True))
