"""What a client gets when the version that serves fails, hangs or is given a rest: in time, and flagged."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from tests.serving.bundles import ROW, people, probability
from tests.serving.rollout.conftest import registered
from tests.serving.rollout.load import patience
from tests.serving.running import Running, serving

from mlforge.contract import Column, Contract
from mlforge.store import Store

FAILS = {**ROW, "income": -1.5}  # a row that the poisoned versions cannot answer
RULES = {"bern": {"column": "city", "equals": "Bern", "prediction": "no"}, "aged": {"column": "age", "above": 60, "prediction": "yes"}}


def wider() -> Contract:
    """A contract that wants more than `people` have."""
    contract = people()
    return contract.model_copy(update={"columns": {**contract.columns, "height": Column(dtype="float")}})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Models that fail, each with another ladder; `hangs` takes about two seconds and is given 100 ms."""
    root = tmp_path_factory.mktemp("failing")
    (root / "mlforge.toml").write_text("")
    with Store.open(None, root / ".mlforge") as store:

        def made(model: str, **how: object) -> None:
            registered(store, root / "drafts", model=model, **how)
            store.registry.set_alias(model, "champion", len(store.registry.versions(model)))

        made("back", bias=-1.0)
        made("back", poison="income", rollout={"fallback": {}})
        made("simple", bias=-2.0)
        made("simpler", poison="income", rollout={"fallback": {"model": "simple@champion"}})
        made("ruled", poison="income", rollout={"fallback": {"rules": RULES}})
        made("constant", poison="income", rollout={"fallback": {"rules": RULES, "constant": "yes"}, "breaker": {"window": 4, "rest_s": 3600}})
        made("hangs", seconds=2.0, rollout={"timeout_ms": 100})
        made("hangs_safely", seconds=2.0, rollout={"timeout_ms": 100, "fallback": {"constant": "no"}})
        made("none", poison="income")
        made("wider", contract=wider())
        made("misled", poison="income", rollout={"fallback": {"model": "wider", "constant": "no"}})
    models = ("misled", "back", "simpler", "ruled", "constant", "hangs", "hangs_safely", "none")
    with serving(*models, "--workers", "1", cwd=root) as running:
        yield running


def asked(server: Running, model: str, *rows: dict[str, object]) -> tuple[int, dict[str, object], str | None]:
    status, told, headers = server.ask(f"/models/{model}/predict", {"rows": list(rows) or [FAILS]})
    return status, told, headers.get("mlforge-fallback")


def test_the_version_before_answers_and_the_answer_says_so(server: Running) -> None:
    status, told, header = asked(server, "back")
    assert (status, told["version"], told["fallback"], header) == (200, 1, "back 1", "back 1")
    assert told["predictions"][0]["probabilities"]["yes"] == pytest.approx(probability(FAILS, -1.0), abs=1e-5)
    status, told, header = asked(server, "back", ROW)
    assert (status, told["version"], "fallback" in told, header) == (200, 2, False, None)


def test_a_fallback_that_needs_more_than_was_asked_is_told_when_the_server_starts(server: Running) -> None:
    assert asked(server, "misled")[1]["fallback"] == "declared"
    assert server.log.read_text().count("wider 1 is no fallback for misled 1: it takes columns that the other does not") == 1


def test_a_simpler_model_answers_where_there_is_no_version_before(server: Running) -> None:
    status, told, header = asked(server, "simpler")
    assert (status, told["model"], told["fallback"], header) == (200, "simple", "simple 1", "simple 1")


def test_declared_rules_answer_in_the_order_of_their_names_and_where_none_holds_the_error_stays(server: Running) -> None:
    assert asked(server, "ruled", {**FAILS, "age": 70})[1]["predictions"] == [{"prediction": "yes", "probabilities": {"no": 0.0, "yes": 1.0}}]
    status, told, header = asked(server, "ruled", FAILS)
    assert (status, told["predictions"][0]["prediction"], told["fallback"], header) == (200, "no", "declared", "declared")
    status, told, _ = asked(server, "ruled", {**FAILS, "city": "Rom"})
    assert status == 422
    assert "although it keeps the contract" in str(told["error"])


def test_a_version_that_fails_again_and_again_is_given_a_rest(server: Running) -> None:
    assert asked(server, "constant", ROW)[2] is None
    for _ in range(4):
        assert asked(server, "constant", {**FAILS, "city": "Rom"})[1]["predictions"][0]["prediction"] == "yes"
    status, told, header = asked(server, "constant", ROW)
    assert (status, told["predictions"][0]["prediction"], header) == (200, "no", "declared"), "which good rows feel, too; they are of Bern"
    metrics = server.ask("/metrics")[1].decode()
    assert 'mlforge_breakers_open{model="constant"} 1' in metrics
    assert 'mlforge_fallbacks_total{model="constant"} 5' in metrics


def test_a_slow_model_is_waited_for_as_long_as_declared_and_no_longer(server: Running) -> None:
    for model, expected in (("hangs", (504, 503)), ("hangs_safely", (200, 200))):
        for status_then in expected:  # the second while the first run still goes on: it is not even begun
            begun = time.monotonic()
            status, told, header = asked(server, model, ROW)
            assert time.monotonic() - begun < patience(1.0)
            assert (status, header) == (status_then, "declared" if status_then == 200 else None), told
    begun = time.monotonic()
    assert asked(server, "back", ROW)[0] == 200
    assert time.monotonic() - begun < patience(1.0), "others are not held up meanwhile"


def test_without_a_fallback_the_error_is_told(server: Running) -> None:
    status, told, header = asked(server, "none")
    assert (status, header) == (422, None)
    assert "although it keeps the contract" in str(told["error"])
