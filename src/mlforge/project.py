"""The project: the folder in which a person works, and the few settings that are no recipe's business.

They stand in `mlforge.toml`, or in `pyproject.toml` under `[tool.mlforge]`. A recipe cannot change them: they say which code is trusted, which files
may be read and which environment variables may be seen.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlforge.errors import Origin, Problem, RecipeError, nearest
from mlforge.signing import Signing, Trust

__all__ = ["Project"]

_STATE = ".mlforge"
_FILES = ("mlforge.toml", "pyproject.toml")
_MODULE = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*"
_VARIABLE = r"[A-Za-z_]\w*"
_ROLE = r"[A-Za-z_][\w-]*"


@dataclass(frozen=True, slots=True)
class Project:
    """A project's root and settings."""

    root: Path
    roots: tuple[Path, ...] = ()  # folders that recipes may read; the project's own when none is named
    env: tuple[str, ...] = ()  # environment variables that recipes may name
    plugins: tuple[str, ...] = ()  # modules of the project itself that are plugins
    store: str | None = None  # a folder or URL, as written
    settings: Path | None = None  # the file that the settings came from
    artifacts: str | None = None  # a folder or URL for the artifacts, where they do not lie in the project
    urls: tuple[str, ...] = ()  # below which recipes may read
    hosts: tuple[str, ...] = ()  # in private networks, "name" or "name:port", to which alerts may go
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # who may sign as what: users of the system by role
    signing: Signing = field(default_factory=Signing)  # whose signatures count, and where the key is that signs
    given: Mapping[str, Mapping[str, object]] = field(default_factory=dict)  # settings of plugins, by the plugin's name; each plugin knows its own keys

    def __post_init__(self) -> None:
        """Make the project's own folder the only root where none is named."""
        if not self.roots:
            object.__setattr__(self, "roots", (self.root,))

    @property
    def recipes(self) -> Path:
        """The project's recipes; the folder need not exist."""
        return self.root / "recipes"

    @property
    def conf(self) -> Path:
        """The project's presets; the folder need not exist."""
        return self.root / "conf"

    @property
    def state(self) -> Path:
        """Where mlforge keeps what it makes, unless `store` says otherwise."""
        return self.root / _STATE

    @property
    def trust(self) -> Trust:
        """Whose signatures under bundles count, and who signs."""
        return Trust(self.signing)

    @property
    def imports(self) -> tuple[Path, ...]:
        """The folders in which local plugins are looked for."""
        return (self.root, self.root / "src")

    @classmethod
    def find(cls, start: Path) -> Project:
        """The project that `start` lies in: the nearest folder upwards with settings, else the nearest in which something has run, else `start` itself.

        Raises RecipeError with every setting that is unknown or wrong.
        """
        start = start.resolve()
        for folder in (start, *start.parents):
            for name in _FILES:
                if (table := _settings(folder / name)) is not None:
                    return _build(folder, folder / name, table)
        return cls(_worked_in(start))


def _worked_in(start: Path) -> Path:
    """The nearest folder upwards that has a store of this user's. Recipes of its own, or the user's home, make a folder one that is looked no further from."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home raises where there is none
    for folder in (start, *start.parents):
        if _ours(folder / _STATE):
            return folder
        if (folder / "recipes").is_dir() or home in (folder, folder.parent):
            break
    return start


def _ours(folder: Path) -> bool:
    try:
        return folder.is_dir() and (not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid())
    except OSError:
        return False


def _settings(path: Path) -> Mapping[str, object] | None:
    """The settings in a file; None when it has none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    inside = path.name == "pyproject.toml"
    if inside and not re.search(r"^\s*\[+\s*tool\s*\.\s*\"?mlforge\b", text, re.MULTILINE):
        return None  # not ours: whether it parses is somebody else's business
    import tomllib

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path}: does not parse as TOML: {error}") from None
    return document.get("tool", {}).get("mlforge") if inside else document


