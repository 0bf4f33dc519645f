"""What `mlforge serve … cluster=…` refuses before anything is started."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.serving.bundles import make_bundle

from mlforge.cli.serve import command
from mlforge.errors import MlforgeError


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make_bundle(tmp_path / "people")
    (tmp_path / "mlforge.toml").touch()
    monkeypatch.chdir(tmp_path)

    def ask(*arguments: str) -> str:
        result: Result = CliRunner().invoke(command, ["people", "--port", "0", *arguments])
        assert isinstance(result.exception, MlforgeError), result.output
        return str(result.exception)

    return ask


def test_a_cluster_that_does_not_serve(refused) -> None:
    assert "cluster: local does not serve" in refused("cluster=local")


def test_a_cluster_that_there_is_not_and_a_key_that_it_has_not(refused) -> None:
    assert "Did you mean ray?" in refused("cluster=rai")
    assert "Did you mean workers?" in refused("cluster=ray", "cluster.worker=2")
    assert "it needs workers" in refused("cluster=ray", "cluster.most=2")


def test_settings_of_a_cluster_that_is_not_chosen(refused) -> None:
    assert "is not chosen" in refused("cluster.workers=2")


def test_what_ray_serve_has_not(refused) -> None:
    assert "serve.grpc_port" in refused("cluster=ray", "--grpc-port", "0")
    assert "STRICT_PACK" in refused("cluster=ray", "cluster.placement=STRICT_PACK")


def test_an_address_where_nobody_answers(refused) -> None:
    pytest.importorskip("ray.serve", exc_type=ImportError)
    with socket.socket() as bound:  # and does not listen
        bound.bind(("127.0.0.1", 0))
        begun = time.monotonic()
        said = refused("cluster=ray", f"cluster.address=127.0.0.1:{bound.getsockname()[1]}")
    assert "cluster.address: no Ray cluster answers at 127.0.0.1:" in said
    assert time.monotonic() - begun < 15
