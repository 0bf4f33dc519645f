"""A fit as JSON and arrays in a folder: what a process needs to take part in it. Nothing in it can run code: components are named as plugins register them."""

from __future__ import annotations

import json
import mmap
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlforge.artifact import Block, write_json
from mlforge.components import Component, Fitting, Place, Tensors, Trainer
from mlforge.errors import MissingRequirement
from mlforge.finding import Finding
from mlforge.task import Output

if TYPE_CHECKING:
    import numpy as np

    from mlforge.plugins import Catalog

__all__ = ["pack", "project_of", "unpack"]

Progress = Callable[[float, float, str], None]
Find = Callable[[Finding], None]
Report = Callable[[int, Mapping[str, float]], None]

_FILE = "fitting.json"
_LEFT_OUT = frozenset({"progress", "find", "report", "place"})  # each process has its own


def pack(fitting: Fitting, trainer: Trainer, folder: Path) -> None:
    """Write it. Arrays that are mapped from a file stay where they are; others are written along."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {one.name: _plain(getattr(fitting, one.name), folder, one.name) for one in fields(fitting) if one.name not in _LEFT_OUT}
    write_json(folder / _FILE, {"project": str(Path.cwd()), "trainer": _plain(trainer, folder, "trainer"), "fitting": parts})


def project_of(folder: Path) -> Path:
    """Where the command was given: the project is around it."""
    return Path(json.loads((folder / _FILE).read_bytes())["project"])


def unpack(folder: Path, catalog: Catalog, place: Place, progress: Progress, find: Find, report: Report) -> tuple[Trainer, Fitting]:
    """The trainer and the fitting, with what each process has of its own."""
    written = json.loads((folder / _FILE).read_bytes())
    parts = {name: _typed(value, catalog) for name, value in written["fitting"].items()}
    trainer = _typed(written["trainer"], catalog)
    assert isinstance(trainer, Trainer)
    return trainer, Fitting(**parts, place=place, progress=progress, find=find, report=report)


def _plain(value: object, folder: Path, name: str) -> Any:
    """A value as JSON has it, with a word on what it is where that is not plain."""
    if isinstance(value, Component):
        kind = type(value)
        return {"is": "component", "of": f"{kind.__module__}:{kind.__qualname__}", "fields": value.model_dump(mode="json")}
    if isinstance(value, Tensors):
        blocks = [_array(block, folder / f"{name}-{i}.npy") for i, block in enumerate(value.blocks)]
        weight = None if value.weight is None else _array(value.weight, folder / f"{name}-weight.npy")
        taught = None if value.taught is None else _array(value.taught, folder / f"{name}-taught.npy")
        return {"is": "tensors", "blocks": blocks, "target": _array(value.target, folder / f"{name}-target.npy"), "weight": weight, "taught": taught}
    if isinstance(value, Path):
        return {"is": "path", "path": str(value.absolute())}
    if isinstance(value, (Block, Output)):
        return {"is": type(value).__name__.lower(), "fields": asdict(value)}
    if isinstance(value, Mapping):
        return {"is": "entries", "entries": {key: _plain(one, folder, f"{name}-{key}") for key, one in value.items()}}
    if isinstance(value, tuple):
        return [_plain(one, folder, f"{name}-{i}") for i, one in enumerate(value)]
    assert value is None or isinstance(value, (bool, int, float, str)), f"{name} is a {type(value).__name__}, which other processes cannot be told"
    return value


def _array(array: np.ndarray, path: Path) -> str:
    import numpy as np

    if isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap) and array.filename is not None:  # the whole of a file
        return str(Path(array.filename).absolute())
    np.save(path, np.asarray(array), allow_pickle=False)
    return str(path.absolute())


def _typed(value: Any, catalog: Catalog) -> Any:
    if isinstance(value, list):
        return tuple(_typed(one, catalog) for one in value)
    if not isinstance(value, dict):
        return value
    match value["is"]:
        case "component":
            return _component(value["of"], value["fields"], catalog)
        case "tensors":
            blocks = tuple(_mapped(path) for path in value["blocks"])
            weight, taught = (None if value[name] is None else _mapped(value[name]) for name in ("weight", "taught"))
            return Tensors(blocks, _mapped(value["target"]), weight, taught)
        case "path":
            return Path(value["path"])
        case "block":
            return Block(**{**value["fields"], "cardinalities": tuple(value["fields"]["cardinalities"])})
        case "output":
            return Output(**{**value["fields"], "classes": tuple(value["fields"]["classes"])})
        case _:
            return {name: _typed(one, catalog) for name, one in value["entries"].items()}


def _component(reference: str, values: Mapping[str, Any], catalog: Catalog) -> Component:
    known = next((one for one in catalog.provided if one.reference == reference), None)
    if known is None:
        raise MissingRequirement(f"no plugin on this machine provides {reference}", hint="Install the same plugins wherever the fit runs.")
    return catalog.load(known.section, known.option).model_validate_json(json.dumps(values), strict=True)


def _mapped(path: str) -> np.ndarray:
    import numpy as np

    array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)  # memory that may be written to counts as used, read or not
    return array
