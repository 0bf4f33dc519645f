"""Run the contract suites over an installed plugin's components, in a process of its own: `python -m mlforge.testing.judging REQUEST ANSWER`.

A component is judged by the classes of the author's tests that hold it to a suite; one that they leave out, or all where there are no tests at hand, by its
kind's suite with the component's default settings.
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mlforge.components import (
    Callback,
    Cluster,
    Component,
    Exporter,
    Gate,
    Logger,
    Mitigation,
    Model,
    Perturbation,
    Probe,
    Protection,
    Schema,
    Source,
    Splitter,
    Stage,
    Sweep,
    Trainer,
    Transform,
)  # fmt: skip
from mlforge.contract import Contract
from mlforge.errors import MlforgeError
from mlforge.plugins import Provided, catalog
from mlforge.project import Project
from mlforge.task import TASKS
from mlforge.testing.callbacks import CallbackContract
from mlforge.testing.clusters import ClusterContract
from mlforge.testing.component import ComponentContract
from mlforge.testing.estimators import EstimatorContract
from mlforge.testing.exporters import ExporterContract
from mlforge.testing.loggers import LoggerContract
from mlforge.testing.mitigations import MitigationContract
from mlforge.testing.networks import ModelContract
from mlforge.testing.perturbations import PerturbationContract
from mlforge.testing.probes import ProbeContract
from mlforge.testing.protections import ProtectionContract
from mlforge.testing.samples import contract_for
from mlforge.testing.schemas import SchemaContract
from mlforge.testing.sources import SourceContract
from mlforge.testing.splitters import SplitterContract
from mlforge.testing.trainers import TrainerContract
from mlforge.testing.transforms import TransformContract

__all__ = ["Unjudged", "judge", "suite_of"]

_SUITES: dict[type[Component], type[ComponentContract[Any]]] = {
    Source: SourceContract, Splitter: SplitterContract, Protection: ProtectionContract, Transform: TransformContract, Trainer: TrainerContract,
    Exporter: ExporterContract, Schema: SchemaContract, Probe: ProbeContract, Callback: CallbackContract, Logger: LoggerContract, Cluster: ClusterContract,
    Perturbation: PerturbationContract, Mitigation: MitigationContract,
}  # fmt: skip
_LACKING: dict[type[Component], str] = {Gate: "a gate needs an example", Stage: "a stage needs an example", Sweep: "a sweep needs a space"}
_LONGEST = 300  # characters of a reason


class Unjudged(Exception):
    """Why a component cannot be judged without its author's tests."""


def suite_of(section: str, component: type[Component]) -> type[ComponentContract[Any]]:
    """A suite over the component as its defaults make it. Raises Unjudged when that needs more than defaults."""
    if lacking := next((what for kind, what in _LACKING.items() if issubclass(component, kind)), ""):
        raise Unjudged(lacking)
    try:
        made = component()
    except ValidationError as error:
        raise Unjudged(f"needs {', '.join('.'.join(map(str, one['loc'])) or one['msg'] for one in error.errors())}") from None
    more: dict[str, object] = {"component": made}
    if isinstance(made, Model):
        suite: type[ComponentContract[Any]] = EstimatorContract if made.family == "estimator" else ModelContract
    else:
        suite = next((suite for kind, suite in _SUITES.items() if isinstance(made, kind)), ComponentContract)
    if isinstance(made, Protection) and not made.chosen(contract_for()):
        raise Unjudged("needs columns")
    if isinstance(made, Probe):
        more |= {"predictions": section != "checks", "task": _task(made, contract_for())}
    return type(f"Test{component.__name__}", (suite,), more)


def _task(probe: Probe, contract: Contract) -> str:
    return "classification" if [*probe.declares(contract, TASKS["classification"])] else "regression"


