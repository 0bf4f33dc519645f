from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.end_to_end.buyers import buyers

from mlforge.packaging.kubernetes import manifests
from mlforge.packaging.plan import Plan, dns_name, settings_of
from mlforge.packaging.requirements import LEFT_OUT, pinned
from mlforge.runtime.bundle import read_bundle
from mlforge.testing.project import TestProject

KINDS = {"deployment.yaml": "V1Deployment", "service.yaml": "V1Service", "autoscaler.yaml": "V2HorizontalPodAutoscaler"}


@dataclass
class Answered:
    """What older clients of Kubernetes read their types from."""

    data: str


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory, isolated_cache: Path) -> TestProject:
    """A project with a registered model, and its package in `buyers-1`."""
    project = buyers(TestProject(tmp_path_factory.mktemp("packaged")))
    trained = project.run("run", "buyers", "trainer.max_epochs=2", "gates.thresholds.rules.auc.min=0.5")
    assert trained.code == 0, trained.text
    outcome = project.run("package", "buyers", "--image", "registry.example.org/buyers:1")
    assert outcome.code == 0, outcome.text
    assert outcome.out.startswith("Wrote buyers-1: model, mlforge-")
    return project


def typed(value: Any, kind: str) -> Any:
    """The manifest as Kubernetes' own types hold it, and back: a key that they do not know is gone, and one that they need is missed."""
    from kubernetes.client import ApiClient

    client = ApiClient()
    text = json.dumps(value)
    newer = "content_type" in signature(client.deserialize).parameters  # since 36
    return client.sanitize_for_serialization(client.deserialize(text, kind, "application/json") if newer else client.deserialize(Answered(text), kind))


@pytest.mark.parametrize("name", list(KINDS))
def test_manifests_are_what_the_api_of_kubernetes_knows(packaged: TestProject, name: str) -> None:
    manifest = yaml.safe_load((packaged.root / "buyers-1" / "kubernetes" / name).read_text())
    assert typed(manifest, KINDS[name]) == manifest


def test_a_manifest_with_a_misspelt_key_would_be_found() -> None:
    wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"selectors": {"a": "b"}}}
    assert typed(wrong, "V1Service") != wrong


def test_kserve_gets_a_container_of_the_name_that_it_looks_for(packaged: TestProject) -> None:
    manifest = yaml.safe_load((packaged.root / "buyers-1" / "kubernetes" / "inferenceservice.yaml").read_text())
    predictor = manifest["spec"]["predictor"]
    (container,) = predictor["containers"]
    assert (manifest["apiVersion"], manifest["kind"], container["name"]) == ("serving.kserve.io/v1beta1", "InferenceService", "kserve-container")
    assert typed(container, "V1Container") == container
    pod = {key: value for key, value in predictor.items() if key not in ("minReplicas", "maxReplicas")}
    assert typed(pod, "V1PodSpec") == pod
    assert {"name": "PROTOCOL", "value": "v2"} in container["env"], "else KServe tells clients the paths of version 1, which are not there"


def test_knative_refuses_nothing_of_what_kserve_gets(packaged: TestProject) -> None:
    """The fields that its API allows: knative.dev/serving, pkg/apis/serving/fieldmask.go."""
    predictor = yaml.safe_load((packaged.root / "buyers-1" / "kubernetes" / "inferenceservice.yaml").read_text())["spec"]["predictor"]
    pod = {"containers", "volumes", "serviceAccountName", "imagePullSecrets", "enableServiceLinks", "automountServiceAccountToken"}
    allowed = (
        "args command env workingDir envFrom image imagePullPolicy livenessProbe ports readinessProbe resources securityContext startupProbe volumeMounts name"
    )
    assert predictor.keys() <= pod | {"minReplicas", "maxReplicas"}
    assert predictor["containers"][0].keys() <= set(allowed.split())


def test_the_parts_of_a_package_fit_together(packaged: TestProject) -> None:
    folder = packaged.root / "buyers-1"
    deployment, service, scaler = (yaml.safe_load((folder / "kubernetes" / name).read_text()) for name in KINDS)
    pod = deployment["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert deployment["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert scaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert service["spec"]["ports"][0]["targetPort"] == container["ports"][0]["containerPort"] == 8080
    assert container["image"] == "registry.example.org/buyers:1"
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["spec"]["volumes"]}
    docker = (folder / "Dockerfile").read_text()
    assert json.dumps([*container["command"], *container["args"]]) in docker
    for line in docker.splitlines():
        if line.startswith("COPY"):
            assert all((folder / name).exists() for name in line.split()[1:-1]), line


