"""What a drill needs: a store with the version that is to be rehearsed, the same once more, a damaged one and a slow one. The model's own is only read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlforge.artifact import Bundles
from mlforge.runtime.bundle import MODEL, enclose
from mlforge.serving.drill.slowed import slowed
from mlforge.store import Store, Version

__all__ = ["Scene"]

_SLOW = {"timeout_ms": 250.0}  # where the recipe says nothing
SERVING = "serving"


@dataclass
class Scene:
    """A store of the drill's own; `numbers` are its versions by the part that they play."""

    store: Store
    model: str
    folder: Path
    numbers: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, own: Store, version: Version, folder: Path) -> Scene:
        """Set in an empty folder."""
        scene = cls(Store.open(None, folder), version.model, folder)
        source = own.vouched.folder(version)
        rollout = dict(own.records.run(version.run).plain.get("rollout") or {}) | {"canary": None, "shadow": None, "follow": True}
        if (rollout.get("fallback") or {}).get("model"):
            rollout["fallback"] = rollout["fallback"] | {"model": None}  # another model is not there
        for part in (SERVING, "again", "corrupt", "slow"):
            scene._register(part, source, rollout if part != "slow" else {**_SLOW, **{key: value for key, value in rollout.items() if value is not None}})
        return scene

    def _register(self, part: str, source: Path, rollout: Mapping[str, Any]) -> None:
        draft = self.folder / "drafts" / part
        shutil.copytree(source, draft / "onnx", copy_function=shutil.copyfile)
        (draft / "bundles.json").write_text(json.dumps({"variants": ["onnx"], "ships": "onnx"}), encoding="utf-8")
        (draft / "drill.txt").write_text(part, encoding="utf-8")  # so that each is a version of its own
        if part == "slow":
            model = slowed((draft / "onnx" / MODEL).read_bytes())
            if model is None:
                return
            enclose(draft / "onnx", MODEL, model)
        run = self.store.records.begin_run(self.model, {"rollout": dict(rollout)}, (), smoke=False)
        self.store.records.end_run(run, "done", 0)
        version, _ = self.store.registry.register(self.model, bundle=self.store.artifacts.publish(draft), verdict="", run=run)
        self.numbers[part] = version.version
        if part == "corrupt":
            damaged = Bundles(self.store.artifacts.path(version.bundle)).bundle() / MODEL
            damaged.chmod(0o644)
            damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")

    @property
    def champion(self) -> int:
        """The version that the alias points at."""
        found = self.store.registry.champion(self.model)
        assert found is not None
        return found.version

    def promote(self, part: str) -> int:
        """Let the alias point at a part; its version."""
        self.store.registry.set_alias(self.model, "champion", self.numbers[part], reason="drill")
        return self.numbers[part]
