"""Kubernetes: a cron job that looks after the model, one that runs the recipe when asked, and the volume that both write to."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

import yaml

from mlforge.pipelines.plan import CODES, ROWS, Plan

__all__ = ["kubernetes"]

_HEAD = """\
# {recipe}: jobs that run it with its gates{looked}. Written by `mlforge init --ci kubernetes`; it is yours now.
#   docker build -t {image} -f {folder}/Dockerfile . && docker push {image}
#   kubectl apply -f {folder}/jobs.yaml
#   kubectl create job --from=cronjob/{name}-run {name}-run-1      # a run, when you want one
# Exit codes: {codes}.
"""

_DOCKERFILE = """\
# The project with what its recipes need. Build it in the project's folder: docker build -t {image} -f {folder}/Dockerfile .
FROM python:{python}-slim
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN pip install "{requirement}"
RUN useradd --uid 10001 --create-home forging
COPY --chown=10001 . /project
USER 10001
WORKDIR /project
"""


def kubernetes(plan: Plan) -> Mapping[str, str]:
    """The jobs, and the image that they run in."""
    folder, image = f"kubernetes/{plan.name}", f"registry.example.org/{plan.name}-jobs:1"
    head = _HEAD.format(
        recipe=plan.recipe, looked=", and look after it on a schedule" if plan.look else "", image=image, folder=folder, name=plan.name, codes=CODES
    )
    manifests = [_volume(plan), _job(plan, "run", shlex.split(plan.run), image, suspended=True)]
    if plan.look:
        words = [word.replace(f"${ROWS}", f"$({ROWS})") for word in shlex.split(plan.look)]
        manifests.append(_job(plan, "look", words, image, suspended=False))
    documents = "---\n".join(yaml.safe_dump(one, sort_keys=False, allow_unicode=True, width=160) for one in manifests)
    return {
        f"{folder}/jobs.yaml": head + documents,
        f"{folder}/Dockerfile": _DOCKERFILE.format(image=image, folder=folder, python=plan.python, requirement=plan.requirement),
    }


def _volume(plan: Plan) -> Mapping[str, object]:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "20Gi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": plan.name, "labels": _labels(plan)}, "spec": spec}


def _job(plan: Plan, what: str, words: list[str], image: str, *, suspended: bool) -> Mapping[str, object]:
    escaped = [word if f"$({ROWS})" in word else word.replace("$(", "$$(") for word in words]  # Kubernetes' own way of naming a variable
    settings = [{"name": one, "valueFrom": {"secretKeyRef": {"name": plan.name, "key": one}}} for one in plan.variables]
    container = {
        "name": what,
        "image": image,
        "command": escaped[:1],
        "args": escaped[1:],
        "workingDir": "/project",
        **({"env": settings} if settings else {}),
        "resources": {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "8Gi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "records", "mountPath": "/project/.mlforge"}],
    }
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "fsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "records", "persistentVolumeClaim": {"claimName": plan.name}}],
    }
    spec = {
        "schedule": plan.schedule,
        "timeZone": "Etc/UTC",
        "suspend": suspended,
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 3600,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 3,
        "jobTemplate": {"spec": {"backoffLimit": 0, "template": {"metadata": {"labels": _labels(plan)}, "spec": pod}}},
    }
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": f"{plan.name}-{what}"[:52], "labels": _labels(plan)}, "spec": spec}


def _labels(plan: Plan) -> Mapping[str, str]:
    return {"app.kubernetes.io/name": plan.name, "app.kubernetes.io/managed-by": "mlforge"}
