"""Alerts from the outside: `mlforge monitor` opens them and tells people once; `mlforge alerts` lists, acknowledges, silences and writes rules."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from tests.builtin.alerts.receivers import Taken, web
from tests.monitoring.shop import MONITORS, days, file

from mlforge.testing.project import TestProject

COMMAND = ("monitor", "buyers", "--source", "live.csv", "--time", "when")
DRIFT = "live/drift/columns"


def free() -> int:
    with web() as taken:
        return taken.port


PORT = free()


@pytest.fixture(scope="module")
def wired(once: TestProject, tmp_path_factory: pytest.TempPathFactory) -> TestProject:
    """The released model, its recipe run again with somebody to tell: everything but the run is reused."""
    project = TestProject(Path(shutil.copytree(once.root, tmp_path_factory.mktemp("wired") / "shop")))
    settings = project.root / "mlforge.toml"
    before = settings.read_text(encoding="utf-8") if settings.exists() else ""
    settings.write_text(f'hosts = ["127.0.0.1:{PORT}"]\n{before}', encoding="utf-8")
    hook = [f"alerts.webhook.url=http://127.0.0.1:{PORT}/", "alerts.webhook.tries=1"]
    outcome = project.run("run", "buyers", MONITORS, "trainer.max_epochs=4", "monitors.traffic.fewest=50", "alerts=[webhook]", *hook)
    assert outcome.code == 0, outcome.text
    assert "calibrate" not in outcome.out or "reuse" in outcome.out
    return project


@pytest.fixture
def shop(wired: TestProject, tmp_path: Path) -> TestProject:
    return TestProject(Path(shutil.copytree(wired.root, tmp_path / "shop")))


def told(taken: Taken) -> list[tuple[str, str]]:
    return [(one["state"], one["finding"]) for one in map(json.loads, taken.bodies)]


def alerts(shop: TestProject, *arguments: str) -> dict[str, dict[str, object]]:
    outcome = shop.run("alerts", "ls", "--json", *arguments)
    assert outcome.code == 0, outcome.text
    return {one["finding"]: one for one in outcome.json}


def test_days_of_drift_are_one_alert_that_is_told_once(shop: TestProject) -> None:
    file(shop, days(10, older=15, since=6))
    with web(PORT) as taken:
        outcome = shop.run(*COMMAND)
        assert outcome.code == 0, outcome.text
        assert ("open", DRIFT) in told(taken)
        assert len(told(taken)) == len(set(told(taken)))
        count = len(taken.bodies)
        assert shop.run(*COMMAND).code == 0
        assert len(taken.bodies) == count
        found = alerts(shop)[DRIFT]
        assert (str(found["begins"])[:10], found["count"], found["state"]) == ("2026-11-07", 4, "open")
        file(shop, days(4, first=11))
        outcome = shop.run(*COMMAND, "--window", "daily")
    assert outcome.code == 0, outcome.text
    assert "Alert " in outcome.out
    assert told(taken).count(("open", DRIFT)) == 1


def test_evidence_effect_and_the_next_step_go_with_it(shop: TestProject) -> None:
    file(shop, days(8, older=15, since=6))
    with web(PORT) as taken:
        shop.run(*COMMAND)
    (news,) = (one for one in map(json.loads, taken.bodies) if one["finding"] == DRIFT)
    assert "age" in news["evidence"]["columns"]
    assert 0.02 < news["effect"] < 0.5
    assert news["measure"].startswith("performance/accuracy 0.9")
    assert news["steps"][0] == "mlforge monitor buyers@1 --page buyers.html"
    listed = shop.run("alerts", "ls").out
    assert listed.splitlines()[0].split() == ["ALERT", "MODEL", "SINCE", "WINDOWS", "EFFECT", "STATE", "FINDING"]
    assert "age (" in listed


def test_what_could_not_be_told_is_told_at_the_next_look(shop: TestProject) -> None:
    file(shop, days(8, older=15, since=6))
    outcome = shop.run(*COMMAND)
    assert outcome.code == 6
    assert "could not be told to alerts.webhook" in outcome.text
    assert "ALARM" in outcome.out
    with web(PORT) as taken:
        assert shop.run("monitor", "buyers").code == 0
    assert ("open", DRIFT) in told(taken)


def test_nobody_is_told_of_what_is_acknowledged_or_silenced(shop: TestProject) -> None:
    file(shop, days(8, older=15, since=6))
    assert shop.run("alerts", "silence", "buyers", "--for", "2d", "--reason", "campaign").code == 0
    with web(PORT) as taken:
        assert shop.run(*COMMAND).code == 0
    assert not taken.bodies
    found = alerts(shop)
    assert all(one["silenced"] for one in found.values())
    outcome = shop.run("alerts", "ack", str(found[DRIFT]["number"]), "--reason", "mine")
    assert outcome.code == 0, outcome.text
    assert alerts(shop)[DRIFT]["state"] == "acknowledged"
    assert "Silenced until" in shop.run("alerts", "ls").out


def test_a_look_that_is_forgotten_alerts_nobody(shop: TestProject) -> None:
    file(shop, days(8, older=15, since=6))
    assert shop.run(*COMMAND, "--forget").code == 0
    assert shop.run("alerts", "ls", "--all").out.strip() == "No alert."


def test_rows_that_come_late_take_an_alert_back(shop: TestProject) -> None:
    """A day that seemed to have no rows."""
    lines = days(4)
    file(shop, [*lines[:400], *lines[600:]])
    with web(PORT) as taken:
        shop.run(*COMMAND)
        assert ("open", "live/traffic/rows") in told(taken)
        file(shop, lines)
        shop.run(*COMMAND)
    assert ("over", "live/traffic/rows") in told(taken)
    assert alerts(shop, "--all")["live/traffic/rows"]["state"] == "over"


def test_open_alerts_and_rules_for_prometheus(shop: TestProject) -> None:
    file(shop, days(8, older=15, since=6))
    with web(PORT):
        shop.run(*COMMAND)
    lines = shop.run("alerts", "ls", "--prometheus").out
    assert 'finding="live/drift/columns",part="",severity="warning"} 1' in lines
    written = shop.run("alerts", "rules", "buyers", "--slow", "0.1").out
    (group,) = yaml.safe_load(written)["groups"]
    assert {"MlforgeModelAlert", "MlforgeNoServer", "MlforgeRequestsFail", "MlforgeRequestsSlow"} <= {rule["alert"] for rule in group["rules"]}
    assert all(rule.keys() == {"alert", "expr", "for", "labels", "annotations"} for rule in group["rules"])
    assert any("> 0.1)" in rule["expr"] for rule in group["rules"])


def test_wrong_commands_are_told_in_words(shop: TestProject) -> None:
    for arguments, expected in (
        (("ack", "99"), "There is no alert 99"),
        (("silence", "buyers", "--for", "1y", "--reason", "x"), "no span of at most 90 days"),
        (("silence", "buyer", "--for", "1d", "--reason", "x"), "Did you mean buyers?"),
        (("silence", "buyers", "--for", "1d", "--reason", " "), "a reason was expected"),
        (("rules", "buyer"), "Did you mean buyers?"),
        (("lss",), "alerts has no command lss"),
    ):
        outcome = shop.run("alerts", *arguments)
        assert outcome.code == 2, outcome.text
        assert expected in outcome.text


def test_a_recipe_names_who_is_told_and_check_sees_what_is_wrong(shop: TestProject) -> None:
    outcome = shop.run("check", "buyers", "monitors=[drift]", "alerts=[slack]", "alerts.slack.url_env=CHAT")
    assert outcome.code == 2
    assert "environment variable that the project does not allow" in outcome.text
    outcome = shop.run("check", "buyers", "alerts=[log]")
    assert outcome.code == 2
    assert "the stage calibrate would, with monitors too" in outcome.text
