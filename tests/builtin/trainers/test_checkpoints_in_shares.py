"""Ranks that shard a network each write their share of a checkpoint; any number of them goes on from it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors import safe_open
from tests.builtin.trainers.fittings import files
from tests.builtin.trainers.ranks import Together, forking, one
from tests.builtin.trainers.test_full_disks import disk, fill
from tests.builtin.trainers.test_ranks_fit_together import same

__all__ = ["disk"]  # a fixture
SETTINGS = {"strategy": "fsdp", "checkpoint_steps": 4, "checkpoints": 3, "sharding": {"checkpoints": "sharded"}}


@pytest.fixture(scope="module")
def together() -> Iterator[Together]:
    with forking() as call:
        yield call


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, together: Together) -> Path:
    """What two ranks have left that nothing has disturbed: the last checkpoint, and two within epochs."""
    folder = tmp_path_factory.mktemp("done") / "ranks"
    well(together(folder, 2, **SETTINGS))
    return folder


@pytest.fixture
def stopped(tmp_path: Path, done: Path) -> Path:
    """The same, as if the last checkpoint and what came of it had not been written yet."""
    folder = tmp_path / "stopped"
    shutil.copytree(done, folder)
    shutil.rmtree(kept(folder)[-1])
    shutil.rmtree(folder / "out")
    return folder


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "work").iterdir())


def well(said: list[tuple[int, str]]) -> str:
    assert [code for code, _ in said] == [0] * len(said), said
    return "".join(text for _, text in said)


def shard(checkpoint: Path) -> Path:
    return sorted((checkpoint / "shares").iterdir())[-1]


def test_each_rank_writes_its_share_and_what_is_learned_is_the_same(tmp_path: Path, done: Path) -> None:
    one(tmp_path / "alone")
    same(tmp_path / "alone", done)
    first, second = (path for path in sorted((kept(done)[-1] / "shares").iterdir()))
    with safe_open(first, "pt") as one_share, safe_open(second, "pt") as other:
        names = set(one_share.keys())
        assert {name.split("/")[1] for name in names} == {"network", "best", "optimisers"}
        assert names == set(other.keys()), "each has some rows of every tensor"
        weight = next(name for name in names if name.endswith("body.0.weight"))
        assert one_share.get_slice(weight).get_shape()[0] == other.get_slice(weight).get_shape()[0] == 8
    assert set(json.loads((kept(done)[-1] / "state.json").read_bytes())["shares"]) == {first.name, second.name}


def test_ranks_go_on_from_their_shares_to_the_same_bytes(stopped: Path, done: Path, together: Together) -> None:
    assert "step" in kept(stopped)[-1].name
    well(together(stopped, 2, **SETTINGS))
    assert files(stopped) == files(done)


@pytest.mark.parametrize("world", [1, 3])
def test_another_number_of_ranks_goes_on_from_the_shares(stopped: Path, done: Path, together: Together, world: int) -> None:
    well(together(stopped, world, **SETTINGS))
    same(done, stopped)


def test_two_ranks_go_on_in_shares_from_what_one_process_has_kept(tmp_path: Path, done: Path, together: Together) -> None:
    one(tmp_path / "one", **SETTINGS)
    shutil.rmtree(kept(tmp_path / "one")[-1])
    shutil.rmtree(tmp_path / "one" / "out")
    well(together(tmp_path / "one", 2, **SETTINGS))
    assert (kept(tmp_path / "one")[-1] / "shares").is_dir()
    same(done, tmp_path / "one")


def test_ranks_that_were_killed_when_all_was_learned_only_write_it_down(tmp_path: Path, done: Path, together: Together) -> None:
    folder = tmp_path / "learned"
    shutil.copytree(done, folder)
    shutil.rmtree(folder / "out")
    well(together(folder, 2, **SETTINGS))
    assert files(folder) == files(done)


@pytest.mark.parametrize("harm", ["flipped", pytest.param("cut", marks=pytest.mark.slow)])
@pytest.mark.parametrize("learned", [True, False], ids=["learned", "on-the-way"])
def test_a_damaged_share_is_found_and_the_checkpoint_before_is_used(tmp_path: Path, done: Path, together: Together, harm: str, learned: bool) -> None:
    """When nothing is left to be learned, or in the middle of it: then the ranks have met already."""
    folder = tmp_path / "harmed"
    shutil.copytree(done, folder)
    shutil.rmtree(folder / "out")
    if not learned:
        shutil.rmtree(kept(folder)[-1])
    last = kept(folder)[-1]
    content = bytearray(shard(last).read_bytes())
    content[-1] ^= 1
    shard(last).write_bytes(content if harm == "flipped" else content[:-1])
    said = well(together(folder, 2, **SETTINGS))
    assert f"checkpoint {last.name} is damaged; going back to the one before" in said
    assert files(folder) == files(done)


def test_a_disk_that_is_full_is_named_and_the_checkpoint_before_is_kept(tmp_path: Path, disk: Path, done: Path, together: Together) -> None:
    folder = tmp_path / "full"
    shutil.copytree(done, folder, ignore=shutil.ignore_patterns("work", "out"))
    shutil.copytree(kept(done)[0], disk / "work" / kept(done)[0].name)
    (folder / "work").symlink_to(disk / "work")
    fill(disk)
    said = together(folder, 2, **SETTINGS)
    assert [code for code, _ in said] == [1, 1]
    assert all("No space left on device" in text for _, text in said)
    assert [path.name for path in kept(folder) if path.suffix != ".draft"] == [kept(done)[0].name]
    (disk / "filler").unlink()
    well(together(folder, 2, **SETTINGS))
    assert files(folder) == files(done)
