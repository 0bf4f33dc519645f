"""From a fitting to what a cluster carries out."""

from __future__ import annotations

import logging
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from mlforge.components import Cluster, Errand, Fitting, Trainer
from mlforge.errors import RunFailed
from mlforge.lifecycle.fitting.parcel import pack
from mlforge.lifecycle.fitting.rank import part
from mlforge.lifecycle.fitting.told import Listener, failure

__all__ = ["carry_out"]

_log = logging.getLogger(__name__)
_AGAIN = "again"  # a file by which a fit that failed asks to be begun once more


def carry_out(fitting: Fitting, trainer: Trainer, cluster: Cluster, folder: Path) -> None:
    """Have a cluster fit; progress and findings arrive as if the fit ran here. `folder` is for what the processes are told and tell."""
    try:
        _carry_out(fitting, trainer, cluster, folder)
    except RunFailed as failed:
        if not cluster.starts or not (fitting.work / _AGAIN).exists():
            raise
        (fitting.work / _AGAIN).unlink()
        _log.warning("%s; all processes begin again", str(failed.args[0]).rstrip("."))
        _carry_out(fitting, trainer, cluster, folder)
    finally:
        (fitting.work / _AGAIN).unlink(missing_ok=True)


def _carry_out(fitting: Fitting, trainer: Trainer, cluster: Cluster, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
    pack(fitting, trainer, folder)
    listener = Listener(folder, fitting.progress, fitting.report)
    cluster.fit(
        Errand(
            folder,
            trainer.processes(),
            (sys.executable, "-m", part.__module__, str(folder)),
            part,
            lambda place: trainer.fit(replace(fitting, place=place)),
            listener.listen,
            lambda: failure(folder),
        )
    )
    listener.listen()
    for finding in listener.findings:
        fitting.find(finding)
