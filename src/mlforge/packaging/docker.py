"""The image: a Dockerfile and what it copies."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from mlforge.packaging.plan import PORT, Plan

__all__ = ["dockerfile", "requirements"]

_DOCKERFILE = """\
# {model} {version} behind HTTP. Build it in this folder:
#   docker build -t {image} .
#   docker run --rm -p {port}:{port} {image}
FROM python:{python}-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.txt {wheel} /tmp/packages/
# Every version is pinned and all are named, so nothing else is looked for.
RUN pip install --no-deps -r /tmp/packages/requirements.txt /tmp/packages/{wheel} && rm -r /tmp/packages
COPY model {place}
RUN useradd --uid 10001 --create-home serving
USER 10001
WORKDIR /home/serving
{trust}EXPOSE {port}
HEALTHCHECK --start-period=10s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:{port}/health/ready', timeout=3)"]
ENTRYPOINT {command}
"""

_REQUIREMENTS = """\
# What serving {model} needs: no torch, and nothing that only recipes and training need. All of it, so that it is installed with --no-deps.
"""


def dockerfile(plan: Plan, wheel: str) -> str:
    """The Dockerfile."""
    return _DOCKERFILE.format(
        model=plan.model,
        version=plan.version,
        image=plan.image,
        port=PORT,
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        wheel=wheel,
        place=plan.place,
        trust="COPY trust /home/serving\n" if plan.trusted else "",  # root's: who serves cannot change it
        command=json.dumps(plan.command),
    )


def requirements(plan: Plan, pins: Sequence[str]) -> str:
    """The requirements file."""
    return _REQUIREMENTS.format(model=plan.model) + "".join(f"{pin}\n" for pin in pins)
