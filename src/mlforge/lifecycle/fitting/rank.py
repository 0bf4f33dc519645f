"""One process of a fit: `python -m mlforge.lifecycle.fitting.rank FOLDER`, with torch's variables (RANK, WORLD_SIZE …) in its environment."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

from mlforge.components import Place
from mlforge.errors import Interrupted
from mlforge.lifecycle.costs.limits import machine_limits
from mlforge.lifecycle.fitting.parcel import project_of, unpack
from mlforge.lifecycle.fitting.told import Teller, confess
from mlforge.plugins import catalog
from mlforge.project import Project

__all__ = ["DRIVER", "part"]

DRIVER = "MLFORGE_DRIVER"
"""Environment variable with the process id of who started this one: it does not outlive it."""

_LOOK = 0.5  # seconds between two looks whether the driver is still there


def part(folder: str, place: Place) -> None:
    """Take part in the fit that lies in a folder. What goes wrong is told there and raised."""
    where = Path(folder)
    try:
        teller = Teller(where, silent=not place.first)
        teller.begin()
        trainer, fitting = unpack(where, catalog(Project.find(project_of(where))), place, teller.progress, teller.find, teller.report)
        with machine_limits("train"):
            trainer.fit(fitting)
    except Exception as error:
        if not isinstance(error, Interrupted):
            confess(where, place.rank, error)
        raise


def main(folder: str) -> int:
    """The exit code: that of the error, 130 after a signal."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the driver's to pass on
    if driver := os.environ.get(DRIVER):
        threading.Thread(target=_lease, args=(int(driver),), daemon=True).start()
    values = (int(os.environ[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"))
    try:
        part(folder, Place(*values))
    except (KeyboardInterrupt, Interrupted):
        return Interrupted.exit_code
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _lease(driver: int) -> None:
    """End with the driver, however it ended: a process whose parent is gone is given another."""
    while os.getppid() == driver:
        time.sleep(_LOOK)
    os._exit(Interrupted.exit_code)


def _leave(code: int) -> NoReturn:
    """End at once when the work is done: an interpreter that takes itself apart may be aborted by threads that libraries have left running."""
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _leave(main(sys.argv[1]))