class _Judge:
    """A plugin of pytest's: keeps the contract suites among the tests, and takes down what came of each."""

    def __init__(self, planned: Mapping[str, type]) -> None:
        self.planned = planned  # suites to be put into the (empty) module that is collected
        self.outcomes: dict[type, dict[str, str]] = defaultdict(dict)  # by suite and clause: why it failed, or nothing
        self.components: dict[type, type[Component]] = {}

    def pytest_pycollect_makemodule(self, module_path: Path, parent: Any) -> Any:
        """The module, with the suites that are planned."""
        made = pytest.Module.from_parent(parent, path=module_path)
        vars(made.obj).update(self.planned)
        return made

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Other tests of the author's are not run."""
        items[:] = [item for item in items if isinstance(getattr(item, "cls", None), type) and issubclass(item.cls, ComponentContract)]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Any:
        """One phase of one test is over."""
        report = yield
        if isinstance(subject := item.funcargs.get("subject"), Component):
            self.components[item.cls] = type(subject)
        name = item.originalname
        if report.failed and not self.outcomes[item.cls].get(name):
            self.outcomes[item.cls][name] = _reason(call)
        elif report.passed and report.when == "call":
            self.outcomes[item.cls].setdefault(name, "")
        return report


def _reason(call: Any) -> str:
    error = call.excinfo.value
    told = str(error).strip() or type(error).__name__
    named = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
    return (named + told.partition("\n")[0])[:_LONGEST]


def judge(plugin: str, tests: list[str], folder: Path) -> dict[str, Any]:
    """What the suites say of each component of a plugin; `folder` is for the tests' files."""
    table = catalog(Project.find(Path.cwd()))
    provided = [one for one in table.provided if one.plugin == plugin and one.section != "commands"]
    found: dict[str, dict[str, Any]] = {}
    author = _run(tests, folder / "author") if tests else _Judge({})
    mine: dict[str, type] = {}
    for one in provided:
        try:
            component = table.load(one.section, one.option)
        except MlforgeError as error:
            found[_key(one)] = {"clauses": {}, "unjudged": "", "broken": str(error).partition("\n")[0][:_LONGEST]}
            continue
        suites = [suite for suite, held in author.components.items() if held is component]
        if suites:
            found[_key(one)] = {"clauses": _joined(author, suites), "unjudged": "", "broken": ""}
            continue
        try:
            mine[_key(one)] = suite_of(one.section, component)
        except Unjudged as reason:
            found[_key(one)] = {"clauses": {}, "unjudged": str(reason), "broken": ""}
    found |= _by_defaults(mine, folder)
    return {
        "components": {key: found[key] for key in sorted(found)},
        "problem": "" if author.components or not tests else "the tests hold no component to a contract suite",
    }


def _by_defaults(suites: dict[str, type], folder: Path) -> dict[str, dict[str, Any]]:
    if not suites:
        return {}
    planned = {f"Test_{key.replace('/', '_')}": suite for key, suite in suites.items()}
    path = folder / "test_by_defaults.py"
    path.write_text("", encoding="utf-8")
    judged = _run([str(path)], folder / "defaults", planned)
    return {key: {"clauses": judged.outcomes[suite], "unjudged": "", "broken": ""} for key, suite in suites.items()}


def _run(paths: list[str], folder: Path, planned: Mapping[str, type] | None = None) -> _Judge:
    folder.mkdir()
    settings = folder / "pytest.ini"
    settings.write_text("[pytest]\nfilterwarnings = error\nmarkers =\n    slow: slow\n    gpu: gpu\n", encoding="utf-8")
    taken = _Judge(planned or {})
    quiet = ["-c", str(settings), "-p", "no:cacheprovider", "-p", "no:terminal", "-p", "no:faulthandler", f"--basetemp={folder / 'tmp'}"]
    pytest.main([*quiet, "--import-mode=importlib", *paths], plugins=[taken])
    return taken


def _joined(judged: _Judge, suites: list[type]) -> dict[str, str]:
    """Of several suites over one component, a clause holds when it holds in each."""
    clauses: dict[str, str] = {}
    for suite in suites:
        for name, why in judged.outcomes[suite].items():
            clauses[name] = clauses.get(name) or why
    return clauses


def _key(one: Provided) -> str:
    return f"{one.section}/{one.option}"


def main(request: Path, answer: Path) -> None:
    """Answer the request in a file."""
    asked = json.loads(request.read_text(encoding="utf-8"))
    with Path(os.devnull).open("w") as nowhere:
        sys.stdout = sys.stderr = nowhere
        reply = judge(asked["plugin"], asked["tests"], request.parent)
    answer.write_text(json.dumps(reply), encoding="utf-8")
    os._exit(0)  # threads of the plugin have no say in this


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