def test_the_bundle_in_it_is_the_registered_one_and_nothing_else_is(packaged: TestProject) -> None:
    folder = packaged.root / "buyers-1"
    bundle = read_bundle(folder / "model")
    (version,) = packaged.run("models", "buyers", "--json").json
    annotations = yaml.safe_load((folder / "kubernetes" / "deployment.yaml").read_text())["metadata"]["annotations"]
    assert annotations == {"mlforge/model": "buyers 1", "mlforge/bundle": version["bundle"]}
    assert {path.name for path in (folder / "model").rglob("*")} == {"bundle.json", *bundle.files}


def test_the_requirements_are_pinned_and_have_nothing_that_trains(packaged: TestProject) -> None:
    lines = [line for line in (packaged.root / "buyers-1" / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    names = {line.partition("==")[0] for line in lines}
    assert all("==" in line for line in lines)
    assert {"onnxruntime", "polars", "numpy", "pydantic"} <= names
    assert not names & {"torch", "pytorch-lightning", "ray", "onnx", "scikit-learn", "pandas", *LEFT_OUT}
    assert tuple(lines) == pinned()


def test_the_wheel_in_it_is_this_mlforge_and_has_the_same_bytes_again(packaged: TestProject, tmp_path: Path) -> None:
    from mlforge.packaging.wheel import write_wheel

    (wheel,) = (packaged.root / "buyers-1").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
        record = next(name for name in names if name.endswith("RECORD"))
        assert [line.partition(",")[0] for line in archive.read(record).decode().splitlines()] == names
        assert "mlforge" in archive.read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
    assert not [name for name in names if "testing/" in name or name.endswith(".pyc")]
    assert write_wheel(tmp_path).read_bytes() == wheel.read_bytes()


def test_nothing_is_written_over(packaged: TestProject) -> None:
    outcome = packaged.run("package", "buyers")
    assert outcome.code == 2
    assert "--to: buyers-1 is not empty" in outcome.err


def test_a_model_that_is_not_there_is_told(packaged: TestProject) -> None:
    outcome = packaged.run("package", "buyer", "--to", "elsewhere")
    assert outcome.code == 2
    assert "buyers" in outcome.err
    assert not (packaged.root / "elsewhere").exists()


@pytest.mark.parametrize("image", ["a b", "x\nRUN evil", "", "-v"])
def test_an_image_has_a_name_that_docker_knows(packaged: TestProject, image: str) -> None:
    outcome = packaged.run("package", "buyers", "--to", "elsewhere", f"--image={image}")
    assert outcome.code == 2
    assert "--image" in outcome.err
    assert not (packaged.root / "elsewhere").exists()


def test_how_the_recipe_has_it_served_goes_along_but_not_where_this_machine_listens() -> None:
    recorded = {"host": "127.0.0.1", "port": 9, "slo": {"p99_ms": 20.0}, "limits": {"rows": 100, "body": None}, "access": {"keys": "keys.json"}}
    assert settings_of(recorded) == ("serve.slo.p99_ms=20.0", "serve.limits.rows=100")


@pytest.mark.parametrize(("model", "name"), [("adult", "adult"), ("Adult_2.v", "adult-2-v"), ("7days", "model-7days"), ("a" * 90, "a" * 50), ("a--", "a")])
def test_names_are_as_kubernetes_allows_them(model: str, name: str) -> None:
    assert dns_name(model) == name


def test_the_key_of_a_protection_comes_from_a_secret_and_more_workers_need_more_memory(packaged: TestProject) -> None:
    from mlforge.runtime.protections import Pseudonym

    folder = packaged.root / "buyers-1" / "model"
    bundle = read_bundle(folder).model_copy(update={"protections": {"city": Pseudonym(check="c")}})
    plans = [Plan("buyers", 1, "d", folder, bundle, "buyers:1", workers) for workers in (1, 4)]
    deployment: Any = manifests(plans[1])["deployment.yaml"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": "MLFORGE_PSEUDONYM_KEY", "valueFrom": {"secretKeyRef": {"name": "buyers", "key": "MLFORGE_PSEUDONYM_KEY"}}}]
    assert typed(container, "V1Container") == container
    assert plans[1].memory == 4 * plans[0].memory
