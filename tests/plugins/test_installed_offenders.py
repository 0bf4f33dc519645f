"""Plugins that misbehave, as installed distributions beside a good one: each is named, and none breaks what does not use it."""

from __future__ import annotations

import pytest

HEAD = "from mlforge.hookspecs import hookimpl\n"
EMPTY = HEAD + "@hookimpl\ndef mlforge_components():\n    return {}\n"
THREAD = "import threading, time\ndef poll():\n    time.sleep(60)\nthreading.Thread(target=poll, name='poller', daemon=True).start()\n"
OFFENDERS = {
    "acme-raises": ("raise RuntimeError('no licence')\n", "broken: RuntimeError: no licence (acme_raises/__init__.py:1)"),
    "acme-prints": ("print('Welcome to Acme!')\n" + EMPTY, "broken: prints when it is loaded: 'Welcome to Acme!' (acme_prints/__init__.py:1)"),
    "acme-exits": ("import sys\nsys.exit('bye')\n", "broken: exits when it is loaded, with 'bye' (acme_exits/__init__.py:2)"),
    "acme-threads": (THREAD + EMPTY, "broken: starts a thread when it is loaded: poller (acme_threads/__init__.py:2)"),
    "acme-threads-in-hook": (
        HEAD + "@hookimpl\ndef mlforge_components():\n    import threading, time\n"
        "    threading.Thread(target=time.sleep, args=(60,), name='x').start()\n    return {}\n",
        "broken: starts a thread when it is loaded: x",
    ),
    "acme-future": ("MLFORGE_API = (2, 3)\n" + EMPTY, "needs mlforge API 2–3, this is 1: pip install --upgrade mlforge"),
    "acme-nonsense": ("MLFORGE_API = '1.0'\n" + EMPTY, "broken: MLFORGE_API is '1.0'; a version was expected, or the oldest and newest of a range: (1, 2)"),
}
HANG = ("import threading\nthreading.Event().wait()\n", "broken: does not answer within 10 s (acme_hangs/__init__.py:2)")
GOOD = HEAD + "MLFORGE_API = (1, 4)\n@hookimpl\ndef mlforge_components():\n    return {'source/good': 'acme_good.source:Good'}\n"
SOURCE = '''
from mlforge.components import Source

class Good(Source):
    """Three rows."""

    def fingerprint(self):
        return "good"

    def scan(self):
        import polars as pl
        return pl.LazyFrame({"x": [1.0, 2.0, 3.0]})
'''
RECIPE = "mlforge: 1\nrequires: [acme-good]\ndefaults: [lifecycle, source: good, _self_]\nname: mine\ncontract: {columns: {x: {dtype: float}}}\n"


def put(workshop, name, text, **more):
    workshop.install(name, {f"{name.replace('-', '_')}/__init__.py": text}, **more)


def told(project, *names):
    """What `mlforge plugins` says of each: its line from the state on, and the lines below the table."""
    lines = project.command("plugins").out.splitlines()
    start = lines[0].index("STATE")
    return {line.split()[0]: line[start:] for line in lines if line.split()[0] in names}, lines


def stands(project):
    """Everything that uses none of the offenders works, and says nothing of them."""
    for arguments in (("--help",), ("check", "breast_cancer"), ("check", "mine"), ("run", "mine", "--only", "ingest"), ("ls", "model")):
        outcome = project.command(*arguments)
        assert (outcome.code, outcome.err) == (0, ""), outcome.text


def test_each_is_named_with_its_place_and_harms_nobody(workshop, project, monkeypatch):
    workshop.install("acme-good", {"acme_good/__init__.py": GOOD, "acme_good/source.py": SOURCE})
    for name, (text, _) in OFFENDERS.items():
        put(workshop, name, text)
    project.env["PYTHONPATH"] = str(workshop.site)
    project.write(mine=RECIPE)
    states, lines = told(project, "acme-good", *OFFENDERS)
    assert states == {"acme-good": "ok", **{name: said for name, (_, said) in OFFENDERS.items()}}
    assert next(line for line in lines if line.startswith("acme-good")).split()[2] == "1–4"
    stands(project)


@pytest.mark.slow
def test_one_that_hangs_is_given_up_after_ten_seconds_and_not_waited_for_again(workshop, project):
    workshop.install("acme-good", {"acme_good/__init__.py": GOOD, "acme_good/source.py": SOURCE})
    put(workshop, "acme-hangs", HANG[0])
    project.env["PYTHONPATH"] = str(workshop.site)
    project.write(mine=RECIPE)
    assert told(project, "acme-hangs")[0] == {"acme-hangs": HANG[1]}
    project.timeout = 9.0  # seconds: shorter than the limit
    stands(project)


def test_two_entry_points_of_one_name_are_both_left_out_and_name_each_other(workshop, project):
    for name in ("acme-one", "acme-two"):
        put(workshop, name, EMPTY, entry="acme")
    project.env["PYTHONPATH"] = str(workshop.site)
    states, _ = told(project, "acme-one", "acme-two")
    assert "also that of acme-two 1.0" in states["acme-one"]
    assert "also that of acme-one 1.0" in states["acme-two"]
    assert project.command("check", "breast_cancer").code == 0


def test_one_that_shadows_a_built_in_breaks_only_recipes_that_name_it(workshop, project):
    put(workshop, "acme-shadow", HEAD + "@hookimpl\ndef mlforge_components():\n    return {'model/mlp': 'acme_shadow.x:X'}\n")
    project.env["PYTHONPATH"] = str(workshop.site)
    assert "clash: model/mlp is provided by acme-shadow 1.0 and by mlforge 0.1.0" in told(project)[1]
    assert project.command("check", "breast_cancer").code == 0
    outcome = project.command("check", "breast_cancer", "model=mlp")
    assert outcome.code == 2
    assert "acme-shadow and mlforge both provide model/mlp" in outcome.err


def test_one_that_requires_what_is_not_installed_as_it_wants_is_told(workshop, project):
    put(workshop, "acme-pins", EMPTY, requires="polars<0.1")
    put(workshop, "acme-lacks", EMPTY, requires="nobody-has-this>=2")
    put(workshop, "acme-fine", EMPTY, requires="polars>=1")
    project.env["PYTHONPATH"] = str(workshop.site)
    conflicts = [line for line in told(project)[1] if line.startswith("conflict:")]
    assert conflicts[0] == "conflict: acme-lacks 1.0 requires nobody-has-this>=2, which is not installed"
    assert conflicts[1].startswith("conflict: acme-pins 1.0 requires polars<0.1, and ")
    assert len(conflicts) == 2
    doctor = project.command("doctor")
    assert doctor.code == 0
    assert "acme-pins 1.0 requires polars<0.1" in doctor.out
    assert project.command("check", "breast_cancer").code == 0
