"""The load process: a job on stdin, what was measured on stdout. A process of its own, so that nothing else takes time from its clock."""

from __future__ import annotations

import asyncio
import gc
import os
import ssl
import sys

import uvloop

from mlforge.serving.bench.job import Job, Measured
from mlforge.serving.bench.loops import ClosedLoop, OpenLoop

_UNREACHED = 6


def main() -> int:
    """Exit code 6 and a line on stderr when the server cannot be reached."""
    job = Job.model_validate_json(sys.stdin.read())
    key = os.environ.get(job.key_env, "") if job.key_env else ""
    loop = (ClosedLoop if job.round.loop == "closed" else OpenLoop)(job, key, ssl.create_default_context() if job.tls else None)
    gc.disable()  # for some seconds; a collection would look like a slow answer
    try:
        measured = asyncio.Runner(loop_factory=uvloop.new_event_loop).run(_run(loop))
    except OSError as error:
        sys.stderr.write(f"{str(error)[:300]}\n")
        return _UNREACHED
    sys.stdout.write(measured.model_dump_json())
    return 0


async def _run(loop: ClosedLoop) -> Measured:
    return await loop.run()


if __name__ == "__main__":
    sys.exit(main())
