"""Airflow: a DAG that looks after the model on a schedule, and one that runs the recipe when it is triggered."""

from __future__ import annotations

from collections.abc import Mapping

from mlforge.pipelines.plan import CODES, ROWS, Plan

__all__ = ["airflow"]

_FILE = '''\
"""{recipe}: run with its gates when triggered{looked}.

Written by `mlforge init --ci airflow`; it is yours now. It is for Airflow 3, and wants mlforge and the project, at MLFORGE_PROJECT, on the workers.
Exit codes: {codes}.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

PROJECT = os.environ.get("MLFORGE_PROJECT", {root!r})
COMMON = {{
    "start_date": datetime(2026, 1, 1, tzinfo=timezone.utc),
    "catchup": False,
    "max_active_runs": 1,  # one at a time: what is done is reused by the next
    "default_args": {{"cwd": PROJECT, "append_env": True}},
    "tags": ["mlforge", {recipe!r}],
}}

with DAG(dag_id={run_id!r}, schedule=None, **COMMON):
    check = BashOperator(task_id="check", bash_command={check})
    # Stopped, the same command goes on where it was; a gate that says no (exit code 4) says so again.
    run = BashOperator(task_id="run", bash_command={run}, retries=1, retry_delay=timedelta(minutes=5))
    check >> run
{more}'''

_LOOK = """
with DAG(dag_id={look_id!r}, schedule={schedule!r}, **COMMON):
    look = BashOperator(task_id="look", bash_command={look}{env})
"""


def airflow(plan: Plan) -> Mapping[str, str]:
    """One file of DAGs."""
    more = ""
    if plan.look:
        env = f', env={{"{ROWS}": os.environ.get("{ROWS}", "")}}' if plan.monitored else ""
        more = _LOOK.format(look_id=f"{plan.name}-look", schedule=plan.schedule, look=_plain(plan.look), env=env)
    text = _FILE.format(
        recipe=plan.recipe, looked=", and looked after on a schedule" if plan.look else "", codes=CODES, root=str(plan.root), run_id=f"{plan.name}-run",
        check=_plain(plan.check), run=_plain(plan.run), more=more,
    )  # fmt: skip
    return {f"dags/{plan.name.replace('-', '_')}.py": text}


def _plain(command: str) -> str:
    """As a Python string that Airflow takes as it stands: braces are no template of Jinja's, and a command that ends with ".sh" is no file with one."""
    text = f"{{% raw %}}{command}{{% endraw %}}" if any(sign in command for sign in ("{{", "{%", "{#")) else command
    return repr(f"{text} " if text.endswith((".sh", ".bash")) else text)
