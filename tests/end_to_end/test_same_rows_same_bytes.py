"""Two runs in two stores make the same artifacts, and the data stages do so whatever the number of threads."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end.buyers import RECIPE, buyers, digests, rows, store_of

from mlforge.testing.project import TestProject

MODELLING = ("model", "trainer", "exporters", "evaluators", "gates")


def test_another_process_in_another_folder_with_another_hash_seed_makes_the_same_digests(master: TestProject, tmp_path: Path) -> None:
    project = buyers(TestProject(tmp_path / "somewhere" / "else"))
    outcome = project.command("run", "buyers", PYTHONHASHSEED="77", LC_ALL="C", TZ="Asia/Tokyo")
    assert outcome.code == 0, outcome.text
    with store_of(master) as one, store_of(project) as other:
        made = digests(one, "buyers")
        assert digests(other, "buyers") == made
        assert {name.partition(".")[0] for name in made} == {"ingest", "split", "inspect", "prepare", "train", "export", "evaluate", "gate"}
        assert one.registry.resolve("buyers").bundle == other.registry.resolve("buyers").bundle
        assert b"somewhere" not in b"".join(path.read_bytes() for digest in other.artifacts.digests() for path in other.artifacts.path(digest).rglob("*.*"))


def test_ingest_split_and_inspect_do_not_depend_on_the_number_of_threads(tmp_path: Path) -> None:
    lines = [line for line in RECIPE.splitlines() if not line.strip().startswith(tuple(f"- {section}:" for section in MODELLING))]
    recipe = "\n".join(lines[: next(i for i, line in enumerate(lines) if line.strip().startswith("trainer:"))])
    made = []
    for threads in ("1", "2", "5"):
        project = buyers(TestProject(tmp_path / threads), rows(150_000))
        project.write(buyers=recipe)
        outcome = project.command("run", "buyers", POLARS_MAX_THREADS=threads, RAYON_NUM_THREADS=threads, OMP_NUM_THREADS=threads)
        assert outcome.code == 0, outcome.text
        with store_of(project) as store:
            made.append(digests(store, "buyers"))
            assert len(list(store.artifacts.path(made[-1]["ingest.table"]).glob("part-*.parquet"))) > 1, "several partitions"
    assert {name.partition(".")[0] for name in made[0]} == {"ingest", "split", "inspect"}
    assert made[0] == made[1] == made[2]
