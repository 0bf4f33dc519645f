"""Rounds of load, one process each."""

from __future__ import annotations

import subprocess
import sys

from mlforge.errors import RunFailed
from mlforge.serving.bench.job import Job, Measured

__all__ = ["loaded"]

_BEYOND = 60.0  # seconds that a round may take besides its own


def loaded(job: Job) -> Measured:
    """Put one round of load on a server. Raises RunFailed when it cannot be reached."""
    command = [sys.executable, "-P", "-m", "mlforge.serving.bench"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, err = process.communicate(job.model_dump_json(), timeout=job.round.seconds * 1.2 + _BEYOND)
    except subprocess.TimeoutExpired:
        raise RunFailed(f"{job.round}: the load process did not come to its end") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    if process.returncode:
        raise RunFailed(f"{job.round}: {(err.strip().splitlines() or ['the load process failed'])[-1][:300]}")
    return Measured.model_validate_json(out)
