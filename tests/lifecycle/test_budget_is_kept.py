"""A budget is told beforehand, counted, and kept; what it stopped goes on when it is raised."""

from __future__ import annotations

import json
import time

import pytest

from mlforge.budget import Budget, Spent
from mlforge.errors import RunFailed
from mlforge.lifecycle.costs.meter import Meter
from mlforge.lifecycle.costs.spending import Spending


def findings(project, stage):
    from mlforge.store import Store

    store = Store.at(None, project.root / ".mlforge")
    try:
        return {finding.name: finding for finding in store.records.findings(store.records.latest("waves", stage).key)}
    finally:
        store.close()


def test_a_run_over_its_time_is_stopped_and_goes_on_when_the_budget_is_raised(waves):
    log = waves.root / "log"
    outcome = waves.run("run", "waves", "budget.hours=0.0006", ECHO_HANGS="1", ECHO_LOG=str(log))
    assert outcome.code == 6
    assert "budget.hours: 0.000" in outcome.text
    assert "0.0006 h allowed" in outcome.text
    assert "Raise budget.hours" in outcome.text
    assert "Traceback" not in outcome.text
    (record,) = waves.run("runs", "--json").json
    assert (record["state"], record["exit_code"]) == ("failed", 6)
    log.unlink()
    again = waves.run("run", "waves", "budget.hours=0.0006", ECHO_LOG=str(log))
    assert again.code == 6
    assert not log.exists()  # what was spent is not forgotten, so nothing was begun
    raised = waves.run("run", "waves", "budget.hours=1", "--json")
    states = {stage["name"]: stage["state"] for stage in raised.json["stages"]}
    assert (states["ingest"], states["echo"]) == ("reuse", "run")
    assert list((waves.root / ".mlforge" / "spent").iterdir()) == []  # a run that is done leaves a full purse


def test_what_a_stage_uses_becomes_findings_and_no_part_of_its_key(waves):
    assert waves.run("run", "waves", "budget.rate_per_cpu_hour=3600").code == 0
    found = findings(waves, "ingest")
    cpu, cost, memory = (found[f"ingest/{what}"] for what in ("cpu_seconds", "cost", "peak_memory"))
    assert cpu.value >= 0
    assert cost.value == pytest.approx(cpu.value)
    assert cost.unit == "EUR"
    assert memory.value > 10e6
    assert all(one.volatile for one in (cpu, cost, memory))
    again = waves.run("run", "waves", "budget.hours=5", "--json").json
    assert {stage["state"] for stage in again["stages"] if stage["name"] != "register"} == {"reuse"}


def test_a_plan_tells_what_earlier_runs_took_and_what_they_would_cost(waves):
    assert "earlier run" not in waves.run("plan", "waves").out
    assert waves.run("run", "waves", "budget.rate_per_cpu_hour=3600").code == 0
    forced = waves.run("plan", "waves", "contract.max_rejected=0.5", "budget={rate_per_cpu_hour: 7200, cost: 1e-9, hours: 1e-9}").out
    assert "(from 1 earlier run)" in forced
    total = next(line for line in forced.splitlines() if line.startswith("in all"))
    assert "EUR" in total
    assert "expected, and budget.hours allows" in forced
    assert "expected, and budget.cost allows" in forced


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("budget.cost=3", "a limit on cost needs prices"),
        ("budget.hours=0", "budget.hours"),
        ("budget.memory=16XB", "512 MiB or 16 GB"),
        ("budget.currency=euro", "budget.currency"),
        ("budget.horus=3", "Did you mean hours?"),
    ],
)
def test_a_budget_that_makes_no_sense_is_a_problem_of_the_recipe(waves, override, told):
    outcome = waves.run("check", "waves", override)
    assert outcome.code == 2
    assert told in outcome.text


@pytest.mark.parametrize(
    ("budget", "spent", "told"),
    [
        ({"hours": 2}, Spent(seconds=7200), "2 h used, and 2 h allowed"),
        ({"cost": 3, "rate_per_gpu_hour": 2}, Spent(gpu_seconds=7200), "4 EUR used, and 3 EUR allowed"),
        ({"cost": 3, "rate_per_gpu_hour": 2, "rate_per_cpu_hour": 0.5, "currency": "USD"}, Spent(gpu_seconds=3600, cpu_seconds=7200), "3 USD used"),
        ({"energy_kwh": 0.5}, Spent(energy_kwh=0.75), "0.75 kWh used, and 0.5 kWh allowed"),
        ({"memory": "2 GB"}, Spent(peak_memory=2_500_000_000), "2.5 GB used, and 2 GB allowed"),
    ],
)
def test_each_limit_names_the_figure_and_itself(budget, spent, told):
    limits = Budget.model_validate(budget)
    assert limits.exceeded(Spent()) is None
    key, text = limits.exceeded(spent)
    assert key in budget
    assert told in text


def test_memory_of_a_process_that_was_started_counts(tmp_path):
    import subprocess
    import sys

    program = "import sys; held = bytearray(120_000_000); held[::4096] = b'x' * len(held[::4096]); print('held', flush=True); sys.stdin.read()"
    before = Meter().read()
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert Meter().read().peak_memory > before.peak_memory + 100_000_000
        process.stdin.close()


def test_cpu_time_counts_while_it_is_used_and_energy_where_a_source_tells_it():
    meter = Meter(iter([0.25]).__next__)
    began = time.process_time()
    while time.process_time() < began + 0.05:
        pass
    spent = meter.read()
    assert spent.cpu_seconds >= 0.03
    assert spent.energy_kwh == 0.25


def test_a_file_of_spending_that_is_damaged_counts_as_none(tmp_path):
    (tmp_path / "waves.json").write_text("{")
    assert Spending.of(Budget(hours=1), tmp_path / "waves.json").before == Spent()


def test_what_earlier_runs_have_spent_counts(tmp_path):
    file = tmp_path / "waves.json"
    file.write_text(json.dumps(Spent(seconds=3600.0).plain()))
    with pytest.raises(RunFailed, match=r"budget\.hours: 1 h used, and 0\.5 h allowed"), Spending.of(Budget(hours=0.5), file).watched():
        pytest.fail("nothing is begun")
