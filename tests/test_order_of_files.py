"""Workers are handed the files that take long first."""

from pathlib import Path

from tests.conftest import LONG

ROOT = Path(__file__).parents[1]


def test_every_file_that_is_said_to_take_long_is_there() -> None:
    assert [file for file in LONG if not (ROOT / file).is_file()] == []


def test_they_come_before_the_others(request) -> None:
    files = list(dict.fromkeys(item.path.relative_to(ROOT).as_posix() for item in request.session.items))
    long = [file for file in files if file in LONG]
    assert files[: len(long)] == long == sorted(long, key=LONG.index)
