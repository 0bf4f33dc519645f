"""Ask one plugin what it provides. This runs in a process of its own: `python -m mlforge.plugins.ask REQUEST ANSWER`.

The plugin's code is not trusted to be well behaved, only to be the user's own choice: it may hang, print, exit or break, and none of it reaches the process
that asked. The answer is a JSON file; when there is none, the process ended before it could write one.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import re
import sys
import threading
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from mlforge.plugins.api import declared, objection
from mlforge.plugins.trace import place, short

_COMPONENT = re.compile(r"[a-z]\w*/[a-z]\w*")
_COMMAND = re.compile(r"[a-z][a-z0-9-]*")
_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


class Refused(Exception):
    """The plugin is not as it should be; the text says how."""

    def __init__(self, reason: str, state: str = "broken") -> None:
        super().__init__(reason)
        self.state = state


class _Overheard:
    """Stands in for stdout, and remembers who wrote to it first."""

    def __init__(self) -> None:
        self.text = ""
        self.where = ""

    def write(self, text: str) -> int:
        """Keep the text, and note the line that wrote it."""
        if not self.text:
            frame = sys._getframe(1)
            self.where = f"{frame.f_code.co_filename}:{frame.f_lineno}"
        self.text += text[: max(0, 200 - len(self.text))]
        return len(text)

    def flush(self) -> None:
        """There is nothing to flush."""

    def isatty(self) -> bool:
        """It is no terminal."""
        return False


def main(request: Path, answer: Path) -> None:
    """Answer the request in a file."""
    asked = json.loads(request.read_text(encoding="utf-8"))
    sys.path[:] = asked["path"]
    # The dump comes from a thread of C, so that it is written even while the plugin holds the interpreter's lock.
    with answer.with_suffix(".hang").open("w") as hang:
        faulthandler.dump_traceback_later(asked["limit"], exit=True, file=hang)
        reply = _ask(asked["module"], asked["name"])
        faulthandler.cancel_dump_traceback_later()
    answer.write_text(json.dumps(reply), encoding="utf-8")
    sys.stderr.flush()
    os._exit(0)  # threads and exit handlers of the plugin have no say in this


def _ask(name: str, plugin: str) -> dict[str, Any]:
    overheard = _Overheard()
    sys.stdout = overheard
    reply: dict[str, Any] = {"state": "ok", "reason": ""}
    before, threads = set(sys.modules), set(threading.enumerate())
    start = time.perf_counter()
    try:
        module = importlib.import_module(name)
        reply["seconds"] = round(time.perf_counter() - start, 4)
        reply |= {"file": getattr(module, "__file__", None), **_contents(module, plugin)}
        if overheard.text.strip():
            path, _, line = overheard.where.rpartition(":")
            raise Refused(f"prints when it is loaded: {overheard.text.strip()[:60]!r} ({short(path, name)}:{line})")
        for thread in set(threading.enumerate()) - threads:
            raise Refused(f"starts a thread when it is loaded: {thread.name[:60]}{_defined(getattr(thread, '_target', None), name)}")
    except Refused as refused:
        reply |= {"state": refused.state, "reason": str(refused)}
    except SystemExit as error:
        reply |= {"state": "broken", "reason": f"exits when it is loaded, with {error.code!r}{place(error, name)}"}
    except BaseException as error:
        reply |= {"state": "broken", "reason": f"{type(error).__name__}: {_line(error)}{place(error, name)}"}
    return reply | {"files": _files(name, before)}


def _line(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return (text.strip().splitlines() or ["no reason given"])[0][:200]


def _contents(module: ModuleType, plugin: str) -> dict[str, Any]:
    from pluggy import PluginManager

    from mlforge import hookspecs

    written = getattr(module, "MLFORGE_API", hookspecs.API)
    api = declared(written)
    if api is None:
        raise Refused(f"MLFORGE_API is {str(written)[:60]!r}; a version was expected, or the oldest and newest of a range: (1, 2)")
    if misfit := objection(api, hookspecs.OLDEST_API, hookspecs.API, plugin):
        raise Refused(misfit, state="api")
    manager = PluginManager("mlforge")
    manager.add_hookspecs(hookspecs)
    warned = _register(manager, module)
    callers = manager.get_hookcallers(module) or []
    hooks = sorted(caller.name for caller in callers)
    if not hooks:
        raise Refused(f"implements no hook: is @hookimpl missing? ({short(module.__file__ or '', module.__name__)}:1)")
    found: dict[str, dict[str, str]] = {"components": {}, "commands": {}}
    for hook, kind, form in (("mlforge_components", "components", _COMPONENT), ("mlforge_register_commands", "commands", _COMMAND)):
        if hook in hooks:
            found[kind] = _table(getattr(module, hook)(), hook, form, getattr(module, hook), module.__name__)
    return {"api": api, "hooks": hooks, "warnings": warned, **found}


def _register(manager: Any, module: ModuleType) -> list[str]:
    """Register the module with pluggy, and refuse hooks that do not exist: pluggy alone would never call them, and never say so. What it uses that will go."""
    from pluggy import PluginValidationError

    from mlforge import hookspecs
    from mlforge.errors import Deprecation, nearest

    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", Deprecation)
            manager.register(module)
        manager.check_pending()
        return [f"{one.message} ({short(one.filename, module.__name__)}:{one.lineno})" for one in caught if isinstance(one.message, Deprecation)]
    except PluginValidationError as error:
        known = [name for name in vars(hookspecs) if name.startswith("mlforge_")]
        implemented = [name for name, value in vars(module).items() if hasattr(value, "mlforge_impl")]
        for name in implemented:
            if name not in known:
                raise Refused(f"there is no hook {name}{_defined(getattr(module, name), module.__name__)}. {nearest(name, known)}".rstrip()) from None
        culprit = next((name for name in implemented if f"'{name}'" in str(error)), "")
        reason = str(error).strip().splitlines()[-1]  # pluggy says what is wrong last
        raise Refused(f"{culprit}: {reason[:200]}{_defined(getattr(module, culprit, None), module.__name__)}") from None


def _defined(function: Any, module: str) -> str:
    code = getattr(function, "__code__", None)
    return f" ({short(code.co_filename, module)}:{code.co_firstlineno})" if code else ""


def _table(value: object, hook: str, form: re.Pattern[str], function: Any, module: str) -> dict[str, str]:
    """The hook's answer, when it is what it should be."""
    at = _defined(function, module)
    if not isinstance(value, Mapping):
        raise Refused(f"{hook} returns a {type(value).__name__}; a mapping of names to 'module:Class' was expected{at}")
    for key, reference in value.items():
        if not isinstance(key, str) or not form.fullmatch(key):
            example = "model/lightgbm" if form is _COMPONENT else "tensorboard"
            raise Refused(f"{hook} has the name {key!r}; one like {example!r} was expected{at}")
        if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference):
            raise Refused(f"{hook} has {reference!r} for {key}; 'module:Class' was expected{at}")
    return dict(value)


def _files(name: str, before: set[str]) -> list[str]:
    """The files that the answer depends on: the plugin's own package, and whatever it imports that is neither installed nor Python's own."""
    top = name.partition(".")[0]
    foreign = (sys.base_prefix, sys.prefix)
    found = []
    for key, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        mine = key.partition(".")[0] == top
        if isinstance(path, str) and (mine or (key not in before and not path.startswith(foreign))) and (top == "mlforge" or not key.startswith("mlforge.")):
            found.append(path)
    return sorted(set(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
