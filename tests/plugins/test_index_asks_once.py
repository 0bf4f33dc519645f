"""The index is kept between commands, and asked again exactly when something has changed."""

from __future__ import annotations

import json
import os
import sys
import time

import pytest

from mlforge.plugins import catalog, index, inquiry
from mlforge.project import Project

HEAD = "from mlforge.hookspecs import hookimpl\n"


def provides(*options: str) -> str:
    return HEAD + "@hookimpl\ndef mlforge_components():\n    return " + repr({f"model/{option}": f"x.{option}:X" for option in options}) + "\n"


@pytest.fixture
def asked(monkeypatch):
    """The names of the plugins that were asked, in order."""
    names: list[str] = []
    inquire = inquiry.inquire

    def listening(candidates, folders):
        names.extend(candidate.name for candidate in candidates)
        return inquire(candidates, folders)

    monkeypatch.setattr(inquiry, "inquire", listening)
    return names


def test_a_second_command_asks_nobody(workshop, asked):
    project = workshop.local(mine=provides("one"))
    first = catalog(project)
    assert sorted(asked) == ["mine", "mlforge"]
    assert catalog(project) == first
    assert sorted(asked) == ["mine", "mlforge"]


def test_an_edited_plugin_is_asked_again_and_nobody_else(workshop, asked):
    catalog(workshop.local(mine=provides("one"), other=provides("two")))
    asked.clear()
    project = Project(workshop.root, plugins=("mine", "other"))
    (workshop.root / "mine.py").write_text(provides("three", "four"))
    assert "three" in catalog(project).options("model")
    assert asked == ["mine"]


def test_an_edited_module_that_a_plugin_takes_its_table_from_counts_too(workshop, asked):
    (workshop.root / "tables.py").write_text("TABLE = {'model/one': 'x:X'}\n")
    project = workshop.local(mine=HEAD + "from tables import TABLE\n@hookimpl\ndef mlforge_components():\n    return TABLE\n")
    assert "one" in catalog(project).options("model")
    (workshop.root / "tables.py").write_text("TABLE = {'model/other_one': 'x:X'}\n")
    assert "other_one" in catalog(project).options("model")


def test_a_newly_installed_plugin_is_found(workshop, asked):
    catalog(Project(workshop.root))
    asked.clear()
    workshop.install("mlforge-new", {"mlforge_new/__init__.py": provides("brand_new")})
    assert workshop.catalog().options("model")["brand_new"].plugin == "mlforge-new"
    assert "mlforge-new" in asked


def test_a_broken_plugin_is_well_again_once_its_module_is_installed(workshop):
    workshop.install("mlforge-acme", {"mlforge_acme/__init__.py": "import acme_sdk\n" + provides("acme")})
    assert workshop.state("mlforge-acme").state == "broken"
    (workshop.site / "acme_sdk.py").write_text("")
    os.utime(workshop.site, ns=(time.time_ns(), time.time_ns()))  # some file systems keep time coarsely
    assert workshop.state("mlforge-acme").state == "ok"


def test_a_plugin_that_hung_is_asked_again_after_a_while(workshop, asked, monkeypatch):
    monkeypatch.setattr(inquiry, "inquire", lambda candidates, folders: [_hung(one) for one in candidates])
    project = workshop.local(mine=provides("one"))
    assert workshop.state("mine", project).state == "broken"
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(workshop.cache.parent))
    assert workshop.state("mine", project).state == "broken"
    monkeypatch.setattr(index, "_FORGET_HANG", -1)
    assert workshop.state("mine", project).state == "ok"


def _hung(one):
    return {"state": "broken", "reason": "does not answer within 10 s", "files": [], "hangs": True}


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"answers": 3, "surroundings": 4}', "\x00", 'x\n{"answers": {}}'])
def test_a_damaged_cache_is_as_good_as_none(workshop, damage):
    project = workshop.local(mine=provides("one"))
    catalog(project)
    for path in workshop.cache.iterdir():
        path.write_text(damage)
    assert "one" in catalog(project).options("model")


def test_a_cache_that_cannot_be_written_is_no_error(workshop, monkeypatch):
    blocked = workshop.root / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))  # a file where a folder should be: not even root can write below it
    assert "one" in catalog(workshop.local(mine=provides("one"))).options("model")


def test_a_user_without_a_home_has_no_cache_and_no_error(workshop, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_000)  # a user whom the system does not know
    assert "one" in catalog(workshop.local(mine=provides("one"))).options("model")


def test_nothing_half_written_is_left_in_the_cache(workshop):
    catalog(workshop.local(mine=provides("one")))
    files = list(workshop.cache.iterdir())
    assert [path.name.startswith("plugins-") for path in files] == [True]
    assert json.loads(files[0].read_text().partition("\n")[2])["answers"]["mine"]["components"] == {"model/one": "x.one:X"}


def test_thirty_plugins_are_listed_without_importing_any(workshop):
    for number in range(30):
        name = f"crowd_{number}"
        workshop.install(f"crowd-{number}", {f"{name}/__init__.py": provides(name), f"{name}/model.py": "raise SystemExit('imported')\n"}, module=name)
    found = workshop.catalog()
    assert sum(plugin.name.startswith("crowd-") and plugin.state == "ok" for plugin in found.plugins) == 30
    assert found.options("model")["crowd_7"].reference == "x.crowd_7:X"
    assert not [name for name in sys.modules if name.startswith("crowd_")]


def test_who_waits_is_told_how_many_are_asked_and_only_then(workshop):
    project, told = workshop.local(mine=provides("one"), other=provides("two")), []
    catalog(project, told.append)
    catalog(project, told.append)
    assert len(told) == 1
    assert told[0] >= 3  # mlforge's own, and the two
