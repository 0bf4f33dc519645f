"""GitLab CI/CD: check and run with the verdict in the merge request, and a look in scheduled pipelines."""

from __future__ import annotations

import json
from collections.abc import Mapping

from mlforge.pipelines.plan import CODES, VERDICT, Plan

__all__ = ["INCLUDE", "ROOT", "gitlab"]

ROOT = ".gitlab-ci.yml"  # where the project has one, it is not touched
INCLUDE = "/.gitlab/mlforge/*.yml"  # what it must include then

_PART = """\
# {recipe}, checked and run with its gates{looked}. Written by `mlforge init --ci gitlab`; it is yours now.
# Exit codes: {codes}.
{schedule}# What mlforge records lies in .mlforge, which the cache carries along. A cache may be lost: to keep a registry, name a database and a bucket in
# mlforge.toml (store, artifacts), and leave the cache out.{log}
.{name}:
  image: python:{python}-slim
  resource_group: {name}  # one at a time: what is done is reused by the next
  cache: [{{key: {name}, paths: [.mlforge/]}}]
  before_script:
    - pip install --quiet "{requirement}"

{name}-check:
  extends: .{name}
  stage: test
  rules: [{{if: $CI_PIPELINE_SOURCE != "schedule"}}]
  script:
    - {check}

{name}-run:
  extends: .{name}
  stage: test
  needs: [{name}-check]
  rules: [{{if: $CI_PIPELINE_SOURCE != "schedule"}}]
  script:
    - {run}
  after_script:
    - mkdir -p {name}-report && cp "$(ls -td .mlforge/runs/*/ | head -n 1)"report.* {name}-report/
  artifacts:
    when: always
    expose_as: {name}
    paths: [{name}-report/]
    reports: {{junit: {verdict}}}
{more}"""

_LOOK = """
{name}-look:
  extends: .{name}
  stage: deploy
  rules: [{{if: $CI_PIPELINE_SOURCE == "schedule"}}]
  script:
    - {look}
"""

_PACKAGE = """
{name}-package:  # by hand: the champion as a container
  extends: .{name}
  stage: deploy
  needs: [{name}-run]
  rules: [{{if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && $CI_PIPELINE_SOURCE != "schedule", when: manual, allow_failure: true}}]
  script:
    - {package}
  artifacts: {{paths: [package/]}}
"""

_ROOT = f"""\
include:
  - local: {INCLUDE}
"""


def gitlab(plan: Plan) -> Mapping[str, str]:
    """The recipe's part; and a file that includes it, where the project has none yet."""
    part = f".gitlab/mlforge/{plan.name}.yml"
    more = _LOOK.format(name=plan.name, look=_quoted(plan.look)) if plan.look else ""
    more += _PACKAGE.format(name=plan.name, package=_quoted(plan.package)) if plan.gated else ""
    needs = f" with the variables {', '.join(plan.variables)}" if plan.variables else ""
    schedule = f"# Make its schedule under Build → Pipeline schedules: {plan.schedule} (UTC){needs}.\n" if plan.look else ""
    text = _PART.format(
        recipe=plan.recipe, looked=", and looked after on a schedule" if plan.look else "", codes=CODES, log=plan.logged, schedule=schedule, name=plan.name,
        python=plan.python,
        requirement=plan.requirement, check=_quoted(plan.check), run=_quoted(plan.run), verdict=VERDICT, more=more,
    )  # fmt: skip
    return {part: text} if (plan.root / ROOT).exists() else {part: text, ROOT: _ROOT}


def _quoted(command: str | None) -> str:
    """A string of JSON is one of YAML."""
    return json.dumps(command, ensure_ascii=False)
