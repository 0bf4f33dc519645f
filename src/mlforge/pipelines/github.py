"""GitHub Actions: check and run on every push, the verdict beside the tests and under the pull request, and a look on a schedule."""

from __future__ import annotations

import json
from collections.abc import Mapping

from mlforge.pipelines.plan import CODES, ROWS, VERDICT, Plan

__all__ = ["github"]

_HEAD = """\
# {recipe}, checked and run with its gates on every push{looked}. Written by `mlforge init --ci github`; it is yours now.
# Exit codes: {codes}.
# What mlforge records lies in .mlforge, which the cache carries from one run to the next. A cache may be lost: to keep a registry, name a database and a
# bucket in mlforge.toml (store, artifacts), and leave the steps with actions/cache out.{log}
name: {name}

on:
  push: {{branches: [main]}}
  pull_request:
  workflow_dispatch:
{schedule}
permissions:
  contents: read

concurrency:  # one at a time: what is done is reused by the next
  group: {name}-${{{{ github.ref }}}}
{env}
jobs:
  check:
    if: github.event_name != 'schedule'
    runs-on: ubuntu-latest
    timeout-minutes: 15
    steps:
      - uses: actions/checkout@v5
      - uses: actions/setup-python@v6
        with: {{python-version: "{python}"}}
      - run: pip install "{requirement}"
      - run: {check}

  run:
    needs: check
    if: github.event_name != 'schedule'
    runs-on: ubuntu-latest
    timeout-minutes: 350
    permissions: {{contents: read, pull-requests: write}}
    steps:
{prepare}
      - name: Run
        run: {run}
      - name: Tell what came of it
        if: always()
        run: |
          report=$(ls -td .mlforge/runs/*/report.md 2>/dev/null | head -n 1)
          if [ -n "$report" ]; then cp "$report" report.md; else echo "No run came so far as a report." > report.md; fi
          cat report.md >> "$GITHUB_STEP_SUMMARY"
      - name: Tell it under the pull request
        if: always() && github.event_name == 'pull_request' && github.event.pull_request.head.repo.full_name == github.repository
        env: {{GH_TOKEN: "${{{{ github.token }}}}", NUMBER: "${{{{ github.event.pull_request.number }}}}"}}
        run: gh pr comment "$NUMBER" --body-file report.md --edit-last --create-if-none
      - uses: actions/upload-artifact@v4
        if: always()
        with: {{name: {name}, path: "{verdict}\\nreport.md\\n.mlforge/runs/*/report.html", include-hidden-files: true}}
{keep}{more}"""

_PREPARE = """\
      - uses: actions/checkout@v5
      - uses: actions/setup-python@v6
        with: {{python-version: "{python}"}}
      - run: pip install "{requirement}"
      - uses: actions/cache/restore@v4
        with: {{path: .mlforge, key: "{name}-${{{{ github.run_id }}}}-${{{{ github.job }}}}", restore-keys: "{name}-"}}"""

_KEEP = """\
      - uses: actions/cache/save@v4
        if: always()  # what a run that was refused has made is reused too
        with: {{path: .mlforge, key: "{name}-${{{{ github.run_id }}}}-${{{{ github.job }}}}"}}
"""

_LOOK = """
  look:
    if: github.event_name == 'schedule'
    runs-on: ubuntu-latest
    timeout-minutes: 350
    steps:
{prepare}
      - name: {what}
        run: {look}
{keep}"""

_PACKAGE = """
  package:  # by hand: the champion as a container
    if: github.event_name == 'workflow_dispatch'
    needs: run
    runs-on: ubuntu-latest
    timeout-minutes: 30
    steps:
{prepare}
      - run: {package}
      - uses: actions/upload-artifact@v4
        with: {{name: {name}-package, path: package}}
"""


def github(plan: Plan) -> Mapping[str, str]:
    """One workflow."""
    prepare = _PREPARE.format(python=plan.python, requirement=plan.requirement, name=plan.name)
    what = "Look after the model" if plan.watched else "Hold new rows against the model"
    keep = _KEEP.format(name=plan.name)
    more = _LOOK.format(prepare=prepare, keep=keep, what=what, look=_quoted(plan.look)) if plan.look else ""
    more += _PACKAGE.format(prepare=prepare, package=_quoted(plan.package), name=plan.name) if plan.gated else ""
    text = _HEAD.format(
        recipe=plan.recipe, looked=", and looked after on a schedule" if plan.look else "", codes=CODES, log=plan.logged, name=plan.name, python=plan.python,
        schedule=f"  schedule: [{{cron: {json.dumps(plan.schedule)}}}]  # UTC\n" if plan.look else "", requirement=plan.requirement, prepare=prepare,
        env=_env(plan), check=_quoted(plan.check), run=_quoted(plan.run), verdict=VERDICT, keep=keep, more=more,
    )  # fmt: skip
    return {f".github/workflows/{plan.name}.yml": text}


def _env(plan: Plan) -> str:
    """Secrets for what recipes may read; where rows lie is no secret."""
    kinds = {one: "vars" if one == ROWS else "secrets" for one in plan.variables}
    lines = [f"  {one}: ${{{{ {kind}.{one} }}}}" for one, kind in kinds.items()]
    return "\n".join(["", "env:", *lines, ""]) if lines else ""


def _quoted(command: str | None) -> str:
    """A string of JSON is one of YAML."""
    return json.dumps(command, ensure_ascii=False)
