"""The source that decides a component's behaviour: its module and every first-party module that it imports, however far away.

First-party is the component's own top-level package, and whatever lies neither in the interpreter's library nor in any site-packages: a project's local plugin,
an editable install, mlforge itself in a checkout. Other libraries count by their version (`Component.libraries`).
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from pathlib import Path

__all__ = ["CodeIndex"]

_LIBRARIES = tuple({os.path.realpath(sysconfig.get_paths()[name]) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")})
_INSTALLED = {"site-packages", "dist-packages"}  # also another interpreter's, the system's or the user's: an environment may build on them


@dataclass(frozen=True, slots=True)
class _Module:
    digest: str
    imports: tuple[str, ...]  # dotted names as written, relative ones made absolute


@dataclass
class CodeIndex:
    """Digests of modules and what they import, remembered between runs by a file's size and time."""

    cache: Path | None = None
    _known: dict[str, list[object]] = field(default_factory=dict)
    _modules: dict[str, _Module] = field(default_factory=dict)
    _located: dict[str, Path | None] = field(default_factory=dict)
    _libraries: dict[str, bool] = field(default_factory=dict)  # by top-level package
    _digests: dict[str, str] = field(default_factory=dict)
    _dirty: bool = False

    def __post_init__(self) -> None:
        if self.cache is not None and self.cache.is_file():
            try:
                self._known = json.loads(self.cache.read_bytes())
            except ValueError:
                self._known = {}  # a cache: torn or foreign content is as good as none

    def digest(self, module: str) -> str:
        """Digest over the module and the first-party modules that it imports, directly or not."""
        if module not in self._digests:
            total = hashlib.sha256()
            for name in sorted(self.closure(module)):
                total.update(f"{name} {self._modules[name].digest}\n".encode())
            self._digests[module] = total.hexdigest()[:32]
        return self._digests[module]

    def closure(self, module: str) -> set[str]:
        """Names of the module and of the first-party modules that it imports, directly or not."""
        own = module.partition(".")[0]
        found: set[str] = set()
        waiting = [module]
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            path = self._locate(name, own)
            if path is None:
                continue
            found.add(name)
            waiting += self._parents(name)
            waiting += self._read(name, path).imports
        return found

    def files(self) -> set[Path]:
        """Every file that was read for a digest."""
        return {path for name, path in self._located.items() if path is not None and name in self._modules}

    def save(self) -> None:
        """Remember what was read for the next process."""
        if self.cache is None or not self._dirty:
            return
        self.cache.parent.mkdir(parents=True, exist_ok=True)
        aside = self.cache.with_suffix(f".{os.getpid()}")
        aside.write_text(json.dumps(self._known))
        aside.replace(self.cache)

    @staticmethod
    def _parents(name: str) -> Iterator[str]:
        while "." in name:
            name = name.rpartition(".")[0]
            yield name

    def _locate(self, name: str, own: str) -> Path | None:
        top = name.partition(".")[0]
        if top != own and self._libraries.get(top):
            return None
        if name not in self._located:
            self._located[name] = _find(name)
        path = self._located[name]
        if path is None or top == own:
            return path
        if top not in self._libraries:
            self._libraries[top] = _installed(path)
        return None if self._libraries[top] else path

    def _read(self, name: str, path: Path) -> _Module:
        if name in self._modules:
            return self._modules[name]
        stat = path.stat()
        stamp = [stat.st_size, stat.st_mtime_ns]
        known = self._known.get(str(path))
        if known is None or known[0] != stamp or known[1] != name:
            source = path.read_bytes()
            known = [stamp, name, hashlib.sha256(source).hexdigest(), sorted(set(_imports(source, name, path)))]
            self._known[str(path)] = known
            self._dirty = True
        module = _Module(str(known[2]), tuple(known[3]))  # type: ignore[arg-type]  # JSON's own types
        self._modules[name] = module
        return module


def _installed(path: Path) -> bool:
    """Does it lie in the interpreter's library, or among what pip has installed."""
    return os.path.realpath(path).startswith(_LIBRARIES) or not _INSTALLED.isdisjoint(path.parts)


def _find(name: str) -> Path | None:
    """The source file of a module, without importing it or its parents."""
    top, *rest = name.split(".")
    try:
        spec = sys.modules[top].__spec__ if top in sys.modules else PathFinder.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    for folder in spec.submodule_search_locations or ():
        base = Path(folder, *rest)
        for candidate in (base.with_suffix(".py"), base / "__init__.py"):
            if candidate.is_file():
                return candidate
    return None


def _imports(source: bytes, name: str, path: Path) -> Iterator[str]:
    """Dotted names that a module may import:

    `from a import b` gives both `a` and `a.b`, for `b` may be a module. Imports for type checkers only are left out.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in _executed(tree.body):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _executed(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            yield from _executed(node.orelse)
            continue
        yield node
        yield from _executed(ast.iter_child_nodes(node))
