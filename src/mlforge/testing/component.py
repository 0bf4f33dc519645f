"""What every component must do, whatever its kind: the clauses that all contract suites share.

    class TestOrbital(SourceContract):
        component = Orbital(satellites=3)

A suite is a class of tests to inherit. It asks for one instance, in `component`, or from `make` when it needs files.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import pytest
from pydantic import ValidationError

from mlforge.components import Component, Names, Objection, Reads, parts_of, summary
from mlforge.testing.imports import imported
from mlforge.testing.marks import marked
from mlforge.testing.samples import contract_for
from mlforge.testing.traces import watched

__all__ = ["ComponentContract"]

K = TypeVar("K", bound=Component)
_SECRETIVE = re.compile(r"(^|_)(password|passwd|passphrase|secret|token|api_?key|credentials?)$")
_PLANTED = "planted-secret-4f9d2c"
_LIMIT = 0.05  # seconds of work to import a module
_WAIT = 0.5  # seconds of waiting, which a busy machine may add to
_LINE = 200  # characters of a summary: it is one line of `mlforge ls`


class ComponentContract(Generic[K]):
    """Clauses for any component. A subclass for a kind adds what that kind must do."""

    component: ClassVar[Any] = None
    """The instance to be tested; or override `make`."""

    kind: ClassVar[type[Component]] = Component
    secrets: ClassVar[tuple[str, ...]] = ()
    """Environment variables with secrets that the component reads, beyond those that its fields of type `Variable` name."""

    # ── for the author ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def make(self, folder: Path) -> K:
        """The instance to be tested; `folder` is empty and the test's own, for files that it reads."""
        assert self.component is not None, f"{type(self).__name__}: give `component = …`, or override `make`"
        made: K = self.component
        return made

    def exercise(self, component: K, folder: Path) -> None:
        """Have it do its usual work."""

    def disturb(self, component: K, folder: Path) -> None:
        """Have it do its work, and let that fail half way. The error may escape."""

    @pytest.fixture
    def subject(self, tmp_path: Path) -> K:
        """The instance."""
        (tmp_path / "made").mkdir()
        return self.make(tmp_path / "made")

    # ── the clauses ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def test_it_is_of_its_kind_and_whole(self, subject: K) -> None:
        """Else a recipe that names it ends in a refusal to load it."""
        assert isinstance(subject, self.kind), f"{type(subject).__name__} is no {self.kind.__name__}"

    def test_its_first_docstring_line_says_what_it_is(self, subject: K) -> None:
        """Else `mlforge ls` lists it without a word, or with its kind's."""
        line = summary(type(subject))
        inherited = [summary(parent) for parent in type(subject).__mro__[1:] if issubclass(parent, Component)]
        assert line, f"{type(subject).__name__} has no docstring"
        assert line not in inherited, f"{type(subject).__name__} has only the docstring that it inherits"
        assert len(line) <= _LINE, f"{len(line)} characters are no line"

    def test_every_field_is_described(self, subject: K) -> None:
        """Else the reference, the editor's help and the errors have nothing to say of it."""
        silent = [name for name, field in type(subject).model_fields.items() if not (field.description or "").strip()]
        assert not silent, f"without a description: {', '.join(silent)}"

    def test_it_cannot_be_changed_once_it_is_made(self, subject: K) -> None:
        """Else the key of a stage speaks of other settings than those that ran."""
        assert type(subject).model_config.get("frozen"), f"{type(subject).__name__} is not frozen"

    def test_an_unknown_key_is_refused(self, subject: K) -> None:
        """Else a misspelt key in a recipe is silently without effect."""
        with pytest.raises(ValidationError, match="surely_no_key"):
            type(subject).model_validate({**_settings(subject), "surely_no_key": 1})

    def test_its_settings_survive_as_plain_data(self, subject: K) -> None:
        """Else what a run records is not what it was run with."""
        plain = json.loads(json.dumps(subject.model_dump(mode="json", exclude=set(_fields_of_parts(subject))), allow_nan=False))
        again = type(subject).model_validate({**plain, **{name: getattr(subject, name) for name in _fields_of_parts(subject)}})
        assert again == subject, f"{again!r} is not {subject!r}"

    def test_it_can_be_shown_to_an_editor(self, subject: K) -> None:
        """Else the JSON Schema of recipes, for all components, cannot be written."""
        json.dumps(type(subject).model_json_schema(mode="validation"))

    def test_it_is_found_under_its_name(self, subject: K) -> None:
        """Else no recipe can name it: it must be in the plugin's mlforge_components."""
        from mlforge.plugins import catalog
        from mlforge.project import Project

        table = catalog(Project.find(Path.cwd()))
        reference = f"{type(subject).__module__}:{type(subject).__qualname__}"
        told = {one.reference for one in table.provided}
        near = [one for one in table.provided if one.reference.partition(".")[0] == reference.partition(".")[0] and one.reference != reference]
        found = reference in told or any(table.resolve(one) is type(subject) for one in near if one.reference.endswith(f":{type(subject).__name__}"))
        broken = "; ".join(f"{plugin.name} is {plugin.state}: {plugin.reason}" for plugin in table.plugins if plugin.state != "ok")
        assert found, f"no installed plugin names {reference}{f' ({broken})' if broken else ''}"

    def test_its_module_imports_in_milliseconds_and_nothing_heavy(self, subject: K) -> None:
        """Else `mlforge check` waits for it: heavy imports belong in methods."""
        cost = imported(type(subject).__module__)
        assert not cost.error, f"{type(subject).__module__} cannot be imported: {cost.error}"
        assert not cost.heavy, f"{type(subject).__module__} imports {', '.join(cost.heavy)} at its top"
        assert cost.waited <= _WAIT, f"{type(subject).__module__} waits for {cost.waited:.1f} s when it is imported"
        assert cost.seconds <= _LIMIT, f"{type(subject).__module__} takes {cost.seconds * 1000:.0f} ms to import, and {_LIMIT * 1000:.0f} are allowed"

    def test_objections_are_told_and_not_raised(self, subject: K) -> None:
        """Else `mlforge check` ends in a traceback for a contract that does not suit it."""
        for task in ("classification", "regression"):
            for contract in (contract_for(task), contract_for(task).projected("predict")):
                told: Iterable[Objection] = subject.objections(contract)
                assert all(isinstance(one, Objection) for one in told), "objections() gives Objection"

    def test_it_leaves_nothing_behind(self, subject: K, tmp_path: Path) -> None:
        """Else a server or a long series of runs fills up with files, threads and processes."""
        self.exercise(subject, _new(tmp_path / "warm"))  # what a library starts once, and for good, is not the component's
        with watched(tmp_path / "watched") as traces:
            self.exercise(subject, _new(tmp_path / "exercised"))
        assert not traces.left, f"it left {'; '.join(traces.left)}"

    def test_a_failure_leaves_nothing_behind(self, subject: K, tmp_path: Path) -> None:
        """Else every failed run leaves some of itself."""
        with suppress(Exception):
            self.disturb(subject, _new(tmp_path / "warm"))
        with watched(tmp_path / "watched") as traces, suppress(Exception):
            self.disturb(subject, _new(tmp_path / "disturbed"))
        assert not traces.left, f"it left {'; '.join(traces.left)}"

    def test_secrets_are_named_and_not_held(self, subject: K) -> None:
        """Else a password stands in recipes, records and reports: a field takes the name of a variable, or a file."""
        names = [name for name, field in type(subject).model_fields.items() if _SECRETIVE.search(name) and "str" in str(field.annotation)]
        held = [name for name in names if not {*marked(subject, Names), *marked(subject, Reads)} & {name}]
        assert not held, f"{', '.join(held)}: give it the type Variable (the name of an environment variable) or InputPath (a file)"

    def test_no_secret_is_shown(self, subject: K, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
        """Else a token ends in a log, an error or a record."""
        names = {*self.secrets, *_variables(subject)}
        if not names:
            return
        told = [repr(subject), str(subject)]
        with pytest.MonkeyPatch.context() as patch, caplog.at_level(logging.DEBUG):
            for name in names:
                patch.setenv(name, _PLANTED)
            for work in (self.exercise, self.disturb):
                try:
                    work(self.make(_new(tmp_path / work.__name__ / "made")), _new(tmp_path / work.__name__ / "work"))
                except Exception as error:
                    told += [str(error), repr(error), *map(str, getattr(error, "__notes__", ()))]
            told += [repr(subject), json.dumps(subject.model_dump(mode="json"), default=str)]
        captured = capfd.readouterr()
        told += [captured.out, captured.err, *(record.getMessage() for record in caplog.records)]
        leaks = [text for text in told if _PLANTED in text]
        assert not leaks, f"the secret is in: {leaks[0].replace(_PLANTED, '•••')[:200]}"


def _settings(component: Component) -> dict[str, Any]:
    return {name: getattr(component, name) for name in type(component).model_fields}


def _fields_of_parts(component: Component) -> set[str]:
    """Fields that hold components: in a recipe's text they are sections of their own."""
    return {place.partition(".")[0] for place in parts_of(component)}


def _variables(component: Component) -> set[str]:
    """The environment variables that its fields name."""
    return {value for name in marked(component, Names) if isinstance(value := getattr(component, name), str)}


def _new(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
