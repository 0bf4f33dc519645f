"""What a run leaves for Prometheus: parsed as Prometheus parses it, from the file and from what a gateway is sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytest.importorskip("prometheus_client", reason="needs prometheus-client")
if not any(point.value == "mlforge_prometheus" for point in entry_points(group="mlforge")):
    pytest.skip("needs mlforge-prometheus: pip install -e plugins/mlforge-prometheus", allow_module_level=True)

from mlforge.testing.project import TestProject

Samples = dict[str, dict[tuple[str, ...], float]]
FOLDER = '[settings.mlforge-prometheus]\nfolder = "textfile"\n'


def parsed(text: str) -> Samples:
    """Values by metric and labels (but the recipe's, which is the same for all)."""
    from prometheus_client.parser import text_string_to_metric_families

    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert sample.labels["recipe"]
            found.setdefault(sample.name, {})[tuple(value for name, value in sorted(sample.labels.items()) if name != "recipe")] = sample.value
    return found


class Gateway(HTTPServer):
    """Takes what is pushed, as a Pushgateway does."""

    def __init__(self) -> None:
        self.pushed: list[tuple[str, str, str]] = []
        super().__init__(("127.0.0.1", 0), Taking)


class Taking(BaseHTTPRequestHandler):
    server: Gateway

    def do_PUT(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.pushed.append((self.command, self.path, text))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_run_leaves_one_file_that_is_replaced_by_the_next(measured: TestProject) -> None:
    measured.write({"mlforge.toml": FOLDER})
    assert measured.run("run", "rows", "--smoke").code == 0
    assert not (measured.root / "textfile").exists()
    assert measured.run("run", "rows").code == 0
    assert [path.name for path in (measured.root / "textfile").iterdir()] == ["mlforge_rows.prom"]
    samples = parsed((measured.root / "textfile" / "mlforge_rows.prom").read_text())
    assert samples["mlforge_run_exit_code"] == {(): 0}
    assert samples["mlforge_run_state"] == {("done",): 1, ("refused",): 0, ("waiting",): 0, ("failed",): 0, ("interrupted",): 0}
    assert samples["mlforge_run_duration_seconds"][()] > 0
    assert set(samples["mlforge_stage_duration_seconds"]) == {("ingest",), ("split",), ("inspect",)}
    assert any("balance" in labels[0] or "class" in labels[0] for labels in samples["mlforge_finding"]), samples["mlforge_finding"]

    measured.write({"rows.csv": "length,kind\nx,long\n"})
    assert measured.run("run", "rows").code == 3
    samples = parsed((measured.root / "textfile" / "mlforge_rows.prom").read_text())
    assert samples["mlforge_run_exit_code"] == {(): 3}
    assert samples["mlforge_run_state"]["failed",] == 1


def test_what_the_gates_said_and_the_version_are_there(measured: TestProject) -> None:
    measured.write({"mlforge.toml": FOLDER})
    arguments = ("run", "breast_cancer", "model=linear", "trainer.max_epochs=3", "gates=[thresholds]")
    assert measured.run(*arguments, "gates.thresholds.rules.auc.min=0.5").code == 0
    path = measured.root / "textfile" / "mlforge_breast_cancer.prom"
    samples = parsed(path.read_text())
    assert samples["mlforge_gate_passed"] == {("thresholds.auc",): 1}
    assert samples["mlforge_model_version"] == {("champion",): 1}
    assert samples["mlforge_finding"]["test/roc_auc", "candidate", "onnx"] > 0.5
    assert measured.run(*arguments, "gates.thresholds.rules.auc.min=1.5").code == 4
    samples = parsed(path.read_text())
    assert samples["mlforge_gate_passed"] == {("thresholds.auc",): 0}
    assert (samples["mlforge_run_exit_code"][()], samples["mlforge_run_state"]["refused",]) == (4, 1)


def test_a_gateway_is_pushed_one_group_a_recipe(measured: TestProject, gateway: Gateway) -> None:
    measured.write({"mlforge.toml": f'[settings.mlforge-prometheus]\ngateway = "http://127.0.0.1:{gateway.server_port}"\n'})
    outcome = measured.run("run", "rows")
    assert outcome.code == 0, outcome.text
    ((method, path, text),) = gateway.pushed
    assert (method, path) == ("PUT", "/metrics/job/mlforge/recipe/rows")
    assert parsed(text)["mlforge_run_exit_code"] == {(): 0}


def test_a_gateway_that_is_away_fails_no_run_and_the_file_is_written(measured: TestProject) -> None:
    measured.write({"mlforge.toml": FOLDER + 'gateway = "http://127.0.0.1:9"\n'})
    outcome = measured.run("run", "rows")
    assert outcome.code == 0, outcome.text
    assert "of plugin mlforge-prometheus failed, and the run went on" in outcome.err
    assert (measured.root / "textfile" / "mlforge_rows.prom").exists()


def test_without_settings_nothing_is_written(measured: TestProject) -> None:
    before = {path.name for path in measured.root.iterdir()}
    assert measured.run("run", "rows").code == 0
    assert {path.name for path in measured.root.iterdir()} == before | {".mlforge"}
    assert not list(Path(measured.root).rglob("*.prom"))


def test_a_gateway_that_is_none_is_refused_with_its_line(measured: TestProject) -> None:
    measured.write({"mlforge.toml": '[settings.mlforge-prometheus]\ngateway = "127.0.0.1:9091"\n'})
    outcome = measured.run("check", "rows")
    assert outcome.code == 2
    assert "mlforge.toml:2" in outcome.err
    assert "http://host:port" in outcome.err
