"""A worker's log over a real lane: what is written, when, and what happens when it cannot be."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from weakref import ref

import polars as pl
import pytest
from tests.serving.bundles import CLASSES, ROW, make_bundle, people, probability
from tests.serving.request_log.lanes import LogAndWriter, answered, fill
from tests.serving.running import until

from mlforge.contract import Contract
from mlforge.runtime.bundle import protect_bundle
from mlforge.runtime.protections import Band, Protector, Pseudonym
from mlforge.service.layout import FEEDBACK, REQUESTS, written_at
from mlforge.service.reading import Log
from mlforge.service.request_log import LogSettings
from mlforge.serving.ledger import Ledger
from mlforge.serving.request_log.labels import labels_in
from mlforge.serving.request_log.log_folder import LogFolder
from mlforge.serving.request_log.meters import Meters
from mlforge.task import Output

OUTPUT = Output("classes", "bought", CLASSES)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle") / "people")


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(1)


@pytest.fixture
def meters(ledger: Ledger) -> Meters:
    return Meters.of(ledger)


def settings(path: Path | str, **given: Any) -> LogSettings:
    return LogSettings.model_validate({"path": str(path), "flush_seconds": 0.05, **given})


def rows_of(ident: str, *rows: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    return ident, [ROW | {"the plan": None} | row for row in rows]


def test_every_answered_row_is_there_as_the_contract_types_it(bundle: Path, tmp_path: Path, ledger: Ledger, meters: Meters) -> None:
    served = LogAndWriter(settings(tmp_path), ledger)
    before = datetime.now(UTC).replace(tzinfo=None)
    asked = [rows_of("a", {}, {"age": 20, "income": None, "member": None, "the plan": "gold"}), rows_of("b", {"city": "Paris", "since": "2025-01-01"})]
    answered(bundle, asked, served.observer)
    served.close()
    rows = Log(str(tmp_path), "people").requests(version=4).collect()
    assert dict(rows.schema) == {
        "__id": pl.String, "__row": pl.Int32, "__time": pl.Datetime("us"), "__version": pl.Int32, "__lane": pl.String, "__latency_ms": pl.Float32,
        "age": pl.Int64, "income": pl.Float64, "member": pl.Boolean, "city": pl.String, "plan": pl.String, "since": pl.Datetime("us"),
        "prediction": pl.String, "probability_0": pl.Float32, "probability_1": pl.Float32,
    }  # fmt: skip
    by = {(row["__id"], row["__row"]): row for row in rows.to_dicts()}
    assert set(by) == {("a", 0), ("a", 1), ("b", 0)}
    assert by["a", 0]["since"] == datetime(2024, 2, 3, 4, 5, 6)
    assert (by["a", 1]["age"], by["a", 1]["income"], by["a", 1]["member"], by["a", 1]["plan"]) == (20, None, None, "gold")
    assert by["b", 0]["city"] == "Paris"
    assert by["a", 0]["probability_1"] == pytest.approx(probability(ROW), abs=1e-6)
    assert rows["__version"].unique().to_list() == [4]
    assert rows["__lane"].unique().to_list() == ["champion"]
    assert (rows["__latency_ms"] > 0).all()
    assert rows["__time"].is_between(before, datetime.now(UTC).replace(tzinfo=None)).all()
    assert meters.written.total() == 3


def test_a_row_that_broke_the_contract_is_not_written_and_the_others_keep_their_places(bundle: Path, tmp_path: Path, ledger: Ledger, meters: Meters) -> None:
    served = LogAndWriter(settings(tmp_path), ledger)
    answered(bundle, [rows_of("a", {}, {"age": 430}, {"age": 50}), rows_of("b", {"age": 431})], served.observer)
    served.close()
    rows = Log(str(tmp_path), "people").requests().collect()
    assert rows.select("__id", "__row", "age").rows() == [("a", 0, 41), ("a", 2, 50)]


def test_what_is_written_is_what_protections_leave(tmp_path: Path, ledger: Ledger, meters: Meters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFORGE_PSEUDONYM_KEY", "a key that is long enough")
    raw = Contract(columns={**people().columns, "plan": people().columns["plan"].model_copy(update={"nullable": False})}, nulls=("?",), extra="drop")
    folder = make_bundle(tmp_path / "people", raw)
    protect_bundle(folder, raw, Protector({"age": Band(width=10), "plan": Pseudonym()}).travelling)
    served = LogAndWriter(settings(tmp_path / "log"), ledger)
    answered(folder, [rows_of("a", {"age": 47, "the plan": "Anna Muster"})], served.observer)
    served.close()
    (row,) = Log(str(tmp_path / "log"), "people").requests().collect().to_dicts()
    assert row["age"] == 40
    assert len(row["plan"]) == 32
    written = b"".join(path.read_bytes() for path in (tmp_path / "log").rglob("*.parquet"))
    assert b"Anna" not in written


def test_only_the_columns_that_are_asked_for_are_written(bundle: Path, tmp_path: Path, ledger: Ledger, meters: Meters) -> None:
    for name, columns, kept in (("some", ("age", "city"), ["age", "city"]), ("none", (), [])):
        served = LogAndWriter(settings(tmp_path / name, columns=columns), ledger)
        answered(bundle, [rows_of("a", {})], served.observer)
        served.close()
        made = Log(str(tmp_path / name), "people").requests().collect().columns
        assert [column for column in made if not column.startswith(("__", "pr"))] == kept


def test_a_sample_takes_whole_requests_by_their_id_and_always_the_same(bundle: Path, tmp_path: Path, ledger: Ledger, meters: Meters) -> None:
    asked = [rows_of(f"request-{i}", {}, {"age": 30}) for i in range(200)]
    seen = []
    for name in ("one", "two"):
        served = LogAndWriter(settings(tmp_path / name, sample="30%"), ledger)
        answered(bundle, asked, served.observer)
        served.close()
        rows = Log(str(tmp_path / name), "people").requests().collect()
        assert rows.group_by("__id").len()["len"].unique().to_list() == [2]
        seen.append(set(rows["__id"]))
    assert seen[0] == seen[1]
    assert 35 <= len(seen[0]) <= 85


def test_labels_are_joined_by_id_and_row_the_last_wins_and_unknown_ones_are_kept(bundle: Path, tmp_path: Path, ledger: Ledger, meters: Meters) -> None:
    served = LogAndWriter(settings(tmp_path), ledger)
    answered(bundle, [rows_of("a", {}, {"age": 30}), rows_of("b", {})], served.observer)
    for said in ([{"id": "a", "label": "no"}, {"id": "a", "row": 1, "label": "yes"}], {"id": "a", "label": "yes"}, {"id": "gone", "label": "no"}):
        assert served.label("people", labels_in(said, OUTPUT, 100), OUTPUT)
    served.close()
    log = Log(str(tmp_path), "people")
    assert log.labelled().select("__id", "__row", "label").collect().rows() == [("a", 0, "yes"), ("a", 1, "yes"), ("b", 0, None)]
    assert log.unmatched().select("__id", "label").collect().rows() == [("gone", "no")]
    assert meters.labels.total() == 4


def test_a_time_is_read_from_its_beginning_to_before_its_end(bundle: Path, tmp_path: Path, ledger: Ledger, meters: Meters) -> None:
    served = LogAndWriter(settings(tmp_path), ledger)
    for ident in ("a", "b"):
        answered(bundle, [rows_of(ident, {})], served.observer)
    served.close()
    log = Log(str(tmp_path), "people")
    first, second = log.requests().collect()["__time"].to_list()
    assert log.requests(since=first, until=second).collect()["__id"].to_list() == ["a"]
    assert log.requests(since=second.replace(tzinfo=UTC)).collect()["__id"].to_list() == ["b"]
    assert log.requests(until=first).collect().is_empty()
    assert log.requests(version=5).collect().is_empty()
    assert log.versions() == (4,)


def test_versions_with_other_columns_are_read_together(bundle: Path, tmp_path: Path, ledger: Ledger, meters: Meters) -> None:
    served = LogAndWriter(settings(tmp_path), ledger)
    answered(bundle, [rows_of("a", {})], served.observer, version=4)
    columns = {key: column for key, column in people().columns.items() if key != "income"}
    other = make_bundle(tmp_path / "other", people().model_copy(update={"columns": columns}))
    answered(other, [rows_of("b", {})], served.observer, version=5)
    served.close()
    log = Log(str(tmp_path), "people")
    assert log.requests().select("__id", "__version", "income").collect().rows() == [("a", 4, 0.5), ("b", 5, None)]
    assert log.versions() == (4, 5)


def test_rows_are_on_disk_within_the_declared_seconds_while_the_worker_goes_on(bundle: Path, tmp_path: Path, ledger: Ledger, meters: Meters) -> None:
    served = LogAndWriter(settings(tmp_path, flush_seconds=1.0), ledger)
    answered(bundle, [rows_of("a", {})], served.observer)
    until(lambda: Log(str(tmp_path), "people").files(REQUESTS), 1.5)
    served.close()


def test_a_file_is_written_before_its_time_when_there_is_enough_for_one(bundle: Path, tmp_path: Path, ledger: Ledger, meters: Meters) -> None:
    served = LogAndWriter(settings(tmp_path, flush_seconds=3600, waiting="1 MiB"), ledger)
    answered(bundle, [rows_of("a", *([{}] * 6000))], served.observer)
    until(lambda: meters.written.total() == 6000)
    served.close()
    assert meters.dropped.total() == 0


def test_a_version_that_answers_no_more_is_not_kept_by_the_log(bundle: Path, tmp_path: Path, ledger: Ledger, meters: Meters) -> None:
    served = LogAndWriter(settings(tmp_path), ledger)
    lanes = [ref(answered(bundle, [rows_of(f"{number}", {})], served.observer)) for number in range(3)]
    until(lambda: meters.written.total() == 3)
    gc.collect()
    assert [lane() for lane in lanes] == [None] * 3
    answered(bundle, [rows_of("last", {})], served.observer)
    served.close()
    assert meters.written.total() == 4


def test_beyond_its_room_rows_are_dropped_and_counted_and_labels_are_refused(bundle: Path, tmp_path: Path, ledger: Ledger, meters: Meters) -> None:
    (tmp_path / "log").write_text("no folder can be made where a file is")
    served = LogAndWriter(settings(tmp_path / "log", waiting="1 MiB"), ledger)
    many = [rows_of("a", *([{}] * 2000)) for _ in range(20)]
    for _ in range(4):
        answered(bundle, many, served.observer)
    assert meters.dropped.total() > 0
    assert not served.label("people", labels_in({"id": "a", "label": "yes"}, OUTPUT, 1), OUTPUT)
    served.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, with room for half a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_once_and_nothing_is_lost_that_there_was_room_for(
    bundle: Path, small_disk: Path, ledger: Ledger, meters: Meters, caplog: pytest.LogCaptureFixture
) -> None:
    hog = small_disk / "hog"
    fill(hog)
    with caplog.at_level(logging.WARNING, "mlforge"):
        served = LogAndWriter(settings(small_disk / "log"), ledger)
        for ident in ("a", "b", "c"):
            answered(bundle, [rows_of(ident, *([{}] * 50))], served.observer)
            until(lambda: meters.failing.total() == 1)
        assert not list((small_disk / "log").rglob("*.parquet*"))
        hog.unlink()
        until(lambda: meters.failing.total() == 0)
        served.close()
    assert Log(str(small_disk / "log"), "people").requests().collect()["__id"].value_counts().sort("__id").rows() == [("a", 50), ("b", 50), ("c", 50)]
    told = [record.getMessage() for record in caplog.records if "request log" in record.getMessage()]
    assert len(told) == 2
    assert "No space left on device" in told[0]
    assert "is written again; 0 rows were dropped" in told[1]


def test_the_oldest_files_go_when_there_is_no_more_room_and_foreign_files_stay(tmp_path: Path) -> None:
    room = 1024**2
    shelf = LogFolder(str(tmp_path), room)
    (tmp_path / "requests").mkdir()
    foreign = tmp_path / "requests" / "mine.parquet"
    foreign.write_bytes(b"x" * 100)
    noise = os.urandom(40_000)
    made = []
    for number in range(60):
        shelf.write(FEEDBACK if number % 2 else REQUESTS, "people", None if number % 2 else 4, noise)
        made = sorted((path for path in tmp_path.rglob("*.parquet") if path != foreign), key=lambda path: path.name)
        assert sum(path.stat().st_size for path in made) <= room * 1.1
    assert foreign.exists()
    assert len(made) < 60
    assert made[-1].name == max(path.name for path in made)
    assert all(written_at(path.name) for path in made)


def test_a_file_that_a_dead_worker_left_unfinished_is_no_part_of_the_log(bundle: Path, tmp_path: Path, ledger: Ledger, meters: Meters) -> None:
    served = LogAndWriter(settings(tmp_path), ledger)
    answered(bundle, [rows_of("a", {})], served.observer)
    served.close()
    (file,) = tmp_path.rglob("*.parquet")
    shutil.copy(file, file.with_name(f".20200101T000000.000000Z-{file.name.partition('-')[2]}.part"))
    assert Log(str(tmp_path), "people").requests().collect().height == 1
    LogFolder(str(tmp_path), 1024**2).prune()
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_log_in_a_store_of_objects_is_written_and_read(bundle: Path, ledger: Ledger, meters: Meters, bucket: Any) -> None:
    url = f"{bucket.url}/served"
    served = LogAndWriter(settings(url), ledger)
    answered(bundle, [rows_of("a", {}, {"age": 30})], served.observer)
    assert served.label("people", labels_in({"id": "a", "row": 1, "label": "yes"}, OUTPUT, 1), OUTPUT)
    served.close(60)
    log = Log(url, "people")
    assert log.labelled(version=4).select("__id", "__row", "age", "label").collect().rows() == [("a", 0, 41, None), ("a", 1, 30, "yes")]
    assert log.versions() == (4,)


def test_a_log_that_is_no_log_and_one_that_is_not_there(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "nowhere"), "people")
    assert log.requests().collect().is_empty()
    assert log.labelled().collect().is_empty()
    assert log.versions() == ()
