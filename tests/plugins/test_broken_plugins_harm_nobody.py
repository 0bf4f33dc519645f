"""Every way in which a plugin misbehaves is told with a reason and a place, and mlforge's own components stay."""

from __future__ import annotations

import fcntl

import pytest

from mlforge.plugins import catalog, inquiry

HEAD = "from mlforge.hookspecs import hookimpl\n"
FINE = "@hookimpl\ndef mlforge_components():\n    return {}\n"

BROKEN = {
    "missing_module": ("import acme_sdk\n", "broken", "ModuleNotFoundError: No module named 'acme_sdk' (naughty.py:1)"),
    "raises": ("\n\n1 / 0\n", "broken", "ZeroDivisionError: division by zero (naughty.py:3)"),
    "syntax": ("def f(:\n", "broken", "SyntaxError: invalid syntax (naughty.py:1)"),
    "system_exit": ("import sys\nsys.exit(3)\n", "broken", "exits when it is loaded, with 3 (naughty.py:2)"),
    "hard_exit": ("import os\nos._exit(7)\n", "broken", "ends the process with exit code 7 when it is loaded"),
    "killed": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "broken", "is killed by signal 9 when it is loaded"),
    "prints": (HEAD + "print('hello')\n" + FINE, "broken", "prints when it is loaded: 'hello' (naughty.py:2)"),
    "prints_in_hook": (
        HEAD + "@hookimpl\ndef mlforge_components():\n    print('hi')\n    return {}\n",
        "broken",
        "prints when it is loaded: 'hi' (naughty.py:4)",
    ),
    "writes_past_python": (HEAD + "import os\nos.write(1, b'raw')\n" + FINE, "broken", "prints when it is loaded: 'raw'"),
    "misspelt_hook": (
        HEAD + "@hookimpl\ndef mlforge_component():\n    return {}\n",
        "broken",
        "there is no hook mlforge_component (naughty.py:2). Did you mean mlforge_components?",
    ),
    "wrong_argument": (HEAD + "@hookimpl\ndef mlforge_check(receipt):\n    return []\n", "broken", "receipt"),
    "no_hookimpl": ("def mlforge_components():\n    return {}\n", "broken", "implements no hook: is @hookimpl missing? (naughty.py:1)"),
    "no_mapping": (
        HEAD + "@hookimpl\ndef mlforge_components():\n    return 42\n",
        "broken",
        "mlforge_components returns a int; a mapping of names to 'module:Class' was expected (naughty.py:2)",
    ),
    "no_section": (HEAD + "@hookimpl\ndef mlforge_components():\n    return {'mine': 'a:B'}\n", "broken", "has the name 'mine'; one like 'model/lightgbm'"),
    "unknown_section": (
        HEAD + "@hookimpl\ndef mlforge_components():\n    return {'modell/x': 'a:B'}\n",
        "broken",
        "there is no section modell. Did you mean model?",
    ),
    "no_reference": (HEAD + "@hookimpl\ndef mlforge_components():\n    return {'model/x': 'a.B'}\n", "broken", "'module:Class' was expected"),
    "no_text": (HEAD + "@hookimpl\ndef mlforge_components():\n    return {'model/x': int}\n", "broken", "'module:Class' was expected"),
    "command_with_spaces": (HEAD + "@hookimpl\ndef mlforge_register_commands():\n    return {'my command': 'a:b'}\n", "broken", "'my command'"),
    "hook_raises": (HEAD + "@hookimpl\ndef mlforge_components():\n    raise KeyError('x')\n", "broken", "KeyError: 'x' (naughty.py:4)"),
    "old_api": ("MLFORGE_API = 0\n" + HEAD + FINE, "api", "needs mlforge API 0, this is 1: pip install --upgrade naughty"),
    "future_api": ("MLFORGE_API = 2\n" + HEAD + FINE, "api", "needs mlforge API 2, this is 1: pip install --upgrade mlforge"),
    "endless_message": ("raise ValueError('x' * 100_000 + chr(10) + 'y')\n", "broken", "ValueError: xxx"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_listed_with_the_reason_and_its_place(workshop, case):
    text, state, reason = BROKEN[case]
    found = workshop.catalog(workshop.local(naughty=text))
    naughty = next(plugin for plugin in found.plugins if plugin.name == "naughty")
    assert naughty.state == state
    assert reason in naughty.reason
    assert len(naughty.reason) < 400
    assert "linear" in found.options("model")


def test_a_plugin_that_hangs_is_stopped_and_told_where_it_hung(workshop, monkeypatch):
    monkeypatch.setattr(inquiry.inquire, "__defaults__", (1.0,))
    state = workshop.state("naughty", workshop.local(naughty="import threading\nthreading.Event().wait()\n"))
    assert state.state == "broken"
    assert state.reason == "does not answer within 1 s (naughty.py:2)"


def test_what_a_hanging_plugin_has_started_is_ended_with_it(workshop, monkeypatch):
    monkeypatch.setattr(inquiry.inquire, "__defaults__", (1.0,))
    lock = workshop.root / "lock"
    text = f"""
        import fcntl, subprocess, sys
        file = open({str(lock)!r}, "w")
        fcntl.flock(file, fcntl.LOCK_EX)
        subprocess.run([sys.executable, "-c", "import threading; threading.Event().wait()"], pass_fds=[file.fileno()])
    """
    assert "does not answer" in workshop.state("naughty", workshop.local(naughty=text)).reason
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # is granted when the last process that holds it has ended, and never while one lives


def test_a_local_plugin_that_is_not_there_is_broken(workshop):
    found = catalog(type(workshop.local())(workshop.root, plugins=("nowhere",)))
    assert "No module named 'nowhere'" in next(one for one in found.plugins if one.name == "nowhere").reason


def test_a_local_plugin_hidden_by_another_module_of_its_name_is_told_so(workshop):
    workshop.install("json-tools", {"thing.py": HEAD + FINE}, module="thing")
    state = workshop.state("thing", workshop.local(thing=HEAD + FINE))
    assert state.state == "clash"
    assert "json-tools 1.0" in state.reason
