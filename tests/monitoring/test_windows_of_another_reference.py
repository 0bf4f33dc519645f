"""What was held against another reference is not put together with what is held against this one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.serving.monitors.watched import asked, monitors, watched

from mlforge.store import Store
from mlforge.testing.project import TestProject


def test_windows_that_were_held_against_another_reference_are_left_out_and_told(tmp_path: Path) -> None:
    (tmp_path / "mlforge.toml").write_text("")
    project = TestProject(tmp_path)
    with Store.open(None, tmp_path / ".mlforge") as store:
        watched(store, tmp_path / "drafts", serve={}, chosen={"drift": monitors("daily")["drift"]})
        lines = ["age,income,member,city,the plan,since,when"]
        for place, row in enumerate(asked(120, 3)):
            values = (row["age"], row["income"], str(row["member"]).lower(), row["city"], row["the plan"], row["since"])
            lines.append(",".join(map(str, (*values, f"2026-11-0{1 + place // 40}T10:00:00"))))
        (tmp_path / "live.csv").write_text("\n".join(lines) + "\n")
        first = project.run("monitor", "people", "--source", "live.csv", "--time", "when")
        assert first.code == 0, first.text
        assert "left out" not in first.text
        kept = store.windows.parts("people", 1)
        assert len(kept) == 3
        assert len({one.reference for one in kept}) == 1
        moved = replace(kept[0], reference="0123456789abcdef", begins="2026-10-30T00:00:00+00:00", ends="2026-10-31T00:00:00+00:00")
        store.windows.keep([moved])
    again = project.run("monitor", "people")
    assert again.code == 0, again.text
    assert "1 kept earlier were held against another reference, and are left out" in again.text
    assert "2026-10-30" not in again.text
    assert again.text.count("rows") >= 3
