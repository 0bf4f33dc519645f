"""`mlforge monitor` with a monitor that needs rows of both sides: they are in the store, and none of a window's is kept."""

from __future__ import annotations

from tests.monitoring.shop import days, file

from mlforge.store import Store
from mlforge.testing.project import TestProject


def test_rows_are_compared_with_training_rows_and_history_says_the_same(shop: TestProject) -> None:
    outcome = shop.run("run", "buyers", "monitors=[drift,two_sample]", "trainer.max_epochs=4", "monitors.two_sample.rows=300")
    assert outcome.code == 0, outcome.text
    file(shop, days(4, older=15, since=2))
    outcome = shop.run("monitor", "buyers", "--source", "live.csv", "--time", "when", "--json")
    assert outcome.code == 0, outcome.text
    found = [one["findings"]["two_sample"][0] for one in outcome.json]
    assert [one["severity"] for one in found[2:]] == ["warning", "warning"]
    assert found[3]["evidence"]["columns"][0] == "age"
    assert sum(one["severity"] == "warning" for one in found[:2]) <= 1
    again = shop.run("monitor", "buyers", "--json")
    assert again.code == 0, again.text
    assert again.json == outcome.json
    with Store.open(None, shop.root / ".mlforge") as store:
        kept = [one for one in store.windows.of("buyers") if one.monitor == "two_sample"]
        reference = store.records.newest_making("buyers", "bundles", store.registry.resolve("buyers").bundle, also="reference")
        assert reference is not None
        folder = store.artifacts.path(next(use.outputs["reference"] for use in reference.stages if "reference" in use.outputs))
        assert not list(folder.glob("two_sample/*"))
    assert len(kept) == 4
    assert {one.profile for one in kept} == {b""}
