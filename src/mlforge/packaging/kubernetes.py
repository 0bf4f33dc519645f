"""Manifests for Kubernetes and KServe, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from mlforge.packaging.plan import PORT, Plan

__all__ = ["Manifest", "manifests"]

Manifest: TypeAlias = Mapping[str, object]

_DRAIN = 45  # seconds that a pod has to answer what it was asked: the server's own drain, and what the load balancer needs to hear of it


def manifests(plan: Plan) -> Mapping[str, Manifest]:
    """Each by the name of its file."""
    return {
        "deployment.yaml": _deployment(plan),
        "service.yaml": _service(plan),
        "autoscaler.yaml": _autoscaler(plan),
        "inferenceservice.yaml": _inference_service(plan),
    }


def _head(plan: Plan, version: str, kind: str) -> dict[str, object]:
    metadata = {"name": plan.name, "labels": _labels(plan), "annotations": {"mlforge/model": f"{plan.model} {plan.version}", "mlforge/bundle": plan.digest}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _labels(plan: Plan) -> dict[str, str]:
    return {"app.kubernetes.io/name": plan.name, "app.kubernetes.io/version": str(plan.version), "app.kubernetes.io/managed-by": "mlforge"}


def _selector(plan: Plan) -> dict[str, str]:
    return {"app.kubernetes.io/name": plan.name}


def _deployment(plan: Plan) -> Manifest:
    pod = {
        "metadata": {"labels": _labels(plan)},
        "spec": {
            "terminationGracePeriodSeconds": _DRAIN,
            "automountServiceAccountToken": False,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "fsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{**_container(plan, "serve"), "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}}}],
            "volumes": [{"name": "scratch", "emptyDir": {}}],
        },
    }
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    return {**_head(plan, "apps/v1", "Deployment"), "spec": {"replicas": 2, "selector": {"matchLabels": _selector(plan)}, "strategy": rolling, "template": pod}}


def _container(plan: Plan, name: str, env: Mapping[str, str] = MappingProxyType({})) -> dict[str, object]:
    ready, live = ({"httpGet": {"path": path, "port": PORT}, "timeoutSeconds": 3} for path in ("/health/ready", "/health/live"))
    secrets = [{"name": one, "valueFrom": {"secretKeyRef": {"name": plan.name, "key": one}}} for one in plan.secrets]
    said = [{"name": one, "value": value} for one, value in env.items()]
    memory = f"{plan.memory}Mi"
    return {
        "name": name,
        "image": plan.image,
        "args": list(plan.command[1:]),
        "command": [plan.command[0]],
        "ports": [{"containerPort": PORT, "protocol": "TCP"}],
        **({"env": said + secrets} if said or secrets else {}),
        "resources": {"requests": {"cpu": str(plan.workers), "memory": memory}, "limits": {"memory": f"{plan.memory * 2}Mi"}},
        "startupProbe": {**ready, "periodSeconds": 1, "failureThreshold": 60},
        "readinessProbe": {**ready, "periodSeconds": 2, "failureThreshold": 2},
        "livenessProbe": {**live, "periodSeconds": 10, "failureThreshold": 3},
        "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "scratch", "mountPath": "/tmp"}, {"name": "scratch", "mountPath": "/home/serving"}],  # noqa: S108 - within the pod
    }


def _service(plan: Plan) -> Manifest:
    ports = [{"name": "http", "port": 80, "targetPort": PORT, "protocol": "TCP"}]
    return {**_head(plan, "v1", "Service"), "spec": {"selector": _selector(plan), "ports": ports}}


def _autoscaler(plan: Plan) -> Manifest:
    busy = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": plan.name},
        "minReplicas": 2,
        "maxReplicas": 10,
        "metrics": [busy],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
    }
    return {**_head(plan, "autoscaling/v2", "HorizontalPodAutoscaler"), "spec": spec}


def _inference_service(plan: Plan) -> Manifest:
    """KServe scales and routes by itself: it takes the place of the three others.

    PROTOCOL says by which paths it is asked; without it KServe tells everybody those of version 1. On Knative, where KServe mostly runs, a pod that says how
    it is to be ended is refused (`PodSpecMask`, `ContainerMask`): there the queue before it sees to that.
    """
    container = _container(plan, "kserve-container", {"PROTOCOL": "v2"})
    predictor = {"minReplicas": 1, "maxReplicas": 10, "containers": [container], "volumes": [{"name": "scratch", "emptyDir": {}}]}
    return {**_head(plan, "serving.kserve.io/v1beta1", "InferenceService"), "spec": {"predictor": predictor}}