def _build(root: Path, path: Path, table: Mapping[str, object]) -> Project:
    problems: list[Problem] = []
    problems += [_problem(path, key, "unknown setting", f"there are {', '.join(_SETTINGS)}", nearest(key, _SETTINGS)) for key in table if key not in _SETTINGS]
    values: dict[str, tuple[str, ...]] = {}
    for key, read in _SETTINGS.items():
        if key in table:
            try:
                values[key] = read(table[key])
            except ValueError as error:
                found = "not as it should be" if key == "signing" else f"{table[key]!r}"  # a key that stands there by mistake is not shown
                problems.append(_problem(path, key, found, f"expected {error}"))
    if problems:
        raise RecipeError(f"{len(problems)} problem{'s' * (len(problems) > 1)} in the project's settings", problems=problems)
    named = values.get("roots", ())
    roots = tuple((root / Path(text).expanduser()).resolve() for text in named if "://" not in text)
    urls = tuple(text for text in named if "://" in text)
    store, artifacts = values.get("store", (None,))[0], values.get("artifacts", (None,))[0]
    if artifacts is not None and "://" not in artifacts:
        artifacts = str(root / Path(artifacts).expanduser())
    given = {name: dict(table["settings"][name]) for name in values.get("settings", ())}  # type: ignore[index]  # `_tables` has looked
    roles = {name: tuple(table["roles"][name]) for name in values.get("roles", ())}  # type: ignore[index]  # `_people` has looked
    signing = Signing.read(table["signing"], root) if "signing" in values else Signing()
    return Project(root, roots, values.get("env", ()), values.get("plugins", ()), store, path, artifacts, urls, values.get("hosts", ()), roles, signing, given)


def _problem(path: Path, key: str, found: str, expected: str, hint: str = "") -> Problem:
    """A problem with a setting, and the line on which it stands."""
    prefix = "tool.mlforge." if path.name == "pyproject.toml" else ""
    lines = path.read_text(encoding="utf-8").splitlines()
    written = re.compile(rf"\s*(\[\s*(tool\s*\.\s*mlforge\s*\.\s*)?)?[\"']?{re.escape(key)}[\"']?\s*[=.\]]")
    line = next((number for number, text in enumerate(lines, 1) if written.match(text)), None)
    try:
        shown = path.relative_to(Path.cwd())
    except ValueError:
        shown = path
    return Problem(prefix + key, found, Origin(str(shown), line), expected, hint)


def _names(pattern: str, what: str) -> Callable[[object], tuple[str, ...]]:
    """A reader of a list of names of one form."""

    def read(value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) and re.fullmatch(pattern, item) for item in value):
            raise ValueError(f"a list of {what}")
        return tuple(dict.fromkeys(value))

    return read


def _text(value: object) -> tuple[str, ...]:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a folder or a URL")
    return (value,)


def _tables(value: object) -> tuple[str, ...]:
    """The plugins for which there is a table. What stands in it is theirs to judge."""
    if not isinstance(value, Mapping) or not all(isinstance(table, Mapping) for table in value.values()):
        raise ValueError("a table for each plugin, such as [settings.mlforge-mlflow]")
    return tuple(value)


def _people(value: object) -> tuple[str, ...]:
    """The roles for which there are people."""
    people = _names(r"[^\s]+", "users")
    if not isinstance(value, Mapping) or not all(re.fullmatch(_ROLE, role) for role in value):
        raise ValueError('users by role, such as risk = ["alice", "bob"]')
    for names in value.values():
        if not people(names):
            raise ValueError('at least one user in each role, such as risk = ["alice", "bob"]')
    return tuple(value)


def _signatures(value: object) -> tuple[str, ...]:
    """Is there somebody who is trusted."""
    return tuple(one.name for one in Signing.read(value, Path()).trusted)


_SETTINGS: Mapping[str, Callable[[object], tuple[str, ...]]] = {
    "plugins": _names(_MODULE, 'modules, such as ["my_plugin"]'),
    "roots": _names(r".+", 'folders and URLs, such as ["data", "/srv/shared", "s3://bucket/data"]'),
    "env": _names(_VARIABLE, 'names of environment variables, such as ["DB_PASSWORD"]'),
    "hosts": _names(r"[^\s/@]+", 'hosts in private networks, such as ["alerts.internal:8080"]'),
    "store": _text,
    "artifacts": _text,
    "roles": _people,
    "signing": _signatures,
    "settings": _tables,
}
