"""A server of the bench's own: the model, copied into a store that goes with the command, served as its recipe says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mlforge.serving.drill.server import Server, started
from mlforge.store import Store, Version

__all__ = ["own_server"]

_ELSEWHERE = ("host", "port", "grpc_port", "access", "log")  # of the recipe's key serve: doors, keys and logs are of the place where it serves
_OTHERS = ("canary", "shadow")  # of its key rollout: they need another version


@contextmanager
def own_server(own: Store, version: Version, workers: int | None) -> Iterator[Server]:
    """A server for the length of the block."""
    recipe = own.records.run(version.run).plain
    with TemporaryDirectory(prefix="mlforge-bench-") as name:
        folder = Path(name)
        with Store.open(None, folder) as store:
            draft = folder / "draft"
            shutil.copytree(own.vouched.folder(version), draft / "onnx", copy_function=shutil.copyfile)
            (draft / "bundles.json").write_text(json.dumps({"variants": ["onnx"], "ships": "onnx"}), encoding="utf-8")
            run = store.records.begin_run(version.model, _here(recipe), (), smoke=False)
            store.records.end_run(run, "done", 0)
            made, _ = store.registry.register(version.model, bundle=store.artifacts.publish(draft), verdict="", run=run)
            if store.registry.champion(version.model) is None:
                store.registry.set_alias(version.model, "champion", made.version, reason="bench")
        with started(version.model, folder, workers) as server:
            yield server


def _here(recipe: Mapping[str, Any]) -> dict[str, Any]:
    serve = {key: value for key, value in (recipe.get("serve") or {}).items() if key not in _ELSEWHERE}
    rollout = {key: value for key, value in (recipe.get("rollout") or {}).items() if key not in _OTHERS}
    if (rollout.get("fallback") or {}).get("model"):
        rollout["fallback"] = rollout["fallback"] | {"model": None}  # another model is not there
    return {"serve": serve, **({"rollout": rollout} if rollout else {})}
