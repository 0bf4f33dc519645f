"""The request log of a real server: what is there after a kill, a stop, a full disk; and labels over HTTP."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.serving.bundles import ROW, make_bundle
from tests.serving.request_log.lanes import fill
from tests.serving.running import Running, serving, until

from mlforge.service.reading import Log

BODY = {"rows": [ROW | {"the plan": None}]}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "people")


def figure(server: Running, name: str) -> float:
    _, text, _ = server.ask("/metrics")
    found = re.search(rf"^{name} (\S+)$", text.decode(), re.MULTILINE)
    assert found, name
    return float(found[1])


def test_all_that_was_answered_is_there_after_a_stop_and_labels_find_their_rows(bundle: Path, tmp_path: Path) -> None:
    with serving(bundle, "--workers", "2", "--log", tmp_path / "log", cwd=tmp_path) as server:
        idents = [server.ask("/predict", BODY)[1]["id"] for _ in range(30)]
        named = server.ask("/predict", {"rows": [ROW, ROW | {"age": 430}, ROW | {"age": 20}], "partial": True}, headers={"x-request-id": "order-4711"})[1]
        assert named["id"] == "order-4711"
        status, told, _ = server.ask("/feedback", {"labels": [{"id": idents[0], "label": "no"}, {"id": "order-4711", "row": 2, "label": "yes"}]})
        assert (status, told) == (202, {"accepted": 2})
        assert server.ask("/models/people/feedback", {"id": "never-asked", "label": "yes"})[0] == 202
        assert server.stop() == 0
    log = Log(str(tmp_path / "log"), "people")
    rows = log.labelled().collect()
    assert set(rows["__id"]) == {*idents, "order-4711"}
    assert rows.height == 32
    known = {(row["__id"], row["__row"]): row["label"] for row in rows.to_dicts() if row["label"] is not None}
    assert known == {(idents[0], 0): "no", ("order-4711", 2): "yes"}
    assert log.unmatched().collect()["__id"].to_list() == ["never-asked"]


@pytest.fixture(scope="module")
def server(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    root = tmp_path_factory.mktemp("served")
    with serving(bundle, "--workers", "1", "--log", root / "log", "serve.limits.rows=50", cwd=root) as running:
        yield running


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{", "the body is not JSON"),
        (b"[" * 100_000, "deeper than 3 levels"),
        (b'{"id": "a", "label": "yes", "label": "no"}', "the field 'label' is there twice"),
        ([], "no label is there"),
        ({"labels": 3}, "label 0: 3; an object"),
        ([{"id": "a", "label": "yes"}, {"id": "a"}], "label 1: label is missing, no class of the model: no, yes"),
        ({"id": "a", "label": "maybe"}, "label 0: label is 'maybe', no class of the model: no, yes"),
        ({"id": "a", "label": ["yes"]}, "label 0: label is ['yes'], no class of the model"),
        ({"id": 5, "label": "yes"}, "label 0: id is 5"),
        ({"id": "", "label": "yes"}, "label 0: id is ''"),
        ({"id": "a" * 200, "label": "yes"}, "at most 128 characters"),
        ({"id": "a", "row": -1, "label": "yes"}, "label 0: row is -1"),
        ({"id": "a", "row": True, "label": "yes"}, "label 0: row is True"),
        ({"id": "a", "lable": "yes"}, "there is no field 'lable'. Did you mean label?"),
    ],
)
def test_what_is_no_label_is_told_with_its_place(server: Running, body: object, told: str) -> None:
    status, answer, _ = server.ask("/feedback", body)
    assert status == 400
    assert told in answer["error"]


def test_the_openapi_description_has_the_labels_that_there_are(server: Running) -> None:
    paths = server.ask("/openapi.json")[1]["paths"]
    one = paths["/feedback"]["post"]["requestBody"]["content"]["application/json"]["schema"]["anyOf"][0]
    assert one["properties"]["label"] == {"enum": ["no", "yes"]}
    assert "/models/people/feedback" in paths


def test_more_labels_than_rows_are_allowed_are_refused(server: Running) -> None:
    status, answer, _ = server.ask("/feedback", [{"id": "a", "label": "yes"}] * 51)
    assert status == 413
    assert answer["error"] == "51 labels; at most 50 were expected"


def test_a_server_without_a_log_takes_no_labels(bundle: Path, tmp_path: Path) -> None:
    with serving(bundle, "--workers", "1", cwd=tmp_path) as running:
        assert running.ask("/feedback", {"id": "a", "label": "yes"})[0] == 404


def test_a_killed_worker_loses_no_more_than_the_declared_seconds(bundle: Path, tmp_path: Path) -> None:
    """Requests all the while; `kill -9`; what was answered earlier than the declared seconds before is on disk."""
    seconds = 1.0
    answered: list[tuple[str, float]] = []
    over = threading.Event()
    with serving(bundle, "--workers", "1", "--log", tmp_path / "log", f"serve.log.flush_seconds={seconds}", cwd=tmp_path) as server:

        def ask() -> None:
            while not over.is_set():
                try:
                    status, told, _ = server.ask("/predict", BODY, timeout=10)
                except OSError:
                    status = 0
                if status == 200:
                    answered.append((told["id"], time.monotonic()))
                else:
                    time.sleep(0.01)

        client = threading.Thread(target=ask)
        client.start()
        killed = 0.0
        for _ in range(2):
            before = killed
            since = len(answered)
            until(lambda since=since: len(answered) > since and answered[-1][1] - answered[since][1] > 2 * seconds, 30)
            (pid,) = server.workers()
            os.kill(pid, signal.SIGKILL)
            killed = time.monotonic()
            until(lambda killed=killed: answered[-1][1] > killed + 0.2, 30)
            there = set(Log(str(tmp_path / "log"), "people").requests().collect()["__id"])
            due = {ident for ident, at in answered if before + 1 < at < killed - seconds}
            assert due
            assert due <= there
        over.set()
        client.join(30)
        assert server.stop() == 0
    rows = Log(str(tmp_path / "log"), "people").requests().collect()
    assert rows["__id"].is_unique().all()


def test_a_writer_that_is_killed_is_replaced_and_the_log_goes_on(bundle: Path, tmp_path: Path) -> None:
    """What it had not written is lost, which the declared seconds bound; what came while there was none is not, and no answer waits."""
    with serving(bundle, "--workers", "1", "--log", tmp_path / "log", "serve.log.flush_seconds=0.5", cwd=tmp_path) as server:
        server.ask("/predict", BODY)
        until(lambda: figure(server, "mlforge_log_rows_written_total") == 1)
        killed = server.sidecar("mlforge-log")
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        until(lambda: "mlforge-log ended; another takes its place" in server.log.read_text())
        idents = {server.ask("/predict", BODY)[1]["id"] for _ in range(20)}
        until(lambda: figure(server, "mlforge_log_rows_written_total") == 21, 20)
        assert server.sidecar("mlforge-log") not in (None, killed)
        assert idents <= set(Log(str(tmp_path / "log"), "people").requests().collect()["__id"])
        assert figure(server, "mlforge_log_rows_dropped_total") == 0


def test_a_full_disk_stops_no_answer_and_is_told_once(bundle: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        hog = disk / "hog"
        fill(hog)
        with serving(bundle, "--workers", "2", "--log", disk / "log", "serve.log.flush_seconds=0.2", cwd=tmp_path) as server:
            idents = []

            def ask() -> bool:
                status, told, _ = server.ask("/predict", BODY)
                assert status == 200
                idents.append(told["id"])
                return figure(server, "mlforge_log_failing") > 0

            until(ask, 20)
            for _ in range(100):
                ask()
            hog.unlink()
            until(lambda: figure(server, "mlforge_log_rows_written_total") == len(idents) and not figure(server, "mlforge_log_failing"), 20)
            assert figure(server, "mlforge_log_rows_dropped_total") == 0
            told = server.log.read_text()
        assert set(Log(str(disk / "log"), "people").requests().collect()["__id"]) == set(idents)
        assert told.count("cannot be written: [Errno 28] No space left on device") == 1
        assert told.count("is written again; 0 rows were dropped") == 1
    finally:
        subprocess.run(["umount", str(disk)], check=True)
