"""Which services there are, and the writing of their files: all of them, or none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from mlforge.errors import RecipeError, RunFailed
from mlforge.pipelines.airflow import airflow
from mlforge.pipelines.cron import cron
from mlforge.pipelines.github import github
from mlforge.pipelines.gitlab import INCLUDE, ROOT, gitlab
from mlforge.pipelines.kubernetes import kubernetes
from mlforge.pipelines.plan import Plan

__all__ = ["SERVICES", "after", "put", "written"]

SERVICES: Mapping[str, Callable[[Plan], Mapping[str, str]]] = {
    "github": github,
    "gitlab": gitlab,
    "airflow": airflow,
    "kubernetes": kubernetes,
    "cron": cron,
}


def written(plan: Plan, services: Sequence[str], *, force: bool = False) -> list[Path]:
    """The paths of what was written. RecipeError when one of them is there already, and nothing is touched then; unless `force`."""
    files = {plan.root / path: text for service in dict.fromkeys(services) for path, text in SERVICES[service](plan).items()}
    there = [path for path, text in files.items() if path.exists() and path.read_text(encoding="utf-8", errors="replace") != text]
    if there and not force:
        near = ", ".join(str(path.relative_to(plan.root)) for path in there)
        raise RecipeError(f"{near} {'is' if len(there) == 1 else 'are'} there already; nothing was written", hint="Replace with --force.")
    put(files)
    return list(files)


def put(files: Mapping[Path, str]) -> None:
    """Write all of them, or none: RunFailed when one cannot be written, and nothing was changed then."""
    asides = {path: path.with_name(f".{path.name}.{os.getpid()}") for path in files}
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            asides[path].write_text(text, encoding="utf-8")
        for path, aside in asides.items():
            aside.replace(path)
    except OSError as error:
        for aside in asides.values():
            with suppress(OSError):
                aside.unlink(missing_ok=True)
        raise RunFailed(f"{os.path.relpath(path)} could not be written: {error.strerror or error}", hint="Nothing was changed.") from None


def after(plan: Plan, services: Sequence[str]) -> Iterator[str]:
    """What is left to be done by hand, in a line for each."""
    names = " and ".join(plan.variables)
    for service in dict.fromkeys(services):
        match service:
            case "github":
                yield "commit it" + (f"; give it {names} under Settings → Secrets and variables" if names else "")
            case "gitlab":
                included = INCLUDE in (plan.root / ROOT).read_text(encoding="utf-8", errors="replace")
                yield ("commit it" if included else f"include it in {ROOT}: local: {INCLUDE}") + (
                    f"; make a pipeline schedule of {plan.schedule}" if plan.look else ""
                )
            case "airflow":
                yield "put dags/ where Airflow looks for it, and the project where its workers find it (MLFORGE_PROJECT)"
            case "kubernetes":
                yield f"build the image and apply it, as kubernetes/{plan.name}/jobs.yaml says" + (
                    f"; {names} {'comes' if len(plan.variables) == 1 else 'come'} from a secret {plan.name}" if names else ""
                )
            case "cron":
                yield f"(crontab -l 2>/dev/null; cat cron/{plan.name}.crontab) | crontab -"
