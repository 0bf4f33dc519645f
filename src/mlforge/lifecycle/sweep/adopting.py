"""The best trial's fit is the fit of the recipe that it makes: the stage that trains goes on from what the trial has left, and has nothing left to do."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from mlforge.artifact import Trained
from mlforge.lifecycle.job import StageJob
from mlforge.lifecycle.plan import Lifecycle
from mlforge.lifecycle.sweep.bench import Commission

__all__ = ["adopt"]


def adopt(job: StageJob, lifecycle: Lifecycle, commission: Commission, number: int, overrides: Sequence[str]) -> None:
    """Hand the trial's work folder to the stage with the same key. Where that cannot be, the stage trains anew, to the same end."""
    first = job.node.trials[0].name
    steered = lifecycle.steered(overrides)
    node = steered.named(first)
    if not any(issubclass(kind, Trained) for kind in node.stage.outputs.values()):
        return  # the stages before it have digests only when they are published
    outputs: dict[str, dict[str, str]] = {job.node.name: {}}
    for port, maker in node.sources.items():
        outputs.setdefault(maker, {})[port] = job.inputs[port].digest
    step = steered.step(node, outputs, {})
    source, target = commission.home(number) / first, steered.folder(step)
    if step.state != "run" or target.exists() or not source.is_dir():
        return
    for link in (source / "work").iterdir():
        if link.is_symlink():
            link.unlink()
    for shared in commission.shared.iterdir() if commission.shared.is_dir() else ():
        shared.rename(source / "work" / shared.name)
    shutil.rmtree(source / "drafts", ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)
