"""Every component that comes with mlforge is held to its kind's suite, in one of the modules beside this one."""

# ruff: noqa: T201  (how many conform is part of the answer)

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from mlforge.components import Component
from mlforge.plugins import catalog
from mlforge.project import Project
from mlforge.testing import ComponentContract

HERE = Path(__file__).parent


def suites() -> list[type[ComponentContract]]:
    """The suites of this folder's modules."""
    found = []
    for path in sorted(HERE.glob("test_*_conform.py")):
        spec = importlib.util.spec_from_file_location(f"conforming_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        found += [one for name, one in vars(module).items() if name.startswith("Test") and isinstance(one, type) and issubclass(one, ComponentContract)]
    return found


def test_every_builtin_has_a_suite_of_its_kind(tmp_path: Path) -> None:
    held: dict[type[Component], type[ComponentContract]] = {}
    for number, suite in enumerate(suites()):
        (tmp_path / str(number)).mkdir()
        held[type(suite().make(tmp_path / str(number)))] = suite
    table = catalog(Project(tmp_path))
    own = {
        f"{one.section}/{one.option}": table.load(one.section, one.option) for one in table.provided if one.plugin == "mlforge" and one.section != "commands"
    }
    left_out = [name for name, kind in own.items() if kind not in held]
    assert not left_out, f"held to no suite: {', '.join(left_out)}"
    for name, kind in own.items():
        assert issubclass(kind, held[kind].kind), f"{name} is held to {held[kind].__name__}, which is for another kind"
    print(f"{len(own)} built-in components are held to {len(set(held.values()))} suites")
