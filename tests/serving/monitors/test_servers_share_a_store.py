"""Two servers of one model, two processes, one store: what they count is added up, and judged as one."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.servers import postgres, postgres_url
from tests.serving.monitors.watched import asked, monitors, watched
from tests.serving.running import Running, serving, until

from mlforge.store import Store

__all__ = ["postgres", "postgres_url"]

EACH = {"monitor": {"seconds": 0.4, "share": 1}, "deadline": 1.0}


def ask(server: Running, count: int, seed: int) -> None:
    status, said, _ = server.ask("/predict", {"rows": asked(count, seed)})
    assert status == 200, said


def judged_together(store: Store, rows: int) -> bool:
    """Is every row in a window that is judged, and every judgement on the rows of both."""
    windows = [one for one in store.windows.of("people", 1) if one.monitor == "drift" and one.rows]
    said = [next((found.rows for found in one.findings if found.name == "live/drift/columns"), None) for one in windows]
    return sum(one.rows for one in windows) == rows and said == [one.rows for one in windows]


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def test_two_servers_count_beside_each_other_and_each_judges_what_both_have_seen(tmp_path: Path, database: str, request: pytest.FixtureRequest) -> None:
    url = str(request.getfixturevalue("postgres_url")) if database == "postgresql" else None
    (tmp_path / "mlforge.toml").write_text(f'store = "{url}"\n' if url else "")
    with Store.open(url, tmp_path / ".mlforge") as store:
        watched(store, tmp_path / "drafts", serve=EACH, chosen={"drift": monitors("4s")["drift"].model_copy(update={"detect": "1sd within 30 rows"})})
        with serving("people", cwd=tmp_path) as one, serving("people", cwd=tmp_path) as other:
            for turn in range(6):
                ask(one, 40, 2 * turn)
                ask(other, 30, 2 * turn + 1)
            until(lambda: judged_together(store, 420), 60.0)
            one.stop()
            other.stop()
        parts = [part for part in store.windows.parts("people", 1, profiles=False) if part.rows]
        assert len({part.writer for part in parts}) == 2
        assert sorted(sum(part.rows for part in parts if part.writer == writer) for writer in {part.writer for part in parts}) == [180, 240]
        assert len({part.reference for part in parts}) == 1
        assert all(part.reference for part in parts)
