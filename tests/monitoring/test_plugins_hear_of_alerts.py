"""The hook `mlforge_event` for alerts: each piece of news once."""

from __future__ import annotations

from dataclasses import replace

from tests.monitoring.shop import days, file

from mlforge.finding import Finding
from mlforge.monitoring.plugin_events import announce
from mlforge.store import KeptAlert
from mlforge.testing.project import TestProject

LISTENER = """
    import json
    from pathlib import Path
    from mlforge.hookspecs import hookimpl

    @hookimpl
    def mlforge_event(event, subject, details):
        with Path("heard.jsonl").open("a") as heard:
            heard.write(json.dumps([event, subject, details["finding"], details["next"][0]]) + "\\n")
"""


class Heard:
    """Hooks that write down what they are told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def event(self, event: str, subject: str, details: object) -> None:
        self.events.append((event, subject))


def kept(number: int, **changed: object) -> KeptAlert:
    found = Finding(name="live/drift/columns", value=1.0, text="age has drifted", severity="warning")
    one = KeptAlert(number, "shop", 1, "drift", found.name, "", "daily windows", "2026-11-01", "2026-11-02", 1, "warning", "open", None, "", found)
    return replace(one, **changed)  # type: ignore[arg-type]


def heard(before: list[KeptAlert], after: list[KeptAlert]) -> list[tuple[str, str]]:
    hooks = Heard()
    announce(hooks, before, after)  # type: ignore[arg-type]
    return hooks.events


def test_an_alert_is_news_when_it_opens_becomes_worse_or_is_over() -> None:
    assert heard([], [kept(1)]) == [("alert", "1")]
    assert heard([kept(1)], [kept(1, severity="critical")]) == [("alert", "1")]
    assert heard([kept(1)], [kept(1, state="over")]) == [("alert_over", "1")]
    assert heard([kept(1, state="over")], [kept(1)]) == [("alert", "1")]


def test_what_has_not_changed_is_no_news() -> None:
    assert heard([kept(1), kept(2, state="acknowledged")], [kept(1, count=5), kept(2, state="acknowledged")]) == []
    assert heard([], [kept(1, state="over")]) == []
    assert heard([kept(1, state="over")], [kept(1, state="over")]) == []


def test_a_plugin_of_the_project_hears_of_an_alert_once(shop: TestProject) -> None:
    shop.write({"listener.py": LISTENER, "mlforge.toml": 'plugins = ["listener"]\n'})
    file(shop, days(8, older=15, since=6))
    for _ in range(2):
        outcome = shop.run("monitor", "buyers", "--source", "live.csv", "--time", "when")
        assert outcome.code == 0, outcome.text
    told = (shop.root / "heard.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(told) == len(set(told))
    assert any('"live/drift/columns", "mlforge monitor buyers@1' in line for line in told)
