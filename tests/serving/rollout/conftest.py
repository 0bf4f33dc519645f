"""A project with versions of a model that are made in a moment, to be served."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serving.bundles import make_bundle

from mlforge.store import Store

Registered = Callable[..., int]


LISTENER = """
from pathlib import Path
from mlforge.hookspecs import hookimpl

@hookimpl
def mlforge_event(event, subject, details):
    with (Path(__file__).parent / "heard.txt").open("a") as file:
        file.write(f"{event} {subject} {details['before']}: {details['reason']}\\n")
"""
"""A plugin of the project's own, which writes down what it is told."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A project's store."""
    (tmp_path / "mlforge.toml").write_text('plugins = ["listener"]\n')
    (tmp_path / "listener.py").write_text(LISTENER)
    with Store.open(None, tmp_path / ".mlforge") as opened:
        yield opened


@pytest.fixture
def register(store: Store, tmp_path: Path) -> Registered:
    """Makes a version of a model, whose answers tell it from the others by their bias, under a recipe with this `rollout`."""
    return lambda **how: registered(store, tmp_path / "drafts", **how)


def registered(store: Store, drafts: Path, *, model: str = "people", rollout: dict[str, Any] | None = None, **how: Any) -> int:
    """The number of the new version."""
    number = len(store.registry.versions(model)) + 1
    draft = drafts / f"{model}-{number}"
    make_bundle(draft / "onnx", **{"bias": float(number), **how})
    (draft / "bundles.json").write_text(json.dumps({"variants": ["onnx"], "ships": "onnx"}))
    (draft / "number.txt").write_text(str(number))
    run = store.records.begin_run(model, {"rollout": rollout, "serve": {"workers": 2, "threads": 1}}, (), smoke=False)
    store.records.end_run(run, "done", 0)
    version, _ = store.registry.register(model, bundle=store.artifacts.publish(draft), verdict="v", run=run)
    return version.version
