"""cron: a look on a schedule, on this machine."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from mlforge.pipelines.plan import CODES, ROWS, Plan

__all__ = ["cron"]

_FILE = """\
# {recipe}: looked after on a schedule, on this machine. Written by `mlforge init --ci cron`; it is yours now. Times are the machine's own.
#   (crontab -l 2>/dev/null; cat {path}) | crontab -
# Exit codes: {codes}.
{env}{schedule} cd {root} && mkdir -p .mlforge && {{ {command}; }} >> .mlforge/{name}.log 2>&1
"""


def cron(plan: Plan) -> Mapping[str, str]:
    """A crontab. A recipe that nobody has to look after is run anew: what has not changed is reused."""
    path = f"cron/{plan.name}.crontab"
    command = plan.look or f"{plan.check} && {plan.run}"
    env = "".join(f"{one}=...\n" for one in plan.variables if one == ROWS)
    names = ", ".join(one for one in plan.variables if one != ROWS)
    env += f"# Recipes read {names}: cron knows no variables but those that stand here.\n" if names else ""
    text = _FILE.format(
        recipe=plan.recipe, path=path, codes=CODES, env=env, schedule=plan.schedule, root=shlex.quote(str(plan.root)).replace("%", r"\%"), name=plan.name,
        command=f"PATH={shlex.quote(str(plan.programs))}:\"$PATH\"; {command}".replace("%", r"\%"),
    )  # fmt: skip
    return {path: text}
