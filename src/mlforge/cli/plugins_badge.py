"""`mlforge plugins badge`: does a plugin keep the contracts of its kinds."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from mlforge.errors import GateRefused, MissingRequirement, RecipeError, RunFailed, nearest

__all__ = ["badge"]

_GREEN, _RED = "#2e7d32", "#b3261e"


@dataclass(frozen=True, slots=True)
class _Judged:
    """What the suites said of one component."""

    component: str  # "model/lightgbm"
    clauses: Mapping[str, str]  # why each failed; "" for one that holds
    unjudged: str = ""
    broken: str = ""

    @property
    def passed(self) -> int:
        return sum(not why for why in self.clauses.values())

    @property
    def conforms(self) -> bool:
        return bool(self.clauses) and self.passed == len(self.clauses)

    def __str__(self) -> str:
        if self.broken:
            return f"broken: {self.broken}"
        return f"not judged: {self.unjudged}" if self.unjudged else f"{self.passed} of {len(self.clauses)} clauses"


@click.command("badge")
@click.argument("name")
@click.option("--tests", type=click.Path(exists=True, path_type=Path), multiple=True, help="The author's tests: what they hold to a suite is judged by them.")
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Write a badge to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print every clause as JSON.")
@click.option("--limit", type=click.IntRange(min=1), default=600, show_default=True, help="Seconds that the suites may take.")
def badge(name: str, tests: tuple[Path, ...], svg: Path | None, as_json: bool, limit: int) -> None:
    """Run the contract suites over a plugin, and say which clauses hold.

    Without the author's tests, each component is judged as its defaults make it. Ends with 4 when a clause does not hold, or a component was not judged.
    """
    version = _there(name)
    judged = _judged(name, [str(path.resolve()) for path in tests], limit)
    passed, clauses = sum(one.passed for one in judged), sum(len(one.clauses) for one in judged)
    conforming = bool(judged) and all(one.conforms for one in judged)
    if svg:
        svg.write_text(_drawn(f"{passed} of {clauses}", _GREEN if conforming else _RED), encoding="utf-8")
    if as_json:
        told = {"plugin": name, "version": version, "conforms": conforming, "passed": passed, "clauses": clauses, "components": [asdict(one) for one in judged]}
        click.echo(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        _tell(f"{name} {version}", judged)
    if not conforming:
        unjudged = any(one.unjudged for one in judged)
        hint = "Name the author's tests, which have examples: --tests FOLDER" if unjudged else "mlforge.testing has the clauses, and what breaks without each."
        short = [one.component for one in judged if not one.conforms]
        what = f"{', '.join(short[:5])}{' …' if len(short) > 5 else ''} {'does' if len(short) == 1 else 'do'} not conform" if judged else "it has no components"
        raise GateRefused(f"plugins badge: {name}: {what}", hint=hint)


def _tell(name: str, judged: list[_Judged]) -> None:
    click.echo(name)
    width = max((len(one.component) for one in judged), default=0)
    for one in judged:
        click.echo(f"  {one.component.ljust(width)}  {one}")
        for clause, why in one.clauses.items():
            if why:
                click.echo(f"    {clause.removeprefix('test_').replace('_', ' ')}: {why}")


def _there(name: str) -> str:
    """The plugin's version. Raises RecipeError when there is no such plugin, MissingRequirement when it cannot be used."""
    from mlforge.cli.workplace import Workplace

    plugins = {plugin.name: plugin for plugin in Workplace.here().catalog.plugins}
    if name not in plugins:
        raise RecipeError(f"plugins badge: no plugin {name} is installed; there are {', '.join(plugins)}", hint=nearest(name, plugins))
    if plugins[name].state != "ok":
        raise MissingRequirement(f"plugins badge: {name} is {plugins[name].state}: {plugins[name].reason}", hint="`mlforge plugins` says so too.")
    return plugins[name].version


def _judged(name: str, tests: list[str], limit: int) -> list[_Judged]:
    """The suites run in a process of their own: what a plugin's code does there harms nobody."""
    with tempfile.TemporaryDirectory(prefix="mlforge-badge-", ignore_cleanup_errors=True) as folder:
        request, answer = Path(folder, "request.json"), Path(folder, "answer.json")
        request.write_text(json.dumps({"plugin": name, "tests": tests}), encoding="utf-8")
        command = [sys.executable, "-P", "-m", "mlforge.testing.judging", str(request), str(answer)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            raise RunFailed(f"plugins badge: the suites are not through after {limit} s", hint="Give them more: --limit SECONDS") from None
        if not answer.exists():
            raise _unanswered(done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])
        reply = json.loads(answer.read_text(encoding="utf-8"))
    if reply["problem"]:
        raise RecipeError(f"plugins badge: {reply['problem']}", hint="Inherit one: from mlforge.testing import SourceContract")
    return [_Judged(component, **told) for component, told in reply["components"].items()]


def _unanswered(lines: list[str]) -> RunFailed | MissingRequirement:
    if "No module named 'pytest'" in lines[-1]:
        return MissingRequirement("plugins badge: the suites need pytest", hint="pip install pytest")
    return RunFailed(f"plugins badge: the suites could not be run: {lines[-1][:300]}", hint="Run the plugin's own tests to see more.")


def _drawn(text: str, colour: str) -> str:
    """A flat badge: what it is, and how much of it holds."""
    label, left, right = "mlforge contract", 112, 14 + 7 * len(text)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{label}: {text}">
<title>{label}: {text}</title>
<rect width="{left}" height="20" fill="#444"/><rect x="{left}" width="{right}" height="20" fill="{colour}"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">
<text x="{left / 2:g}" y="14">{label}</text><text x="{left + right / 2:g}" y="14">{text}</text>
</g>
</svg>
"""
